//! Opens a connection: the client's request, the upstream's response, and the response to the client.
//!
//! The table of status codes is in this crate's README. There are no retries.

mod far_side;

use std::future::Future;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use websocket_host::driver::{Line, PairDriver};
use websocket_host::protocol::{Acceptance, Header, Negotiated, Refusal, Request, RequestHead};
use websocket_host::{CallError, Clock, Guests, Role, Seat};

use self::far_side::FarSide;
use crate::endpoint::{Early, Endpoint, Outcome};
use crate::forwarded::{self, Source};
use crate::gate::Gate;
use crate::net::channel::Channel;
use crate::net::client::Addresses;
use crate::record::Recording;
use crate::refused::{Refused, Stop, cant_be_passed_on, entropy, refused};
use crate::report::{End, Party, Report};
use crate::route::{Found, Mode, NoRoute, Upstream};
use crate::{compression, fault, headers, origin};

/// The first byte of a TLS handshake: the content type of the record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

const SHUTTING_DOWN: &str = "the gate shuts down";

/// An open connection, or what remains of one that didn't open.
#[derive(Debug)]
pub(crate) enum Opened {
    Open(PairDriver<Channel>),
    Over(Line<Channel>),
}

/// How an upstream has accepted.
struct Answer {
    headers: Vec<Header>,
    negotiated: Negotiated,
}

/// A connection while it opens.
struct Opening<'a> {
    gate: &'a Gate,
    addresses: Addresses,
    recording: Option<Recording>,
    guests: &'a Guests,
    seat: Seat,
    client: Endpoint,
    clock: Clock,
    report: &'a mut Report,
    shutdown: &'a CancellationToken,
}

/// A client that has connected.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) channel: Channel,
    pub(crate) addresses: Addresses,
}

/// Opens both sides, or refuses the client.
pub(crate) async fn open(
    gate: &Gate,
    guests: &Guests,
    client: Client,
    recording: Option<Recording>,
    report: &mut Report,
    shutdown: &CancellationToken,
) -> Opened {
    let clock = gate.clock;
    let Client {
        mut channel,
        addresses,
    } = client;
    if let Some(recording) = &recording {
        channel.record(recording.track("client"));
    }
    let mut line = Line::new(channel);
    let made = guests.seat().map_err(CallError::from);
    let made = made.and_then(|mut seat| {
        let session = seat.lock().server(&gate.sessions.handshake, clock.now())?;
        Ok((seat, session))
    });
    let (seat, session) = match made {
        Ok(made) => made,
        Err(error) => {
            fault::refuse(&mut line);
            report.ended(End::Fault(None, error));
            return Opened::Over(line);
        }
    };
    let mut opening = Opening {
        gate,
        addresses,
        recording,
        guests,
        seat,
        client: Endpoint::new(line, session),
        clock,
        report,
        shutdown,
    };
    let stop = match opening.open().await {
        Ok(far_side) => {
            return Opened::Open(opening.connect(far_side));
        }
        Err(Stop::Refuse(refused)) => opening.refuse(refused).err(),
        Err(stop) => Some(stop),
    };
    let Opening { mut client, .. } = opening;
    match stop {
        Some(Stop::Left) => report.ended(End::Left),
        Some(Stop::Fault(error)) => {
            if !client.side.spoke() {
                fault::refuse(&mut client.line);
            }
            report.ended(End::Fault(None, error));
        }
        _ => {}
    }
    Opened::Over(client.line)
}

impl Opening<'_> {
    async fn open(&mut self) -> Result<FarSide, Stop> {
        let request = self.request().await?;
        self.report.asked_for(&request.target);
        let gate = self.gate;
        if let Some(violation) = &request.violation {
            let (answer, end) = gate.plain.answer(&request, violation);
            self.show(&answer, end)?;
            return Err(Stop::Over);
        }
        if !origin::accepts(&gate.origins, &request.headers) {
            return Err(refused(403, "this origin may not connect").into());
        }
        let route = gate
            .routes
            .find(&request.target)
            .map_err(|none| match none {
                NoRoute::NotFound => refused(404, "there is nothing at this path"),
                NoRoute::Path(error) => refused(400, error.text()),
            })?;
        self.report.goes_to(route.prefix, route.upstream);
        let mut channel = self.reach(route.upstream).await?;
        if let Some(recording) = &self.recording {
            channel.record(recording.track("upstream"));
        }
        let mode = route.mode;
        let mut upstream = self.ask(Line::new(channel), route, &request)?;
        let answer = self.answer(&mut upstream).await?;
        let far_side = self.far_side(upstream, mode, &answer.negotiated)?;
        self.accept(answer, mode)?;
        Ok(far_side)
    }

    /// Waits for the client's request.
    async fn request(&mut self) -> Result<RequestHead, Stop> {
        let Self {
            seat,
            client,
            clock,
            report,
            shutdown,
            ..
        } = self;
        let outcome = tokio::select! {
            outcome = client.handshake(seat, clock) => outcome?,
            // There is no request yet to refuse.
            () = shutdown.cancelled() => {
                report.ended(End::Shutdown);
                return Err(Stop::Over);
            }
        };
        match outcome {
            Outcome::Arrived => {
                let request = seat.lock().request(client.side.session())?;
                request.ok_or(Stop::Over)
            }
            Outcome::Ended => {
                if let Some(failure) = client.side.failure().cloned().map(Box::new) {
                    report.ended(match failure.status {
                        _ if client.first == Some(TLS_HANDSHAKE) => {
                            End::Unusable("TLS on a listener without it".into())
                        }
                        Some(status) => End::BadRequest(failure, status),
                        None => End::Failed(Role::Client, failure),
                    });
                }
                Err(Stop::Over)
            }
        }
    }

    /// Connects to the upstream.
    async fn reach(&mut self, upstream: &Upstream) -> Result<Channel, Stop> {
        let Gate {
            connector,
            connect_timeout,
            ..
        } = self.gate;
        let connecting = connector.connect(upstream, self.addresses);
        let connecting = timeout(*connect_timeout, connecting);
        match unless_over(&mut self.client, self.shutdown, connecting).await? {
            Ok(Ok(channel)) => Ok(channel),
            Ok(Err(error)) => Err(refused(502, "the upstream can't be reached")
                .with(error)
                .into()),
            Err(_) => Err(refused(504, "the upstream can't be reached in time").into()),
        }
    }

    /// Sends the client's request to the upstream.
    fn ask(
        &mut self,
        line: Line<Channel>,
        route: Found<'_>,
        request: &RequestHead,
    ) -> Result<Endpoint, Stop> {
        let Found {
            upstream,
            target,
            mode,
            ..
        } = route;
        let now = self.clock.now();
        let gate = self.gate;
        let (config, extensions) = match mode {
            Mode::Inspect if gate.passes_deflate => compression::passed_on(gate, request),
            Mode::Inspect => (gate.sessions.handshake, Vec::new()),
            Mode::Terminate => (gate.sessions.upstream, Vec::new()),
        };
        let session = self.seat.lock().client(&config, &entropy()?, now)?;
        // A missing or malformed Host can't be passed on.
        let authority = match self.gate.keep_host && !request.authority.is_empty() {
            true => &request.authority,
            false => &upstream.authority,
        };
        let channel = self.client.line.get_ref();
        let source = Source {
            peer: self.addresses.client.ip(),
            is_secure: channel.is_secure(),
            certificate: channel.peer_certificate(),
        };
        let trusted = forwarded::is_trusted(&self.gate.trusted_proxies, source.peer);
        let request = Request {
            target,
            authority: authority.clone(),
            subprotocols: request.subprotocols.clone(),
            extensions,
            headers: headers::of_request(request, &source, trusted),
        };
        let connected = self.seat.lock().connect(&session, &request, now);
        match connected {
            Ok(()) => Ok(Endpoint::new(line, session)),
            // Whatever breaks a rule came from the client.
            Err(CallError::Failure(failure)) => {
                let text = "the request can't be passed on";
                Err(refused(400, text).broken(Party::Client, &failure).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the upstream's answer.
    async fn answer(&mut self, upstream: &mut Endpoint) -> Result<Answer, Stop> {
        let Self {
            seat,
            client,
            clock,
            shutdown,
            ..
        } = self;
        let answer = upstream.handshake(seat, clock);
        let outcome = unless_over(client, shutdown, answer).await??;
        let mut guest = seat.lock();
        let response = guest.response(upstream.side.session())?;
        match outcome {
            Outcome::Arrived => {
                let headers = response.map(|response| headers::of_acceptance(&response.headers));
                let negotiated = guest.negotiated(upstream.side.session())?;
                Ok(Answer {
                    headers: headers.unwrap_or_default(),
                    negotiated: negotiated.unwrap_or_default(),
                })
            }
            Outcome::Ended => Err(Refused::by_upstream(upstream.side.failure(), response).into()),
        }
    }

    /// Accepts the client, with what the upstream has accepted.
    fn accept(&mut self, answer: Answer, mode: Mode) -> Result<(), Stop> {
        let Answer {
            headers,
            negotiated,
        } = answer;
        let acceptance = Acceptance {
            subprotocol: negotiated.subprotocol,
            extensions: match mode {
                Mode::Inspect => negotiated.extensions,
                Mode::Terminate => Vec::new(),
            },
            headers,
        };
        let now = self.clock.now();
        let session = self.client.side.session();
        if mode == Mode::Terminate {
            self.seat
                .lock()
                .set_options(session, &self.gate.sessions.client)?;
        }
        self.seat
            .lock()
            .accept(session, &acceptance, now)
            .map_err(cant_be_passed_on)?;
        self.report.opened(acceptance.subprotocol.as_deref());
        self.hand_out()
    }

    /// Answers a plain request.
    fn show(&mut self, answer: &Refusal, end: Option<End>) -> Result<(), Stop> {
        let now = self.clock.now();
        let session = self.client.side.session();
        self.seat.lock().refuse(session, answer, now)?;
        self.hand_out()?;
        if let Some(end) = end {
            self.report.ended(end);
        }
        Ok(())
    }

    fn refuse(&mut self, refused: Refused) -> Result<(), Stop> {
        let (mut refusal, why) = refused.into_parts();
        let session = self.client.side.session();
        let now = self.clock.now();
        let mut guest = self.seat.lock();
        if let Err(CallError::Failure(_)) = guest.refuse(session, &refusal, now) {
            // A status or a field that the upstream sent can't be passed on.
            refusal.status = 502;
            refusal.headers.clear();
            refusal.body.clear();
            guest.refuse(session, &refusal, now)?;
        }
        drop(guest);
        self.hand_out()?;
        self.report.ended(End::Refused(refusal.status, why));
        Ok(())
    }

    /// Writes the output of the client's session.
    fn hand_out(&mut self) -> Result<(), Stop> {
        Ok(self.client.hand_out(&mut self.seat.lock(), &self.clock)?)
    }
}

/// Waits for a step towards the upstream, unless the client leaves or the gate shuts down meanwhile.
async fn unless_over<T>(
    client: &mut Endpoint,
    shutdown: &CancellationToken,
    step: impl Future<Output = T>,
) -> Result<T, Stop> {
    tokio::select! {
        // A completed step comes first: if the upstream has answered, the relay closes it when the client is gone.
        biased;
        result = step => Ok(result),
        early = client.keep_early() => Err(match early {
            Early::Left => Stop::Left,
            Early::SentTooMuch => refused(400, "too much was sent before the handshake was complete").into(),
        }),
        () = shutdown.cancelled() => Err(refused(503, SHUTTING_DOWN).into()),
    }
}
