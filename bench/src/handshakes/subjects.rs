//! Each library's own way to make a handshake.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use tokio_websockets::{ClientBuilder, ServerBuilder};
use websocket_component::handshake as native;
use websocket_component::{Config, Instant, Rule, Session};
use websocket_host::protocol::{Acceptance, EventKind, Request, State};
use websocket_host::{Guest, Sandbox, SandboxConfig};

use super::wire::{REQUEST, Wire, answer};
use crate::ready;
use crate::role::Role;

/// The peer that everything is compared with.
pub(super) const REFERENCE: &str = "tungstenite";

const AUTHORITY: &str = "example.org";
const TARGET: &str = "/chat";
const URL: &str = "ws://example.org/chat";

pub(super) trait Subject {
    fn name(&self) -> &'static str;

    /// Makes a handshake. An error if it doesn't open.
    fn open(&mut self, role: Role) -> Result<()>;
}

pub(super) fn all(component: &Path) -> Result<Vec<Box<dyn Subject>>> {
    Ok(vec![
        Box::new(Native),
        Box::new(Component::load(component)?),
        Box::new(Tungstenite),
        Box::new(TokioWebsockets),
    ])
}

/// What a response that accepts begins with.
fn is_accepted(response: &[u8]) -> bool {
    response.starts_with(b"HTTP/1.1 101 ")
}

const NOW: Instant = Instant::from_nanos(1);

struct Native;

impl Native {
    fn server() -> Result<bool, Rule> {
        let mut session = Session::server(Config::default(), NOW)?;
        let mut input = REQUEST.to_vec();
        let mut events = session.input(&mut input, NOW);
        while events.next().is_some() {}
        session.accept(&native::Acceptance::default(), NOW)?;
        Ok(is_accepted(session.output()))
    }

    fn client() -> Result<bool, Rule> {
        let mut session = Session::client(Config::default(), &[7; 32], NOW)?;
        session.connect(&native::Request::new(AUTHORITY, TARGET), NOW)?;
        let mut input = answer(session.output());
        let length = session.output().len();
        session.advance(length, NOW);
        let mut events = session.input(&mut input, NOW);
        while events.next().is_some() {}
        Ok(session.state() == websocket_component::State::Open)
    }
}

impl Subject for Native {
    fn name(&self) -> &'static str {
        "native engine"
    }

    fn open(&mut self, role: Role) -> Result<()> {
        let opened = match role {
            Role::Server => Native::server(),
            Role::Client => Native::client(),
        };
        ensure!(opened?, "it doesn't open");
        Ok(())
    }
}

struct Component {
    guest: Guest,
}

impl Component {
    fn load(path: &Path) -> Result<Component> {
        let sandbox = Sandbox::load(path, SandboxConfig::default())
            .context("run `cargo xtask bench`, which builds the component first")?;
        let guest = sandbox.guest()?;
        Ok(Component { guest })
    }
}

impl Subject for Component {
    fn name(&self) -> &'static str {
        "component in sandbox"
    }

    fn open(&mut self, role: Role) -> Result<()> {
        const CAPACITY: u32 = 64 << 10;
        let config = Config::default();
        let guest = &mut self.guest;
        let session = match role {
            Role::Server => {
                let session = guest.server(&config, 1)?;
                let result = guest.exchange(&session, REQUEST, &[], &[], 1, CAPACITY)?;
                let asked = result
                    .events
                    .iter()
                    .any(|event| event.kind == EventKind::Request);
                ensure!(asked, "no request");
                guest.accept(&session, &Acceptance::default(), 1)?;
                let result = guest.exchange(&session, &[], &[], &[], 1, CAPACITY)?;
                ensure!(is_accepted(result.output), "it doesn't open");
                session
            }
            Role::Client => {
                let session = guest.client(&config, &[7; 32], 1)?;
                let request = Request {
                    target: TARGET.into(),
                    authority: AUTHORITY.into(),
                    subprotocols: Vec::new(),
                    extensions: Vec::new(),
                    headers: Vec::new(),
                };
                guest.connect(&session, &request, 1)?;
                let result = guest.exchange(&session, &[], &[], &[], 1, CAPACITY)?;
                let response = answer(result.output);
                let result = guest.exchange(&session, &response, &[], &[], 1, CAPACITY)?;
                ensure!(result.state == State::Open, "it doesn't open");
                session
            }
        };
        Ok(guest.drop_session(session)?)
    }
}

struct Tungstenite;

impl Subject for Tungstenite {
    fn name(&self) -> &'static str {
        REFERENCE
    }

    fn open(&mut self, role: Role) -> Result<()> {
        match role {
            Role::Server => {
                let opened = tungstenite::accept(Wire::asked());
                let socket = opened.map_err(|error| anyhow!("{error}"))?;
                ensure!(is_accepted(&socket.get_ref().output), "it doesn't open");
            }
            Role::Client => {
                let opened = tungstenite::client(URL, Wire::answered());
                opened.map_err(|error| anyhow!("{error}"))?;
            }
        }
        Ok(())
    }
}

struct TokioWebsockets;

impl Subject for TokioWebsockets {
    fn name(&self) -> &'static str {
        "tokio-websockets"
    }

    fn open(&mut self, role: Role) -> Result<()> {
        ready::run(async {
            match role {
                Role::Server => {
                    let (_, stream) = ServerBuilder::new().accept(Wire::asked()).await?;
                    ensure!(is_accepted(&stream.get_ref().output), "it doesn't open");
                }
                Role::Client => {
                    let builder = ClientBuilder::new().uri(URL)?;
                    builder.connect_on(Wire::answered()).await?;
                }
            }
            Ok(())
        })
    }
}
