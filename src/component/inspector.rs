//! The exports of the interface `inspector`.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::bindings::inspector::{self as wit, InspectorOptionsBorrow};
use super::bindings::{Component, session, types};
use super::convert::all;
use super::inspector_options::InspectorOptions;
use crate::handshake::Header;
use crate::inspector::{Edit, End, Inspector, Seen, Step};
use crate::{Instant, Role, Rule};

/// The resource. A component is never entered twice at once, so a borrow of the cell never
/// meets another.
pub(super) struct Resource {
    inspector: RefCell<Inspector>,
}

type Answer<T> = Result<T, types::Failure>;

impl Resource {
    fn with<T>(&self, call: impl FnOnce(&mut Inspector) -> T) -> T {
        call(&mut self.inspector.borrow_mut())
    }

    /// A call that may let more go on.
    fn then(&self, call: impl FnOnce(&mut Inspector) -> Result<(), Rule>) -> Answer<wit::Progress> {
        self.with(|inspector| {
            call(inspector)?;
            Ok(progress(inspector))
        })
    }
}

fn resource(inspector: Result<Inspector, Rule>) -> Answer<wit::WebsocketInspector> {
    Ok(wit::WebsocketInspector::new(Resource {
        inspector: RefCell::new(inspector?),
    }))
}

impl wit::Guest for Component {
    type InspectorOptions = InspectorOptions;
    type WebsocketInspector = Resource;
}

impl wit::GuestWebsocketInspector for Resource {
    fn create(
        options: InspectorOptionsBorrow<'_>,
        entropy: Vec<u8>,
        now: types::Instant,
    ) -> Answer<wit::WebsocketInspector> {
        let options = options.get::<InspectorOptions>().options();
        resource(Inspector::new(options, &entropy, instant(now)))
    }

    fn open(
        options: InspectorOptionsBorrow<'_>,
        entropy: Vec<u8>,
        negotiated: types::Negotiated,
        now: types::Instant,
    ) -> Answer<wit::WebsocketInspector> {
        let options = options.get::<InspectorOptions>().options();
        let negotiated = negotiated.into();
        resource(Inspector::open(
            options,
            &entropy,
            &negotiated,
            instant(now),
        ))
    }

    fn request_headers(
        &self,
        kind: types::HandshakeKind,
        headers: Vec<types::Header>,
        now: types::Instant,
    ) -> Answer<()> {
        let headers = all::<_, Header>(headers);
        Ok(self.with(|inspector| inspector.request_headers(kind.into(), &headers, instant(now)))?)
    }

    fn response_headers(
        &self,
        status: types::StatusCode,
        headers: Vec<types::Header>,
        now: types::Instant,
    ) -> Answer<types::Negotiated> {
        let headers = all::<_, Header>(headers);
        self.with(|inspector| {
            let negotiated = inspector.response_headers(status, &headers, instant(now))?;
            Ok(negotiated.into())
        })
    }

    fn advance(
        &self,
        from: wit::Side,
        skipped: u64,
        mut input: Vec<u8>,
        now: types::Instant,
    ) -> Answer<wit::Step> {
        self.with(|inspector| {
            let step = inspector.advance(from.into(), skipped, &mut input, instant(now))?;
            let mut payload = Vec::new();
            let seen = seen(&step, &mut payload);
            let (consumed, skippable) = (step.consumed as u32, step.skippable);
            let (wanted, more) = (step.wanted, step.more);
            Ok(wit::Step {
                consumed,
                skippable,
                wanted,
                more,
                seen,
                payload,
                progress: progress(inspector),
            })
        })
    }

    fn end_of_input(&self, from: wit::Side, now: types::Instant) -> wit::Progress {
        self.with(|inspector| {
            inspector.end_of_input(from.into(), instant(now));
            progress(inspector)
        })
    }

    fn close(
        &self,
        code: types::CloseCode,
        reason: String,
        now: types::Instant,
    ) -> Answer<wit::Progress> {
        self.then(|inspector| inspector.close(code, reason.as_bytes(), instant(now)))
    }

    fn ping(&self, to: wit::Side, now: types::Instant) -> Answer<wit::Progress> {
        self.then(|inspector| inspector.ping(to.into(), instant(now)))
    }

    fn insert(
        &self,
        to: wit::Side,
        payload: Vec<u8>,
        text: bool,
        now: types::Instant,
    ) -> Answer<wit::Progress> {
        self.then(|inspector| inspector.insert(to.into(), &payload, text, instant(now)))
    }

    fn decide(&self, from: wit::Side, goes_on: bool, now: types::Instant) -> Answer<wit::Progress> {
        self.then(|inspector| inspector.decide(from.into(), goes_on, instant(now)))
    }

    fn pause_reading(&self, from: wit::Side, now: types::Instant) {
        self.with(|inspector| inspector.pause_reading(from.into(), instant(now)));
    }

    fn resume_reading(&self, from: wit::Side, now: types::Instant) {
        self.with(|inspector| inspector.resume_reading(from.into(), instant(now)));
    }

    fn next_deadline(&self) -> Option<types::Instant> {
        self.with(|inspector| inspector.next_deadline().map(Instant::as_nanos))
    }

    fn request(&self) -> Option<session::RequestHead> {
        self.with(|inspector| inspector.request().map(Into::into))
    }

    fn response(&self) -> Option<session::ResponseHead> {
        self.with(|inspector| inspector.response().map(Into::into))
    }

    fn negotiated(&self) -> Option<types::Negotiated> {
        self.with(|inspector| inspector.negotiated().map(Into::into))
    }

    fn close_code(&self, from: wit::Side) -> Option<types::CloseCode> {
        self.with(|inspector| inspector.close_code(from.into()))
    }

    fn memory(&self) -> u64 {
        self.with(|inspector| inspector.memory() as u64)
    }
}

fn instant(now: types::Instant) -> Instant {
    Instant::from_nanos(now)
}

fn progress(inspector: &mut Inspector) -> wit::Progress {
    wit::Progress {
        client: forwarding(inspector, Role::Client),
        server: forwarding(inspector, Role::Server),
        state: inspector.state().into(),
        next_deadline: inspector.next_deadline().map(Instant::as_nanos),
        violation: inspector.failure().map(|(from, failure)| wit::Violation {
            from: from.into(),
            failure: failure.into(),
        }),
    }
}

fn forwarding(inspector: &mut Inspector, from: Role) -> wit::Forwarding {
    wit::Forwarding {
        to: inspector.forward_to(from),
        edits: inspector.take_edits(from).map(Into::into).collect(),
        end: inspector.end(from).into(),
    }
}

impl From<Edit> for wit::Edit {
    fn from(edit: Edit) -> wit::Edit {
        wit::Edit {
            at: edit.at,
            insert: edit.insert,
            skip: edit.skip,
        }
    }
}

impl From<End> for wit::End {
    fn from(end: End) -> wit::End {
        match end {
            End::None => wit::End::None,
            End::Shutdown => wit::End::Shutdown,
            End::Reset => wit::End::Reset,
        }
    }
}

/// What was seen, with its bytes in `payload`.
fn seen(step: &Step<'_>, payload: &mut Vec<u8>) -> Vec<wit::Seen> {
    let mut span = |bytes: &[u8]| {
        let start = payload.len() as u32;
        payload.extend_from_slice(bytes);
        wit::Span {
            start,
            length: bytes.len() as u32,
        }
    };
    let record = |seen| match seen {
        Seen::Request => wit::Seen::Request,
        Seen::Response => wit::Seen::Response,
        Seen::Opened => wit::Seen::Opened,
        Seen::Frame(frame) => wit::Seen::Frame(wit::FrameHeader {
            offset: frame.offset,
            first: frame.first,
            masked: frame.masked,
            header_length: frame.header,
            payload_length: frame.payload,
        }),
        Seen::Text { payload, last } => wit::Seen::Text(wit::Data {
            bytes: span(payload),
            last,
        }),
        Seen::Binary { payload, last } => wit::Seen::Binary(wit::Data {
            bytes: span(payload),
            last,
        }),
        Seen::Message(summary) => wit::Seen::Message(wit::MessageSummary {
            text: summary.text,
            compressed: summary.compressed,
            frames: summary.frames,
            wire_length: summary.wire_length,
            length: summary.length,
            shown: summary.shown,
            held: summary.held,
        }),
        Seen::Ping { payload } => wit::Seen::Ping(span(payload)),
        Seen::Pong { payload } => wit::Seen::Pong(span(payload)),
        Seen::RoundTrip(nanos) => wit::Seen::RoundTrip(nanos),
        Seen::Close { code, reason } => wit::Seen::Close(wit::CloseSummary {
            code,
            reason: span(reason),
        }),
    };
    step.seen().map(record).collect()
}
