//! The instructions of WebAssembly that a component takes, so that the builds of two toolchains can be compared.
//!
//! `component_instructions COMPONENT` prints a line for each kernel: its name, a tab, and how many it took. They are
//! wasmtime's fuel, which counts them as they are executed, so that a busy machine makes no difference.

use std::process::ExitCode;

use host_tests::deflate::{Peer, text};
use host_tests::heads;
use host_tests::wire::{Frame, RSV1};
use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Config, Engine, Result, Store};

use bindings::Websocket;
use bindings::exports::websocket::protocol::session::{
    Acceptance, Compression, Outgoing, OutgoingKind,
};
use bindings::exports::websocket::protocol::types::{Extension, Negotiated};

mod bindings {
    wasmtime::component::bindgen!({ path: "../wit", world: "websocket" });
}

/// As much as there is: it is only counted.
const FUEL: u64 = u64::MAX;
/// Messages of a call: as many of 16 KiB as a read has, or of 1 KiB as may be inflated at a time.
const LONG: usize = 4;
const SHORT: usize = 500;
const NOW: u64 = 1;

/// Has a guest do some work.
type Kernel = fn(&mut Guest) -> Result<()>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [component] = &arguments[..] else {
        eprintln!("component_instructions COMPONENT");
        return ExitCode::FAILURE;
    };
    match run(component) {
        Ok(counts) => {
            for (name, count) in counts {
                println!("{name}\t{count}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{component}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(component: &str) -> Result<Vec<(&'static str, u64)>> {
    let engine = Engine::new(Config::new().consume_fuel(true))?;
    let component = Component::from_file(&engine, component)?;
    let linker = Linker::new(&engine);
    let count = |kernel: Kernel| -> Result<u64> {
        let mut store = Store::new(&engine, ());
        store.set_fuel(FUEL)?;
        let bindings = Websocket::instantiate(&mut store, &component, &linker)?;
        let mut guest = Guest { store, bindings };
        // What is made once is made before the count.
        kernel(&mut guest)?;
        let before = guest.store.get_fuel()?;
        kernel(&mut guest)?;
        Ok(before - guest.store.get_fuel()?)
    };
    let kernels: [(&str, Kernel); 6] = [
        ("handshake", handshake),
        ("decode-text-125", |guest| {
            decode(guest, &Frame::text(vec![b'x'; 125]), SHORT)
        }),
        ("decode-binary-16384", |guest| {
            decode(guest, &Frame::binary(vec![b'x'; 16_384]), LONG)
        }),
        ("encode-60", encode),
        ("inflate-1024", inflate),
        ("compress-1024", compress),
    ];
    let counts = kernels.into_iter();
    counts
        .map(|(name, kernel)| Ok((name, count(kernel)?)))
        .collect()
}

/// An instance of the component.
struct Guest {
    store: Store<()>,
    bindings: Websocket,
}

impl Guest {
    /// Calls `exchange` on a server's session with input and text to send, and checks how many events come of it.
    fn exchange(
        &mut self,
        session: ResourceAny,
        input: &[u8],
        texts: &[&str],
        events: usize,
    ) -> Result<()> {
        let mut payload = Vec::new();
        let mut outgoing = Vec::new();
        for text in texts {
            outgoing.push(Outgoing {
                kind: OutgoingKind::Text(Compression::Automatic),
                start: u32::try_from(payload.len())?,
                length: u32::try_from(text.len())?,
                context: None,
            });
            payload.extend_from_slice(text.as_bytes());
        }
        let exports = self.bindings.websocket_protocol_session();
        let sessions = exports.websocket_session();
        let result = sessions.call_exchange(
            &mut self.store,
            session,
            input,
            &outgoing,
            &payload,
            NOW,
            1 << 20,
        )?;
        wasmtime::ensure!(result.failure.is_none(), "it failed: {:?}", result.failure);
        wasmtime::ensure!(result.consumed as usize == input.len(), "input is left");
        wasmtime::ensure!(
            result.accepted as usize == texts.len(),
            "a message was refused"
        );
        wasmtime::ensure!(
            result.events.len() == events,
            "{} events",
            result.events.len()
        );
        Ok(())
    }

    fn options(&mut self) -> Result<ResourceAny> {
        let exports = self.bindings.websocket_protocol_options();
        exports.session_options().call_constructor(&mut self.store)
    }

    /// A server's session that is open, with permessage-deflate.
    fn open(&mut self) -> Result<ResourceAny> {
        let options = self.options()?;
        let setters = self.bindings.websocket_protocol_options();
        let setters = setters.session_options();
        let set = setters.call_set_deflate(&mut self.store, options, true)?;
        set.map_err(|failure| wasmtime::format_err!("no deflate: {failure:?}"))?;
        let negotiated = Negotiated {
            subprotocol: None,
            extensions: vec![Extension {
                name: "permessage-deflate".into(),
                parameters: Vec::new(),
            }],
        };
        let exports = self.bindings.websocket_protocol_session();
        let sessions = exports.websocket_session();
        let session = sessions.call_open_server(&mut self.store, options, &negotiated, NOW)?;
        options.resource_drop(&mut self.store)?;
        session.map_err(|failure| wasmtime::format_err!("no session: {failure:?}"))
    }
}

/// A request, and its acceptance.
fn handshake(guest: &mut Guest) -> Result<()> {
    let options = guest.options()?;
    let exports = guest.bindings.websocket_protocol_session();
    let session = exports
        .websocket_session()
        .call_server(&mut guest.store, options, NOW)?;
    options.resource_drop(&mut guest.store)?;
    let session = session.map_err(|failure| wasmtime::format_err!("no session: {failure:?}"))?;
    guest.exchange(session, &heads::request(), &[], 1)?;
    let exports = guest.bindings.websocket_protocol_session();
    let acceptance = Acceptance {
        subprotocol: None,
        extensions: Vec::new(),
        headers: Vec::new(),
    };
    let accepted =
        exports
            .websocket_session()
            .call_accept(&mut guest.store, session, &acceptance, NOW)?;
    accepted.map_err(|failure| wasmtime::format_err!("not accepted: {failure:?}"))?;
    session.resource_drop(&mut guest.store)
}

/// A read with messages of a client.
fn decode(guest: &mut Guest, frame: &Frame, count: usize) -> Result<()> {
    let read = frame.clone().masked([1, 2, 3, 4]).bytes().repeat(count);
    let session = guest.open()?;
    guest.exchange(session, &read, &[], count)?;
    session.resource_drop(&mut guest.store)
}

fn inflate(guest: &mut Guest) -> Result<()> {
    let payload = Peer::default().compresses(text(1024));
    decode(guest, &Frame::text(payload).reserved(RSV1), SHORT)
}

/// Messages that are too short to be compressed.
fn encode(guest: &mut Guest) -> Result<()> {
    let session = guest.open()?;
    let text = "x".repeat(60);
    guest.exchange(session, &[], &[text.as_str(); SHORT], 0)?;
    session.resource_drop(&mut guest.store)
}

fn compress(guest: &mut Guest) -> Result<()> {
    let session = guest.open()?;
    let text = text(1024);
    guest.exchange(session, &[], &[text.as_str(); SHORT], 0)?;
    session.resource_drop(&mut guest.store)
}
