//! A relay between two sessions of one guest.

use websocket_component::handshake::Negotiated;
use websocket_component::{Config, Instant, Outgoing, Role};
use websocket_host::{CallError, Guest, Session};

use super::from_contract::FromContract;
use super::to_contract::{Batch, to_contract};
use super::{answer, outcome, sandbox};
use crate::engine::{ENTROPY, ExchangeResult, Relay, RelayResult, START};

/// Two sessions of the component, in one guest.
pub struct SandboxedRelay {
    guest: Guest,
    sessions: Sessions,
}

struct Sessions {
    server: Session,
    client: Session,
}

impl Sessions {
    fn of(&self, role: Role) -> &Session {
        match role {
            Role::Server => &self.server,
            Role::Client => &self.client,
        }
    }
}

impl SandboxedRelay {
    /// With an open server, and the client that is made.
    fn with_client(
        server: &Config,
        client: impl FnOnce(&mut Guest) -> Result<Session, CallError>,
    ) -> Self {
        let mut guest = sandbox().guest().expect("the pool has room");
        let negotiated = to_contract(&Negotiated::default());
        let server = guest.open_server(server, &negotiated, START.as_nanos());
        let sessions = Sessions {
            server: outcome(server).unwrap(),
            client: outcome(client(&mut guest)).unwrap(),
        };
        SandboxedRelay { guest, sessions }
    }

    /// A relay of a session to itself, which is a mistake.
    pub fn relay_to_itself(&mut self, of: Role, input: &[u8], now: Instant) -> RelayResult {
        let session = self.sessions.of(of);
        let now = now.as_nanos();
        let results = answer(self.guest.relay(session, session, input, now, u32::MAX));
        RelayResult::from_contract(results)
    }
}

impl Relay for SandboxedRelay {
    fn open(server: &Config, client: &Config) -> Self {
        let negotiated = to_contract(&Negotiated::default());
        SandboxedRelay::with_client(server, |guest| {
            guest.open_client(client, &ENTROPY, &negotiated, START.as_nanos())
        })
    }

    fn half_open(server: &Config, client: &Config) -> Self {
        SandboxedRelay::with_client(server, |guest| {
            guest.client(client, &ENTROPY, START.as_nanos())
        })
    }

    fn relay(&mut self, from: Role, input: &[u8], now: Instant, capacity: u32) -> RelayResult {
        let (source, target) = (self.sessions.of(from), self.sessions.of(from.peer()));
        let now = now.as_nanos();
        let results = answer(self.guest.relay(source, target, input, now, capacity));
        RelayResult::from_contract(results)
    }

    fn exchange(&mut self, of: Role, outgoing: &[Outgoing<'_>], now: Instant) -> ExchangeResult {
        let session = self.sessions.of(of);
        let batch = Batch::new(outgoing);
        let (records, payload, now) = (&batch.records, &batch.payload, now.as_nanos());
        let result = self
            .guest
            .exchange(session, &[], records, payload, now, u32::MAX);
        ExchangeResult::from_contract(answer(result))
    }
}
