//! Guests and the program's WASI components on one engine, with one pool and one ticker; and the component in the
//! program's own store.

use std::thread;
use std::time::Duration;

use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView, p2};
use websocket_host::bindings::exports::websocket::protocol::types::{Negotiated, State};
use websocket_host::bindings::{Websocket, WebsocketPre};
use websocket_host::wasmtime::component::{Component, Instance, Linker, TypedFunc};
use websocket_host::wasmtime::{Config, Engine, PoolingAllocationConfig, Store, Trap};
use websocket_host::{Sandbox, SandboxConfig, SandboxError};

use crate::sandbox::{frame, server, told};
use crate::support::{component, config, misbehaving_component};

const STOPWATCH: &str = include_str!("../../examples/wasi/stopwatch.wat");
const TICK: Duration = Duration::from_millis(5);
/// How long a call of each kind may take.
const TICKS: u64 = 200;
const CALL_TIME: Duration = Duration::from_millis(100);

/// The data of the program's store.
struct Host {
    context: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.context,
            table: &mut self.table,
        }
    }
}

/// Creates an engine with a pool of `guests`, and a thread that advances its epoch.
fn engine(guests: u32) -> Engine {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(guests)
        .total_component_instances(guests)
        .total_memories(guests)
        .max_memory_size(64 << 20);
    let mut settings = Config::new();
    settings.allocation_strategy(pool).epoch_interruption(true);
    let engine = Engine::new(&settings).expect("an engine");
    let weak = engine.weak();
    thread::spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            thread::sleep(TICK);
        }
    });
    engine
}

/// A WASI component of the program, with its store.
struct Stopwatch {
    store: Store<Host>,
    instance: Instance,
}

impl Stopwatch {
    fn new(engine: &Engine) -> Self {
        let bytes = wat::parse_str(STOPWATCH).expect("text");
        let component = Component::new(engine, bytes).expect("a component");
        let mut linker = Linker::new(engine);
        p2::add_to_linker_sync(&mut linker).expect("WASI");
        let context = WasiCtx::builder().build();
        let table = ResourceTable::new();
        let mut store = Store::new(engine, Host { context, table });
        store.set_epoch_deadline(TICKS);
        let instance = linker.instantiate(&mut store, &component);
        Self {
            instance: instance.expect("an instance"),
            store,
        }
    }

    fn lap(&mut self) -> u64 {
        self.store.set_epoch_deadline(TICKS);
        let lap: TypedFunc<(), (u64,)> = self
            .instance
            .get_typed_func(&mut self.store, "lap")
            .expect("it");
        lap.call(&mut self.store, ()).expect("it runs").0
    }

    fn spin(&mut self) -> Option<Trap> {
        self.store.set_epoch_deadline(TICKS);
        let spin: TypedFunc<(), ()> = self
            .instance
            .get_typed_func(&mut self.store, "spin")
            .expect("it");
        let error = spin.call(&mut self.store, ()).expect_err("it is ended");
        error.downcast_ref().copied()
    }
}

#[test]
fn guests_and_a_wasi_component_share_an_engine_its_pool_and_its_ticker() {
    let engine = engine(4);
    let config = SandboxConfig {
        call_time: CALL_TIME,
        ..config()
    };
    let builder = Sandbox::builder().config(config).engine(&engine);
    let sandbox = builder.load(misbehaving_component()).expect("it loads");
    let mut stopwatch = Stopwatch::new(&engine);
    let (mut guest, session) = server(&sandbox);
    for _ in 0..100 {
        assert_eq!(told(&mut guest, &session, "hello"), Ok(1));
        assert!(stopwatch.lap() > 0);
    }
    // The same ticks end each of them if it takes too long, without affecting the other.
    let error = told(&mut guest, &session, "misbehave: spin").expect_err("it is stopped");
    assert_eq!(error, SandboxError::OutOfTime { limit: CALL_TIME });
    assert!(stopwatch.lap() > 0);
    let (mut other, other_session) = server(&sandbox);
    assert_eq!(stopwatch.spin(), Some(Trap::Interrupt));
    assert_eq!(told(&mut other, &other_session, "hello"), Ok(1));
    // The pool has four places: those of two guests, and of the component.
    let _last = sandbox.guest().expect("the last place");
    let none = sandbox.guest().map(drop);
    assert_eq!(none, Err(SandboxError::PoolExhausted));
    drop(stopwatch);
    sandbox.guest().expect("its place");
}

#[test]
fn the_component_runs_in_a_store_of_the_program_s_own_beside_a_wasi_component() {
    let engine = engine(4);
    let engine_component = Component::from_file(&engine, component()).expect("a component");
    // It imports nothing, so a linker of any type will do.
    let pre = Linker::new(&engine).instantiate_pre(&engine_component);
    let pre = WebsocketPre::new(pre.expect("no imports")).expect("its exports");
    let mut stopwatch = Stopwatch::new(&engine);
    let websocket: Websocket = pre.instantiate(&mut stopwatch.store).expect("an instance");

    let store = &mut stopwatch.store;
    store.set_epoch_deadline(TICKS);
    let options = websocket.websocket_protocol_options().session_options();
    let options = options.call_constructor(&mut *store).expect("options");
    let negotiated = Negotiated {
        subprotocol: None,
        extensions: Vec::new(),
    };
    let sessions = websocket.websocket_protocol_session().websocket_session();
    let session = sessions.call_open_server(&mut *store, options, &negotiated, 0);
    let session = session.expect("it runs").expect("a session");
    let result = sessions.call_exchange(&mut *store, session, &frame("hello"), &[], &[], 1, 1024);
    let result = result.expect("it runs");
    let [event] = &result.events[..] else {
        panic!("one message");
    };
    let text = &result.payload[event.start as usize..][..event.length as usize];
    assert_eq!((result.state, text), (State::Open, &b"hello"[..]));
    assert!(stopwatch.lap() > 0);
}
