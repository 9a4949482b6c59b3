//! Makes the calls of a script on either engine.

use host_tests::engine::{ActionIs, Case, Engine, ExchangeResult, Failure, Outcome};
use host_tests::heads;
use websocket_component::handshake::{
    Acceptance, Extension, HandshakeKind, Header, Negotiated, Refusal, Request, RequestHead,
    ResponseHead,
};
use websocket_component::{ActionId, Completion, Config, Instant, Outgoing, Role, State};

use super::call::{Call, Clock, How, Opening, Script, Transport, frame};
use crate::case::{self, NOW};

pub(super) struct Player<E> {
    engine: E,
    role: Role,
    config: Config,
    now: Instant,
    /// What was said and not taken.
    unread: Vec<u8>,
    /// The actions that are outstanding, with how many bytes they write.
    actions: Vec<(ActionId, Option<usize>)>,
    sends: usize,
}

/// What a call gives.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Nothing,
    Done(Result<(), Failure>),
    Exchange(Box<ExchangeResult>),
    Action(ActionIs),
    Agreed(Result<Negotiated, Failure>),
    Fields(Result<Vec<Header>, Failure>),
    Look(Box<Look>),
}

/// All that a session can be asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Look {
    state: State,
    /// With what it says of the case.
    failure: Option<(Case, Failure)>,
    outcome: Option<Outcome>,
    has_more: bool,
    negotiated: Option<Negotiated>,
    request: Option<RequestHead>,
    response: Option<ResponseHead>,
    next_deadline: Option<Instant>,
    buffered_amount: u64,
    round_trip_time: Option<u64>,
}

impl<E: Engine> Player<E> {
    pub(super) fn new(script: &Script<'_>) -> Result<Self, Failure> {
        let Script { role, config, .. } = script;
        let engine = match script.opening {
            Opening::Open => E::open(*role, config, &case::agreed_with_anyone(*role, config)),
            Opening::OpenWithExtension => {
                let negotiated = Negotiated {
                    subprotocol: Some("chat".into()),
                    extensions: vec![case::extension()],
                };
                E::open(*role, config, &negotiated)
            }
            Opening::Unopened => E::new(*role, config),
        }?;
        Ok(Player {
            engine,
            config: *config,
            role: *role,
            now: NOW,
            unread: Vec::new(),
            actions: Vec::new(),
            sends: 0,
        })
    }

    pub(super) fn look(&mut self) -> Answer {
        let engine = &mut self.engine;
        Answer::Look(Box::new(Look {
            state: engine.state(),
            failure: engine.failure().map(|failure| (failure.case(), failure)),
            outcome: engine.outcome(),
            has_more: engine.has_more(),
            negotiated: engine.negotiated(),
            request: engine.request(),
            response: engine.response(),
            next_deadline: engine.next_deadline(),
            buffered_amount: engine.buffered_amount(),
            round_trip_time: engine.round_trip_time(),
        }))
    }

    pub(super) fn make(&mut self, call: &Call<'_>) -> Answer {
        let now = self.now;
        match call {
            Call::Frame {
                first,
                masked,
                payload,
            } => self.unread.extend(frame(*first, *masked, payload)),
            Call::Head { line } => {
                let head = self.head(line);
                self.unread.extend(head);
            }
            Call::Bytes(bytes) => self.unread.extend_from_slice(bytes),
            Call::Exchange {
                most,
                what,
                capacity,
            } => {
                let payloads: Vec<Vec<u8>> =
                    what.iter().map(|what| what.payload(self.sends)).collect();
                self.sends += 1;
                let messages = what.iter().zip(&payloads);
                let outgoing: Vec<Outgoing<'_>> = messages
                    .map(|(what, payload)| Outgoing {
                        message: what.message(payload),
                        compress: self.sends.is_multiple_of(2),
                        context: Some(self.sends as u64),
                    })
                    .collect();
                let given = self.unread.len().min(usize::from(*most) * 8);
                let input = &self.unread[..given];
                let result = self
                    .engine
                    .exchange(input, &outgoing, now, (*capacity).into());
                self.unread.drain(..result.consumed);
                return Answer::Exchange(Box::new(result));
            }
            Call::Send(what, context) => {
                self.sends += 1;
                let payload = what.payload(self.sends);
                let message = what.message(&payload);
                return Answer::Done(match self.sends % 2 {
                    0 => self.engine.send(message, *context, now),
                    _ => self.engine.send_uncompressed(message, *context, now),
                });
            }
            Call::Receive(context) => return Answer::Done(self.engine.receive(*context)),
            Call::GetAction(queue) => {
                let action = self.engine.get_action((*queue).into(), now);
                self.noted(&action);
                return Answer::Action(action);
            }
            Call::Complete { which, how } => return Answer::Done(self.complete(*which, *how)),
            Call::Clock(clock) => self.clock(*clock),
            Call::Transport(Transport::Paused) => self.engine.pause_reading(now),
            Call::Transport(Transport::Resumed) => self.engine.resume_reading(now),
            Call::Transport(Transport::Blocked) => self.engine.output_blocked(now),
            Call::Transport(Transport::Taken) => self.engine.output_taken(now),
            Call::EndOfInput => self.engine.end_of_input(now),
            Call::Abort => self.engine.abort(),
            _ => return self.handshake(call),
        }
        Answer::Nothing
    }

    fn clock(&mut self, clock: Clock) {
        self.now = match clock {
            Clock::Later(millis) => {
                let nanos = u64::from(millis) * 1_000_000;
                Instant::from_nanos(self.now.as_nanos().saturating_add(nanos))
            }
            Clock::Deadline => self.engine.next_deadline().unwrap_or(self.now),
            Clock::At(nanos) => Instant::from_nanos(nanos),
        };
    }

    fn noted(&mut self, action: &ActionIs) {
        match action {
            ActionIs::Nothing => {}
            ActionIs::SendToNetwork(id, bytes) => self.actions.push((*id, Some(bytes.len()))),
            ActionIs::SendComplete(id, ..)
            | ActionIs::ReceiveComplete(id, ..)
            | ActionIs::ReceiveFromNetwork(id, _) => self.actions.push((*id, None)),
        }
    }

    fn complete(&mut self, which: u8, how: How) -> Result<(), Failure> {
        let index = usize::from(which) % (self.actions.len() + 1);
        let unknown = (ActionId(which.into()), None);
        let (id, writes) = self.actions.get(index).copied().unwrap_or(unknown);
        let read = |most: usize| self.unread[..self.unread.len().min(most)].to_vec();
        let bytes = match how {
            How::Read(most) => read(most.into()),
            _ => read(256),
        };
        let completions = match how {
            How::Well => vec![
                Completion::Sent(writes.unwrap_or(0)),
                Completion::Read(&bytes),
                Completion::Acknowledged,
            ],
            How::Sent(count) => vec![Completion::Sent(count.into())],
            How::Read(_) => vec![Completion::Read(&bytes)],
            How::Done => vec![Completion::Acknowledged],
        };
        let mut outcome = Ok(());
        for completion in completions {
            let is_read = matches!(completion, Completion::Read(_));
            outcome = self.engine.complete_action(id, completion, self.now);
            if outcome.is_ok() {
                if is_read {
                    self.unread.drain(..bytes.len());
                }
                self.actions.retain(|(other, _)| *other != id);
                break;
            }
        }
        outcome
    }

    /// The head that the peer of a session says, with a line of the input's.
    fn head(&self, line: &[u8]) -> Vec<u8> {
        let head = match self.role {
            Role::Server => heads::request(),
            Role::Client => heads::response_to(&case::key_of_the_client()),
        };
        let end = head.len() - 2;
        match line {
            [] => head,
            _ => [&head[..end], line, b"\r\n\r\n"].concat(),
        }
    }

    fn handshake(&mut self, call: &Call<'_>) -> Answer {
        let form = |extended: bool| match extended {
            true => HandshakeKind::ExtendedConnect,
            false => HandshakeKind::Upgrade,
        };
        let (engine, now) = (&mut self.engine, self.now);
        match *call {
            Call::Connect {
                target,
                name,
                value,
            } => Answer::Done(engine.connect(
                &Request {
                    target: format!("/{target}"),
                    headers: fields(name, value),
                    ..case::request(&self.config)
                },
                now,
            )),
            Call::Accept {
                chosen,
                name,
                value,
            } => Answer::Agreed(engine.accept(
                &Acceptance {
                    subprotocol: chosen.then(|| "chat".into()),
                    extensions: Vec::new(),
                    headers: fields(name, value),
                },
                now,
            )),
            Call::Refuse { status, body } => Answer::Done(engine.refuse(
                &Refusal {
                    status,
                    headers: Vec::new(),
                    body: body.into(),
                },
                now,
            )),
            Call::BeginClient {
                extended,
                subprotocol,
            } => {
                let subprotocols = match subprotocol {
                    "" => Vec::new(),
                    name => vec![name.into()],
                };
                let extensions: [Extension; 0] = [];
                let headers = match extended {
                    true => connect_fields(),
                    false => Vec::new(),
                };
                Answer::Fields(engine.begin_client_handshake(
                    form(extended),
                    &subprotocols,
                    &extensions,
                    &headers,
                    now,
                ))
            }
            Call::EndClient {
                status,
                name,
                value,
                sound,
            } => {
                let mut headers = fields(name, value);
                let key = case::key_of_the_client();
                if sound {
                    headers.extend(fields("Upgrade", b"websocket"));
                    headers.extend(fields("Connection", b"Upgrade"));
                    headers.extend(fields(
                        "Sec-WebSocket-Accept",
                        heads::accept_for(&key).as_bytes(),
                    ));
                }
                let status = if sound { 101 } else { status };
                Answer::Agreed(engine.end_client_handshake(status, &headers, now))
            }
            Call::BeginServer {
                extended,
                name,
                value,
                sound,
            } => {
                let mut headers = fields(name, value);
                if sound && extended {
                    headers.extend(connect_fields());
                    headers.extend(fields("sec-websocket-version", b"13"));
                } else if sound {
                    for (name, value) in heads::REQUEST {
                        headers.extend(fields(name, value.as_bytes()));
                    }
                }
                let form = form(extended);
                Answer::Fields(engine.begin_server_handshake(
                    form,
                    &headers,
                    &Acceptance::default(),
                    now,
                ))
            }
            _ => Answer::Done(engine.end_server_handshake(now)),
        }
    }
}

/// One field, or none.
fn fields(name: &str, value: &[u8]) -> Vec<Header> {
    match name {
        "" => Vec::new(),
        name => vec![Header::new(name, value)],
    }
}

/// RFC 8441, section 4.
fn connect_fields() -> Vec<Header> {
    [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/chat"),
        (":authority", "example.org"),
    ]
    .into_iter()
    .map(|(name, value)| Header::new(name, value))
    .collect()
}
