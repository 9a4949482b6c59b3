//! The exports of the interface `session`.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::bindings::{Component, session as wit, types};
use super::convert::{all, nanos};
use super::lend::Lent;
use crate::handshake::{self, Header};
use crate::session::{ActionId, ActionQueue, Completion, Received};
use crate::{Action, Config, Deflate, Instant, Message, Rule, Session, Timeouts};

/// The resource. A component is never entered twice at once, so a borrow of a cell
/// never meets another.
pub(super) struct Resource {
    session: RefCell<Session>,
    lent: RefCell<Lent>,
}

type Outcome<T> = Result<T, types::Failure>;

impl Resource {
    fn with<T>(&self, call: impl FnOnce(&mut Session) -> T) -> T {
        call(&mut self.session.borrow_mut())
    }

    pub(super) fn with_lent<T>(&self, call: impl FnOnce(&mut Session, &mut Lent) -> T) -> T {
        call(&mut self.session.borrow_mut(), &mut self.lent.borrow_mut())
    }
}

fn resource(session: Result<Session, Rule>) -> Outcome<wit::WebsocketSession> {
    Ok(wit::WebsocketSession::new(Resource {
        session: RefCell::new(session?),
        lent: RefCell::default(),
    }))
}

impl wit::Guest for Component {
    type WebsocketSession = Resource;

    fn default_config() -> types::Config {
        Config::default().into()
    }

    fn default_deflate() -> types::Deflate {
        Deflate::default().into()
    }

    fn get_global_properties() -> types::GlobalProperties {
        let keepalive = Timeouts::default().keepalive.unwrap_or_default();
        types::GlobalProperties {
            keepalive_interval: nanos(keepalive),
            keepalive_minimum: nanos(Timeouts::MIN_KEEPALIVE),
            supported_versions: alloc::vec![13],
        }
    }

    fn choose_subprotocol(headers: Vec<types::Header>, supported: Vec<String>) -> Option<String> {
        handshake::choose_subprotocol(&all::<_, Header>(headers), &supported)
    }
}

impl wit::GuestWebsocketSession for Resource {
    fn client(
        config: types::Config,
        entropy: Vec<u8>,
        now: types::Instant,
    ) -> Outcome<wit::WebsocketSession> {
        resource(Session::client(config.into(), &entropy, instant(now)))
    }

    fn server(config: types::Config, now: types::Instant) -> Outcome<wit::WebsocketSession> {
        resource(Session::server(config.into(), instant(now)))
    }

    fn open_client(
        config: types::Config,
        entropy: Vec<u8>,
        negotiated: types::Negotiated,
        now: types::Instant,
    ) -> Outcome<wit::WebsocketSession> {
        resource(Session::open_client(
            config.into(),
            &entropy,
            negotiated.into(),
            instant(now),
        ))
    }

    fn open_server(
        config: types::Config,
        negotiated: types::Negotiated,
        now: types::Instant,
    ) -> Outcome<wit::WebsocketSession> {
        resource(Session::open_server(
            config.into(),
            negotiated.into(),
            instant(now),
        ))
    }

    fn connect(&self, request: wit::Request, now: types::Instant) -> Outcome<()> {
        Ok(self.with(|session| session.connect(&request.into(), instant(now)))?)
    }

    fn response(&self) -> Option<wit::ResponseHead> {
        self.with(|session| session.response().map(Into::into))
    }

    fn request(&self) -> Option<wit::RequestHead> {
        self.with(|session| session.request().map(Into::into))
    }

    fn accept(
        &self,
        acceptance: wit::Acceptance,
        now: types::Instant,
    ) -> Outcome<types::Negotiated> {
        self.with(|session| Ok(session.accept(&acceptance.into(), instant(now))?.into()))
    }

    fn refuse(&self, refusal: wit::Refusal, now: types::Instant) -> Outcome<()> {
        Ok(self.with(|session| session.refuse(&refusal.into(), instant(now)))?)
    }

    fn begin_client_handshake(
        &self,
        form: types::HandshakeKind,
        subprotocols: Vec<String>,
        extensions: Vec<types::Extension>,
        headers: Vec<types::Header>,
        now: types::Instant,
    ) -> Outcome<Vec<types::Header>> {
        let (extensions, headers) = (all::<_, _>(extensions), all::<_, _>(headers));
        let fields = self.with(|session| {
            session.begin_client_handshake(
                form.into(),
                &subprotocols,
                &extensions,
                &headers,
                instant(now),
            )
        })?;
        Ok(all(fields))
    }

    fn end_client_handshake(
        &self,
        status: types::StatusCode,
        headers: Vec<types::Header>,
        now: types::Instant,
    ) -> Outcome<types::Negotiated> {
        let headers = all::<_, Header>(headers);
        self.with(|session| {
            Ok(session
                .end_client_handshake(status, &headers, instant(now))?
                .into())
        })
    }

    fn begin_server_handshake(
        &self,
        form: types::HandshakeKind,
        headers: Vec<types::Header>,
        acceptance: wit::Acceptance,
        now: types::Instant,
    ) -> Outcome<Vec<types::Header>> {
        let headers = all::<_, Header>(headers);
        let fields = self.with(|session| {
            session.begin_server_handshake(form.into(), &headers, &acceptance.into(), instant(now))
        })?;
        Ok(all(fields))
    }

    fn end_server_handshake(&self, now: types::Instant) -> Outcome<()> {
        Ok(self.with(|session| session.end_server_handshake(instant(now)))?)
    }

    fn end_of_input(&self, now: types::Instant) {
        self.with(|session| session.end_of_input(instant(now)));
    }

    fn send(
        &self,
        message: wit::Message,
        context: Option<u64>,
        now: types::Instant,
    ) -> Outcome<()> {
        Ok(self.with(|session| session.send(native(&message), context, instant(now)))?)
    }

    fn send_uncompressed(
        &self,
        message: wit::Message,
        context: Option<u64>,
        now: types::Instant,
    ) -> Outcome<()> {
        let send = |session: &mut Session| {
            session.send_uncompressed(native(&message), context, instant(now))
        };
        Ok(self.with(send)?)
    }

    fn receive(&self, context: Option<u64>) -> Outcome<()> {
        Ok(self.with(|session| session.receive(context))?)
    }

    fn get_action(&self, queue: wit::ActionQueue, now: types::Instant) -> wit::Action {
        let queue = match queue {
            wit::ActionQueue::Send => ActionQueue::Send,
            wit::ActionQueue::Receive => ActionQueue::Receive,
            wit::ActionQueue::All => ActionQueue::All,
        };
        self.with(|session| session.get_action(queue, instant(now)).into())
    }

    fn complete_action(
        &self,
        id: wit::ActionId,
        completion: wit::Completion,
        now: types::Instant,
    ) -> Outcome<()> {
        let completion = match &completion {
            wit::Completion::Sent(count) => Completion::Sent(*count as usize),
            wit::Completion::Read(bytes) => Completion::Read(bytes),
            wit::Completion::Acknowledged => Completion::Acknowledged,
        };
        let complete =
            |session: &mut Session| session.complete_action(ActionId(id), completion, instant(now));
        Ok(self.with(complete)?)
    }

    fn abort(&self) {
        self.with(Session::abort);
    }

    fn get_state(&self) -> types::State {
        self.with(|session| session.state().into())
    }

    fn get_failure(&self) -> Option<types::Failure> {
        self.with(|session| session.failure().map(Into::into))
    }

    fn get_negotiated(&self) -> Option<types::Negotiated> {
        self.with(|session| session.negotiated().map(Into::into))
    }

    fn output_blocked(&self, now: types::Instant) {
        self.with(|session| session.output_blocked(instant(now)));
    }

    fn output_taken(&self, now: types::Instant) {
        self.with(|session| session.output_taken(instant(now)));
    }

    fn pause_reading(&self, now: types::Instant) {
        self.with(|session| session.pause_reading(instant(now)));
    }

    fn resume_reading(&self, now: types::Instant) {
        self.with(|session| session.resume_reading(instant(now)));
    }

    fn has_more(&self) -> bool {
        self.with(|session| session.has_more())
    }

    fn next_deadline(&self) -> Option<types::Instant> {
        self.with(|session| session.next_deadline().map(Instant::as_nanos))
    }

    fn buffered_amount(&self) -> u64 {
        self.with(|session| session.buffered_amount() as u64)
    }

    fn round_trip_time(&self) -> Option<types::Duration> {
        self.with(|session| session.round_trip_time().map(nanos))
    }
}

fn instant(now: types::Instant) -> Instant {
    Instant::from_nanos(now)
}

impl From<Action> for wit::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::NoAction => wit::Action::NoAction,
            Action::SendToNetwork(id, bytes) => wit::Action::SendToNetwork((id.0, bytes)),
            Action::IndicateSendComplete(id, sent) => {
                wit::Action::IndicateSendComplete((id.0, sent.context, sent.complete))
            }
            Action::ReceiveFromNetwork(id, count) => {
                wit::Action::ReceiveFromNetwork((id.0, count as u32))
            }
            Action::IndicateReceiveComplete(id, context, received) => {
                let received = received.map(Into::into);
                wit::Action::IndicateReceiveComplete((id.0, context, received))
            }
        }
    }
}

impl From<Received> for wit::Received {
    fn from(received: Received) -> Self {
        let (kind, detail) = received.kind_and_detail();
        wit::Received {
            kind: kind.into(),
            payload: received.payload,
            detail,
        }
    }
}

fn native(message: &wit::Message) -> Message<'_> {
    match message {
        wit::Message::Text(text) => Message::Text(text),
        wit::Message::TextFragment(text) => Message::TextFragment(text),
        wit::Message::Utf8(bytes) => Message::Utf8(bytes),
        wit::Message::Utf8Fragment(bytes) => Message::Utf8Fragment(bytes),
        wit::Message::Binary(bytes) => Message::Binary(bytes),
        wit::Message::BinaryFragment(bytes) => Message::BinaryFragment(bytes),
        wit::Message::Ping(payload) => Message::Ping(payload),
        wit::Message::Pong(payload) => Message::Pong(payload),
        wit::Message::Close(None) => Message::Close,
        wit::Message::Close(Some(close)) => Message::CloseWith(close.code, close.reason.as_bytes()),
        wit::Message::ExtensionFrame((bits, payload)) => Message::ExtensionFrame(*bits, payload),
    }
}
