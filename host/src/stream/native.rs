//! The native engine.

use websocket_component::handshake::{
    Acceptance, HandshakeKind, Header, Negotiated, Refusal, Request, RequestHead, ResponseHead,
};
use websocket_component::{Config, FrameHeader, IncomingPayload, Outgoing, Session};

use super::engine::{Boxed, Endpoint, Engine, Exchanged, Made, Received, Take};
use super::error::Error;
use crate::clock::Instant;
use crate::error::SandboxError;

/// The engine without a sandbox: what a peer sends is parsed in the program.
///
/// It is safe Rust, takes less memory for each connection, and needs neither wasmtime nor a component. But it isn't
/// isolated: a bug that lets a peer make the engine panic, loop forever or exhaust memory does that to the whole
/// program. permessage-deflate needs the feature `deflate`.
///
/// ```no_run
/// use websocket_host::Native;
/// use websocket_host::stream::accept_async;
///
/// # async fn serve(io: tokio::net::TcpStream) -> Result<(), websocket_host::stream::Error> {
/// let socket = accept_async(io, &Native).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Native;

impl Engine for Native {
    fn endpoint(&self, made: Made<'_>, config: &Config, now: Instant) -> Result<Boxed, Error> {
        let (config, now) = (*config, at(now));
        let session = match made {
            Made::Client(entropy) => Session::client(config, entropy, now),
            Made::Server => Session::server(config, now),
            Made::OpenClient(entropy, negotiated) => {
                Session::open_client(config, entropy, negotiated.clone(), now)
            }
            Made::OpenServer(negotiated) => Session::open_server(config, negotiated.clone(), now),
        };
        Ok(Boxed(Box::new(session?)))
    }
}

impl Endpoint for Session {
    fn exchange(
        &mut self,
        input: &mut [u8],
        outgoing: &[Outgoing<'_>],
        now: Instant,
        capacity: u32,
        take: &mut dyn Take,
    ) -> Result<Exchanged, SandboxError> {
        let outgoing = outgoing.iter().copied();
        let result = Session::exchange(self, input, outgoing, at(now), capacity as usize);
        take.receive(Received {
            records: result.records,
            payload: result.payload,
        });
        take.write(result.output);
        let exchanged = Exchanged {
            consumed: result.consumed,
            accepted: result.accepted,
            refused: result.refused,
            more: result.more,
            state: result.state,
            next_deadline: result.next_deadline.map(nanos),
            failure: result.failure,
        };
        // It may be idle from now on.
        self.forget_exchanged();
        Ok(exchanged)
    }

    fn frame_header(
        &mut self,
        is_text: bool,
        is_last: bool,
        length: u64,
    ) -> Result<Option<FrameHeader>, Error> {
        Ok(self.frame_header_of(is_text, is_last, length)?)
    }

    fn begin_payload(
        &mut self,
        input: &[u8],
        now: Instant,
    ) -> Result<Option<(usize, IncomingPayload)>, SandboxError> {
        Ok(Session::begin_payload(self, input, at(now)))
    }

    fn payload_read(&mut self, payload: &IncomingPayload, now: Instant) -> Result<(), Error> {
        Ok(Session::payload_read(self, payload, at(now))?)
    }

    fn output_moved(
        &mut self,
        taken: bool,
        blocked: bool,
        now: Instant,
    ) -> Result<(), SandboxError> {
        if taken {
            self.output_taken(at(now));
        }
        if blocked {
            self.output_blocked(at(now));
        }
        Ok(())
    }

    fn end_of_input(&mut self, now: Instant) -> Result<(), SandboxError> {
        Session::end_of_input(self, at(now));
        Ok(())
    }

    fn next_deadline(&mut self) -> Result<Option<Instant>, SandboxError> {
        Ok(Session::next_deadline(self).map(nanos))
    }

    fn connect(&mut self, request: Request, now: Instant) -> Result<(), Error> {
        Ok(Session::connect(self, &request, at(now))?)
    }

    fn response(&mut self) -> Result<Option<ResponseHead>, Error> {
        Ok(Session::response(self).cloned())
    }

    fn request(&mut self) -> Result<Option<RequestHead>, Error> {
        Ok(Session::request(self).cloned())
    }

    fn accept(&mut self, acceptance: Acceptance, now: Instant) -> Result<Negotiated, Error> {
        Ok(Session::accept(self, &acceptance, at(now))?.clone())
    }

    fn refuse(&mut self, refusal: Refusal, now: Instant) -> Result<(), Error> {
        Ok(Session::refuse(self, &refusal, at(now))?)
    }

    fn negotiated(&mut self) -> Result<Option<Negotiated>, Error> {
        Ok(Session::negotiated(self).cloned())
    }

    fn begin_server_handshake(
        &mut self,
        kind: HandshakeKind,
        fields: Vec<Header>,
        acceptance: Acceptance,
        now: Instant,
    ) -> Result<Vec<Header>, Error> {
        let answer = Session::begin_server_handshake(self, kind, &fields, &acceptance, at(now))?;
        Ok(answer)
    }

    fn end_server_handshake(&mut self, now: Instant) -> Result<(), Error> {
        Ok(Session::end_server_handshake(self, at(now))?)
    }

    fn broken(&mut self, reason: &str) -> SandboxError {
        self.abort();
        SandboxError::broken(reason)
    }

    fn is_gone(&mut self) -> bool {
        false
    }
}

fn at(now: Instant) -> websocket_component::Instant {
    websocket_component::Instant::from_nanos(now)
}

fn nanos(time: websocket_component::Instant) -> Instant {
    time.as_nanos()
}
