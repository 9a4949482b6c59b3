//! A server and a WASI component on one engine: `cargo run --release -p websocket-host --example wasi`.
//!
//! Each message is answered with the time since the previous one, which the component (`wasi/stopwatch.wat`) measures.
//! The program creates the engine, with its pool and the thread that advances its epoch. Both the component's store and
//! the WebSocket's guest run on it.

use std::thread;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView, p2};
use websocket_host::stream::{Message, accept_async};
use websocket_host::wasmtime::component::{Component, InstancePre, Linker, TypedFunc};
use websocket_host::wasmtime::{Config, Engine, PoolingAllocationConfig, Store};
use websocket_host::{Sandbox, SandboxConfig};

const STOPWATCH: &str = include_str!("wasi/stopwatch.wat");

/// How often the epoch advances, and for how many of these ticks the program's component may run.
const TICK: Duration = Duration::from_millis(10);
const TICKS: u64 = 100;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// The data of the component's store.
struct State {
    context: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.context,
            table: &mut self.table,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let engine = engine()?;
    let config = SandboxConfig::default();
    let sandbox = Sandbox::builder()
        .config(config)
        .engine(&engine)
        .bundled()?;
    let mut linker = Linker::new(&engine);
    p2::add_to_linker_sync(&mut linker)?;
    let stopwatch = Component::new(&engine, wat::parse_str(STOPWATCH)?)?;
    let stopwatch = linker.instantiate_pre(&stopwatch)?;

    let listener = TcpListener::bind(address).await?;
    println!("ws://{}/", listener.local_addr()?);
    loop {
        let (io, peer) = listener.accept().await?;
        let (sandbox, stopwatch) = (sandbox.clone(), Stopwatch::new(&stopwatch));
        tokio::spawn(async move {
            if let Err(error) = serve(io, &sandbox, stopwatch?).await {
                println!("{peer}: {error}");
            }
            Ok::<(), AnyError>(())
        });
    }
}

/// Creates an engine with one pool for all guests, and a thread that advances its epoch until the engine is dropped.
fn engine() -> Result<Engine, AnyError> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(1000).total_memories(500);
    let mut settings = Config::new();
    settings.allocation_strategy(pool).epoch_interruption(true);
    let engine = Engine::new(&settings)?;
    let weak = engine.weak();
    thread::spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            thread::sleep(TICK);
        }
    });
    Ok(engine)
}

async fn serve(io: TcpStream, sandbox: &Sandbox, mut stopwatch: Stopwatch) -> Result<(), AnyError> {
    let mut socket = accept_async(io, sandbox).await?;
    while let Some(message) = socket.next().await.transpose()? {
        if message.is_data() {
            let time = stopwatch.lap()?;
            socket.send(Message::from(format!("{time:?}"))).await?;
        }
    }
    Ok(())
}

/// An instance of the component, with its store.
struct Stopwatch {
    store: Store<State>,
    lap: TypedFunc<(), (u64,)>,
}

impl Stopwatch {
    fn new(pre: &InstancePre<State>) -> Result<Self, AnyError> {
        let state = State {
            context: WasiCtx::builder().build(),
            table: ResourceTable::new(),
        };
        let mut store = Store::new(pre.engine(), state);
        store.set_epoch_deadline(TICKS);
        let instance = pre.instantiate(&mut store)?;
        let lap = instance.get_typed_func(&mut store, "lap")?;
        Ok(Self { store, lap })
    }

    fn lap(&mut self) -> Result<Duration, AnyError> {
        self.store.set_epoch_deadline(TICKS);
        let (nanos,) = self.lap.call(&mut self.store, ())?;
        Ok(Duration::from_nanos(nanos))
    }
}
