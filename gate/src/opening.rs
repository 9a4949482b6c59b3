//! From a connection to an open relay: the client's request, the upstream's answer, and what each is told of the other.
//!
//! The table of statuses is in this crate's README. Nothing is tried a second time.

use std::future::Future;
use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use websocket_host::inspector::{Forwarder, Inspector};
use websocket_host::protocol::{Acceptance, Header, Negotiated, Refusal, Request, RequestHead};
use websocket_host::{CallError, Clock, Guest};

use crate::buffers::Batch;
use crate::gate::Gate;
use crate::handshake::{Outcome, handshake};
use crate::inspection::{self, Inspection, Line};
use crate::record::Recording;
use crate::refused::{Refused, Stop, cant_be_passed_on, entropy, refused};
use crate::relay::Relay;
use crate::report::{End, Party, Report};
use crate::route::{Found, Mode, NoRoute, Upstream};
use crate::side::{Early, Side, Who};
use crate::socket::Socket;
use crate::{compression, fault, forwarded, headers, origin};

const SHUTTING_DOWN: &str = "the gate shuts down";

/// A connection that is open, or what is left of one that isn't.
#[derive(Debug)]
pub(crate) enum Opened {
    Inspection(Box<Inspection>),
    Relay(Box<Relay>),
    Over(Socket),
}

/// What the client is connected with.
enum FarSide {
    Relayed(Side),
    Inspected(Line, Inspector, Negotiated),
}

/// What an upstream has agreed to.
struct Answer {
    headers: Vec<Header>,
    negotiated: Negotiated,
}

/// A connection while it opens.
struct Opening<'a> {
    gate: &'a Gate,
    peer: SocketAddr,
    recording: Option<Recording>,
    guest: Guest,
    client: Side,
    clock: Clock,
    report: &'a mut Report,
    shutdown: &'a CancellationToken,
}

/// Opens both sides, or tells the client why not.
pub(crate) async fn open(
    gate: &Gate,
    mut socket: Socket,
    peer: SocketAddr,
    recording: Option<Recording>,
    report: &mut Report,
    shutdown: &CancellationToken,
) -> Opened {
    let clock = Clock::start();
    let made = gate.sandbox.guest().map_err(CallError::from);
    let made = made.and_then(|mut guest| {
        let session = guest.server(&gate.sessions.handshake, clock.now())?;
        Ok((guest, session))
    });
    let (guest, session) = match made {
        Ok(made) => made,
        Err(error) => {
            fault::refuse(&mut socket);
            report.ended(End::Fault(None, error));
            return Opened::Over(socket);
        }
    };
    let mut opening = Opening {
        gate,
        peer,
        recording,
        guest,
        client: Side::new(socket, session),
        clock,
        report,
        shutdown,
    };
    let stop = match opening.open().await {
        Ok(upstream) => {
            let Opening {
                mut guest,
                client,
                clock,
                ..
            } = opening;
            return match upstream {
                FarSide::Relayed(upstream) => {
                    let relay = Relay::new(guest, client, upstream, clock, gate);
                    Opened::Relay(Box::new(relay))
                }
                FarSide::Inspected(upstream, inspector, negotiated) => {
                    let client = Line::new(&mut guest, client);
                    let forwarder = Forwarder::new(guest, inspector);
                    let forwarder = forwarder.parking(inspection::another(gate, negotiated));
                    let inspection = Inspection::new(forwarder, client, upstream, clock, gate);
                    Opened::Inspection(Box::new(inspection))
                }
            };
        }
        Err(Stop::Refuse(refused)) => opening.refuse(refused).err(),
        Err(stop) => Some(stop),
    };
    let Opening { mut client, .. } = opening;
    match stop {
        Some(Stop::Left) => report.ended(End::Left),
        Some(Stop::Fault(error)) => {
            if !client.spoke {
                fault::refuse(&mut client.socket);
            }
            report.ended(End::Fault(None, error));
        }
        _ => {}
    }
    Opened::Over(client.socket)
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
        let mut socket = Socket::new(self.reach(route.upstream).await?);
        if let Some(recording) = &self.recording {
            socket.record(recording.track("upstream"));
        }
        let mode = route.mode;
        let mut upstream = self.ask(socket, route, &request)?;
        let answer = self.answer(&mut upstream).await?;
        let upstream = match mode {
            Mode::Inspect => {
                // The inspector takes the memory that the session gives back.
                let upstream = Line::new(&mut self.guest, upstream);
                let inspector = self.inspector(&answer.negotiated)?;
                FarSide::Inspected(upstream, inspector, answer.negotiated.clone())
            }
            Mode::Terminate => FarSide::Relayed(upstream),
        };
        self.accept(answer, mode)?;
        Ok(upstream)
    }

    /// Waits for the client's request.
    async fn request(&mut self) -> Result<RequestHead, Stop> {
        let Self {
            guest,
            client,
            clock,
            report,
            shutdown,
            ..
        } = self;
        let outcome = tokio::select! {
            outcome = handshake(guest, client, clock) => outcome?,
            // There is no request yet that could be refused.
            () = shutdown.cancelled() => {
                report.ended(End::Shutdown);
                return Err(Stop::Over);
            }
        };
        match outcome {
            Outcome::Arrived => guest.request(client.session())?.ok_or(Stop::Over),
            Outcome::Ended => {
                if let Some(failure) = client.failure.take() {
                    report.ended(match failure.status {
                        Some(status) => End::BadRequest(failure, status),
                        None => End::Failed(Who::Client, failure),
                    });
                }
                Err(Stop::Over)
            }
        }
    }

    /// Connects to the upstream.
    async fn reach(&mut self, upstream: &Upstream) -> Result<TcpStream, Stop> {
        let Gate {
            connector,
            connect_timeout,
            ..
        } = self.gate;
        let connecting = connector.connect(&upstream.host, upstream.port);
        let connecting = timeout(*connect_timeout, connecting);
        match unless_over(&mut self.client, self.shutdown, connecting).await? {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(refused(502, "the upstream can't be reached")
                .with(error)
                .into()),
            Err(_) => Err(refused(504, "the upstream can't be reached in time").into()),
        }
    }

    /// Asks the upstream what the client asked.
    fn ask(
        &mut self,
        socket: Socket,
        route: Found<'_>,
        request: &RequestHead,
    ) -> Result<Side, Stop> {
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
        let session = self.guest.client(&config, &entropy()?, now)?;
        // A client without a name for the gate, or with a malformed one, has none that could be passed on.
        let authority = match self.gate.keep_host && !request.authority.is_empty() {
            true => &request.authority,
            false => &upstream.authority,
        };
        let peer = self.peer.ip();
        let trusted = forwarded::is_trusted(&self.gate.trusted_proxies, peer);
        let request = Request {
            target,
            authority: authority.clone(),
            subprotocols: request.subprotocols.clone(),
            extensions,
            headers: headers::of_request(request, peer, trusted),
        };
        match self.guest.connect(&session, &request, now) {
            Ok(()) => Ok(Side::new(socket, session)),
            // Whatever it is, the client sent it.
            Err(CallError::Failure(failure)) => {
                let text = "the request can't be passed on";
                Err(refused(400, text).broken(Party::Client, &failure).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the upstream's answer.
    async fn answer(&mut self, upstream: &mut Side) -> Result<Answer, Stop> {
        let Self {
            guest,
            client,
            clock,
            shutdown,
            ..
        } = self;
        let answer = handshake(guest, upstream, clock);
        let outcome = unless_over(client, shutdown, answer).await??;
        let response = guest.response(upstream.session())?;
        match outcome {
            Outcome::Arrived => {
                let headers = response.map(|response| headers::of_acceptance(&response.headers));
                let negotiated = guest.negotiated(upstream.session())?;
                Ok(Answer {
                    headers: headers.unwrap_or_default(),
                    negotiated: negotiated.unwrap_or_default(),
                })
            }
            Outcome::Ended => {
                Err(Refused::by_upstream(upstream.failure.as_deref(), response).into())
            }
        }
    }

    /// Makes an inspector of what the upstream has agreed to.
    fn inspector(&mut self, negotiated: &Negotiated) -> Result<Inspector, Stop> {
        let (options, now) = (&self.gate.inspector, self.clock.now());
        let entropy = entropy()?;
        let made = Inspector::open(&mut self.guest, options, &entropy, negotiated, now);
        made.map_err(cant_be_passed_on)
    }

    /// Accepts the client as the upstream has accepted the gate.
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
        let session = self.client.session();
        if mode == Mode::Terminate {
            self.guest
                .set_options(session, &self.gate.sessions.client)?;
        }
        self.guest
            .accept(session, &acceptance, now)
            .map_err(cant_be_passed_on)?;
        self.report.opened(acceptance.subprotocol.as_deref());
        self.client.more = true;
        match mode {
            Mode::Inspect => self.hand_out(),
            Mode::Terminate => Ok(()),
        }
    }

    /// Answers a plain request.
    fn show(&mut self, answer: &Refusal, end: Option<End>) -> Result<(), Stop> {
        let now = self.clock.now();
        self.guest.refuse(self.client.session(), answer, now)?;
        self.hand_out()?;
        if let Some(end) = end {
            self.report.ended(end);
        }
        Ok(())
    }

    fn refuse(&mut self, refused: Refused) -> Result<(), Stop> {
        let (mut refusal, why) = refused.into_parts();
        let session = self.client.session();
        let now = self.clock.now();
        if let Err(CallError::Failure(_)) = self.guest.refuse(session, &refusal, now) {
            // A status or a field that the upstream sent can't be passed on.
            refusal.status = 502;
            refusal.headers.clear();
            refusal.body.clear();
            self.guest.refuse(session, &refusal, now)?;
        }
        self.hand_out()?;
        self.report.ended(End::Refused(refusal.status, why));
        Ok(())
    }

    /// Has the client's session say what it has to say.
    fn hand_out(&mut self) -> Result<(), Stop> {
        let now = self.clock.now();
        loop {
            let Self { guest, client, .. } = self;
            client.exchange(guest, now, &[], &Batch::default(), &mut Batch::default())?;
            if !client.more {
                return Ok(());
            }
        }
    }
}

/// Waits for a step towards the upstream, unless meanwhile the client leaves or the gate shuts down.
async fn unless_over<T>(
    client: &mut Side,
    shutdown: &CancellationToken,
    step: impl Future<Output = T>,
) -> Result<T, Stop> {
    tokio::select! {
        // What is there counts: an upstream that has answered is told by the relay that its client is gone.
        biased;
        result = step => Ok(result),
        early = client.keep_early() => Err(match early {
            Early::Left => Stop::Left,
            Early::SentTooMuch => refused(400, "too much was sent before the connection was accepted").into(),
        }),
        () = shutdown.cancelled() => Err(refused(503, SHUTTING_DOWN).into()),
    }
}
