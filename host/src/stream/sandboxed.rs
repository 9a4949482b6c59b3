//! The sandboxed engine, in a dedicated or shared guest.

use websocket_component::handshake::{
    Acceptance, HandshakeKind, Header, Negotiated, Refusal, Request, RequestHead, ResponseHead,
};
use websocket_component::{Config, EventRecord, FrameHeader, IncomingPayload, Outgoing};

use super::contract::{all, bytes, kind, known};
use super::engine::{Boxed, Endpoint, Engine, Exchanged, Made, Received, Take};
use super::error::Error;
use crate::clock::Instant;
use crate::error::SandboxError;
use crate::protocol;
use crate::sandbox::{Guest, Guests, Sandbox, Seat, Session};

impl Engine for Sandbox {
    fn endpoint(&self, made: Made<'_>, config: &Config, now: Instant) -> Result<Boxed, Error> {
        seated(self.guest()?.into(), made, config, now)
    }
}

impl Engine for Guests {
    fn endpoint(&self, made: Made<'_>, config: &Config, now: Instant) -> Result<Boxed, Error> {
        seated(self.seat()?, made, config, now)
    }
}

/// A session and its guest.
struct Seated {
    session: Session,
    seat: Seat,
}

fn seated(mut seat: Seat, made: Made<'_>, config: &Config, now: Instant) -> Result<Boxed, Error> {
    let mut guest = seat.lock();
    let session = match made {
        Made::Client(entropy) => guest.client(config, entropy, now),
        Made::Server => guest.server(config, now),
        Made::OpenClient(entropy, negotiated) => {
            guest.open_client(config, entropy, &negotiated.into(), now)
        }
        Made::OpenServer(negotiated) => guest.open_server(config, &negotiated.into(), now),
    }?;
    drop(guest);
    Ok(Boxed(Box::new(Seated { session, seat })))
}

impl Seated {
    /// Calls the guest.
    fn with<R>(&mut self, call: impl FnOnce(&mut Guest, &Session) -> R) -> R {
        call(&mut self.seat.lock(), &self.session)
    }
}

impl Endpoint for Seated {
    fn exchange(
        &mut self,
        input: &mut [u8],
        outgoing: &[Outgoing<'_>],
        now: Instant,
        capacity: u32,
        take: &mut dyn Take,
    ) -> Result<Exchanged, SandboxError> {
        let (records, joined) = records(outgoing);
        let payload = match outgoing {
            [alone] => bytes(&alone.message),
            _ => &joined,
        };
        let is_shared = self.seat.is_shared();
        let mut guest = self.seat.lock();
        let result = guest.exchange(&self.session, input, &records, payload, now, capacity)?;
        // Events of later versions are ignored.
        let record = |event: &protocol::Event| {
            let (start, length) = (event.start as usize, event.length as usize);
            Some(EventRecord::new(known(event.kind)?, start, length))
        };
        let records: Vec<_> = result.events.iter().filter_map(record).collect();
        take.receive(Received {
            records: &records,
            payload: result.payload,
        });
        let [refused, failure] = [result.refused, result.failure].map(|failure| {
            let known = failure.map(|failure| (*failure).try_into());
            known.transpose()
        });
        let exchanged = Exchanged {
            consumed: result.consumed,
            accepted: result.accepted,
            refused: refused?,
            more: result.more,
            state: result.state.into(),
            next_deadline: result.next_deadline,
            failure: failure?,
        };
        if is_shared {
            // Copied, to release the guest: writing may take long, and the transport may be a WebSocket in the same
            // guest.
            let output = result.output.to_vec();
            drop(guest);
            take.write(&output);
        } else {
            take.write(result.output);
        }
        Ok(exchanged)
    }

    fn frame_header(
        &mut self,
        is_text: bool,
        is_last: bool,
        length: u64,
    ) -> Result<Option<FrameHeader>, Error> {
        Ok(self.with(|guest, session| guest.frame_header(session, is_text, is_last, length))?)
    }

    fn begin_payload(
        &mut self,
        input: &[u8],
        now: Instant,
    ) -> Result<Option<(usize, IncomingPayload)>, SandboxError> {
        self.with(|guest, session| guest.begin_payload(session, input, now))
    }

    fn payload_read(&mut self, payload: &IncomingPayload, now: Instant) -> Result<(), Error> {
        Ok(self.with(|guest, session| guest.payload_read(session, payload, now))?)
    }

    fn output_moved(
        &mut self,
        taken: bool,
        blocked: bool,
        now: Instant,
    ) -> Result<(), SandboxError> {
        self.with(|guest, session| {
            if taken {
                guest.output_taken(session, now)?;
            }
            if blocked {
                guest.output_blocked(session, now)?;
            }
            Ok(())
        })
    }

    fn end_of_input(&mut self, now: Instant) -> Result<(), SandboxError> {
        self.with(|guest, session| guest.end_of_input(session, now))
    }

    fn next_deadline(&mut self) -> Result<Option<Instant>, SandboxError> {
        self.with(Guest::next_deadline)
    }

    fn connect(&mut self, request: Request, now: Instant) -> Result<(), Error> {
        let request = request.into();
        Ok(self.with(|guest, session| guest.connect(session, &request, now))?)
    }

    fn response(&mut self) -> Result<Option<ResponseHead>, Error> {
        Ok(self.with(Guest::response)?.map(Into::into))
    }

    fn request(&mut self) -> Result<Option<RequestHead>, Error> {
        Ok(self.with(Guest::request)?.map(Into::into))
    }

    fn accept(&mut self, acceptance: Acceptance, now: Instant) -> Result<Negotiated, Error> {
        let acceptance = acceptance.into();
        let negotiated = self.with(|guest, session| guest.accept(session, &acceptance, now))?;
        Ok(negotiated.into())
    }

    fn refuse(&mut self, refusal: Refusal, now: Instant) -> Result<(), Error> {
        let refusal = refusal.into();
        Ok(self.with(|guest, session| guest.refuse(session, &refusal, now))?)
    }

    fn negotiated(&mut self) -> Result<Option<Negotiated>, Error> {
        Ok(self.with(Guest::negotiated)?.map(Into::into))
    }

    fn begin_server_handshake(
        &mut self,
        kind: HandshakeKind,
        fields: Vec<Header>,
        acceptance: Acceptance,
        now: Instant,
    ) -> Result<Vec<Header>, Error> {
        let (kind, fields, acceptance) = (kind.into(), all::<_, _>(fields), acceptance.into());
        let answer = self.with(|guest, session| {
            guest.begin_server_handshake(session, kind, &fields, &acceptance, now)
        })?;
        Ok(all(answer))
    }

    fn end_server_handshake(&mut self, now: Instant) -> Result<(), Error> {
        Ok(self.with(|guest, session| guest.end_server_handshake(session, now))?)
    }

    fn broken(&mut self, reason: &str) -> SandboxError {
        self.seat.lock().end_with(SandboxError::broken(reason))
    }

    fn is_gone(&mut self) -> bool {
        self.seat.lock().fault().is_some()
    }
}

/// Returns messages as records that point into a payload, and that payload, unless there is only one message.
fn records(outgoing: &[Outgoing<'_>]) -> (Vec<protocol::Outgoing>, Vec<u8>) {
    let mut start = 0;
    let record = |outgoing: &Outgoing<'_>| {
        let length = u32::try_from(bytes(&outgoing.message).len()).unwrap_or(u32::MAX);
        let record = protocol::Outgoing {
            kind: kind(outgoing),
            start,
            length,
            context: outgoing.context,
        };
        start = start.saturating_add(length);
        record
    };
    let records = outgoing.iter().map(record).collect();
    let mut joined = Vec::new();
    if outgoing.len() > 1 {
        for outgoing in outgoing {
            joined.extend_from_slice(bytes(&outgoing.message));
        }
    }
    (records, joined)
}
