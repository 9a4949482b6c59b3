//! The exports of the interface `session`.

use alloc::string::String;
use alloc::vec::Vec;

use super::bindings::options::SessionOptionsBorrow;
use super::bindings::{Component, session as wit, types};
use super::convert::{all, header_bytes, instant, nanos};
use super::exchange::Resource;
use super::options::Options;
use crate::handshake::{self, Header};
use crate::session::{ActionId, ActionQueue, Completion, Received};
use crate::{
    Action, EventKind, IncomingPayload, Initiator, Instant, Message, Outcome, Rule, Session,
    Timeouts,
};

type Answer<T> = Result<T, types::Failure>;

fn resource(session: Result<Session, Rule>) -> Answer<wit::WebsocketSession> {
    Ok(wit::WebsocketSession::new(Resource::new(session?)))
}

impl wit::Guest for Component {
    type WebsocketSession = Resource;

    fn get_global_properties() -> wit::GlobalProperties {
        let keepalive = Timeouts::default().keepalive.unwrap_or_default();
        wit::GlobalProperties {
            keepalive_interval: nanos(keepalive),
            min_keepalive_interval: nanos(Timeouts::MIN_KEEPALIVE),
            supported_versions: alloc::vec![13],
        }
    }

    fn choose_subprotocol(headers: Vec<types::Header>, supported: Vec<String>) -> Option<String> {
        handshake::choose_subprotocol(&all::<_, Header>(headers), &supported)
    }
}

impl wit::GuestWebsocketSession for Resource {
    fn client(
        options: SessionOptionsBorrow<'_>,
        entropy: Vec<u8>,
        now: types::Instant,
    ) -> Answer<wit::WebsocketSession> {
        resource(Session::client(
            options.get::<Options>().config(),
            &entropy,
            instant(now),
        ))
    }

    fn server(
        options: SessionOptionsBorrow<'_>,
        now: types::Instant,
    ) -> Answer<wit::WebsocketSession> {
        resource(Session::server(
            options.get::<Options>().config(),
            instant(now),
        ))
    }

    fn open_client(
        options: SessionOptionsBorrow<'_>,
        entropy: Vec<u8>,
        negotiated: types::Negotiated,
        now: types::Instant,
    ) -> Answer<wit::WebsocketSession> {
        resource(Session::open_client(
            options.get::<Options>().config(),
            &entropy,
            negotiated.into(),
            instant(now),
        ))
    }

    fn open_server(
        options: SessionOptionsBorrow<'_>,
        negotiated: types::Negotiated,
        now: types::Instant,
    ) -> Answer<wit::WebsocketSession> {
        resource(Session::open_server(
            options.get::<Options>().config(),
            negotiated.into(),
            instant(now),
        ))
    }

    fn connect(&self, request: wit::Request, now: types::Instant) -> Answer<()> {
        Ok(self.with(|session| session.connect(&request.into(), instant(now)))?)
    }

    fn response(&self) -> Option<wit::ResponseHead> {
        self.with(|session| session.response().map(Into::into))
    }

    fn request(&self) -> Option<wit::RequestHead> {
        self.with(|session| session.request().map(Into::into))
    }

    fn set_options(&self, options: SessionOptionsBorrow<'_>) -> Answer<()> {
        let config = options.get::<Options>().config();
        Ok(self.with(|session| session.set_config(config))?)
    }

    fn accept(
        &self,
        acceptance: wit::Acceptance,
        now: types::Instant,
    ) -> Answer<types::Negotiated> {
        self.with(|session| Ok(session.accept(&acceptance.into(), instant(now))?.into()))
    }

    fn refuse(&self, refusal: wit::Refusal, now: types::Instant) -> Answer<()> {
        Ok(self.with(|session| session.refuse(&refusal.into(), instant(now)))?)
    }

    fn begin_client_handshake(
        &self,
        kind: types::HandshakeKind,
        subprotocols: Vec<String>,
        extensions: Vec<types::Extension>,
        headers: Vec<types::Header>,
        now: types::Instant,
    ) -> Answer<Vec<types::Header>> {
        let (extensions, headers) = (all::<_, _>(extensions), all::<_, _>(headers));
        let fields = self.with(|session| {
            session.begin_client_handshake(
                kind.into(),
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
    ) -> Answer<types::Negotiated> {
        let headers = all::<_, Header>(headers);
        self.with(|session| {
            Ok(session
                .end_client_handshake(status, &headers, instant(now))?
                .into())
        })
    }

    fn begin_server_handshake(
        &self,
        kind: types::HandshakeKind,
        headers: Vec<types::Header>,
        acceptance: wit::Acceptance,
        now: types::Instant,
    ) -> Answer<Vec<types::Header>> {
        let headers = all::<_, Header>(headers);
        let fields = self.with(|session| {
            session.begin_server_handshake(kind.into(), &headers, &acceptance.into(), instant(now))
        })?;
        Ok(all(fields))
    }

    fn end_server_handshake(&self, now: types::Instant) -> Answer<()> {
        Ok(self.with(|session| session.end_server_handshake(instant(now)))?)
    }

    fn end_of_input(&self, now: types::Instant) {
        self.with(|session| session.end_of_input(instant(now)));
    }

    fn send(
        &self,
        message: wit::Message,
        compression: wit::Compression,
        context: Option<u64>,
        now: types::Instant,
    ) -> Answer<()> {
        let now = instant(now);
        let message = native(&message);
        Ok(self.with(|session| match compression {
            wit::Compression::Automatic => session.send(message, context, now),
            wit::Compression::Off => session.send_uncompressed(message, context, now),
        })?)
    }

    fn frame_header(
        &self,
        text: bool,
        last: bool,
        length: u64,
    ) -> Answer<Option<wit::OutgoingHeader>> {
        let header = self.with(|session| session.frame_header_of(text, last, length))?;
        Ok(header.map(|header| {
            let [low, high] = header.to_bits();
            wit::OutgoingHeader { low, high }
        }))
    }

    fn begin_payload(
        &self,
        low: u64,
        high: u64,
        length: u32,
        now: types::Instant,
    ) -> Option<wit::IncomingPayload> {
        let header = header_bytes(low, high);
        let header = header.get(..length as usize).unwrap_or(&header);
        let begun = self.with(|session| session.begin_payload(header, instant(now)));
        begun.map(|(_, payload)| {
            let [left, bits] = payload.to_bits();
            wit::IncomingPayload { left, bits }
        })
    }

    fn payload_read(&self, payload: wit::IncomingPayload, now: types::Instant) -> Answer<()> {
        let payload = IncomingPayload::from_bits([payload.left, payload.bits]);
        Ok(self.with(|session| session.payload_read(&payload, instant(now)))?)
    }

    fn receive(&self, context: Option<u64>) -> Answer<()> {
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
    ) -> Answer<()> {
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

    fn state(&self) -> types::State {
        self.with(|session| session.state().into())
    }

    fn failure(&self) -> Option<types::Failure> {
        self.with(|session| session.failure().map(Into::into))
    }

    fn outcome(&self) -> Option<wit::Outcome> {
        self.with(|session| session.outcome().map(Into::into))
    }

    fn negotiated(&self) -> Option<types::Negotiated> {
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

impl From<Action> for wit::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::NoAction => wit::Action::NoAction,
            Action::SendToNetwork(id, bytes) => {
                wit::Action::SendToNetwork(wit::NetworkSend { id: id.0, bytes })
            }
            Action::IndicateSendComplete(id, sent) => {
                wit::Action::IndicateSendComplete(wit::SendCompletion {
                    id: id.0,
                    context: sent.context,
                    complete: sent.complete,
                })
            }
            Action::ReceiveFromNetwork(id, count) => {
                wit::Action::ReceiveFromNetwork(wit::NetworkReceive {
                    id: id.0,
                    max_bytes: count as u32,
                })
            }
            Action::IndicateReceiveComplete(id, context, received) => {
                wit::Action::IndicateReceiveComplete(wit::ReceiveCompletion {
                    id: id.0,
                    context,
                    received: received.map(Into::into),
                })
            }
        }
    }
}

impl From<Outcome> for wit::Outcome {
    fn from(outcome: Outcome) -> Self {
        wit::Outcome {
            clean: outcome.clean,
            initiator: outcome.initiator.map(|initiator| match initiator {
                Initiator::Local => wit::Initiator::Local,
                Initiator::Peer => wit::Initiator::Peer,
            }),
            sent: outcome.sent,
            received: outcome.received,
            failure: outcome.failure.map(Into::into),
        }
    }
}

impl From<Received> for wit::Received {
    fn from(received: Received) -> Self {
        wit::Received {
            kind: received.kind().into(),
            payload: received.payload,
        }
    }
}

impl From<EventKind> for wit::EventKind {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Text => wit::EventKind::Text,
            EventKind::TextChunk => wit::EventKind::TextChunk,
            EventKind::Binary => wit::EventKind::Binary,
            EventKind::BinaryChunk => wit::EventKind::BinaryChunk,
            EventKind::Ping => wit::EventKind::Ping,
            EventKind::Pong(round_trip) => wit::EventKind::Pong(round_trip),
            EventKind::UnsolicitedPong => wit::EventKind::UnsolicitedPong,
            EventKind::Close(code) => wit::EventKind::Close(code),
            EventKind::ExtensionFrame(bits) => wit::EventKind::ExtensionFrame(bits),
            EventKind::Request => wit::EventKind::Request,
            EventKind::Opened => wit::EventKind::Opened,
            EventKind::Sent(context) => wit::EventKind::Sent(context),
            EventKind::Cancelled(context) => wit::EventKind::Cancelled(context),
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
        wit::Message::ExtensionFrame(frame) => Message::ExtensionFrame(frame.bits, &frame.payload),
    }
}
