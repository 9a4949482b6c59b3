//! The exports of the interface `inspector`.

use alloc::string::String;
use alloc::vec::Vec;

use super::advance::Resource;
use super::bindings::inspector::{self as wit, InspectorOptionsBorrow};
use super::bindings::{Component, session, types};
use super::convert::{all, header_bytes, instant};
use super::inspector_options::InspectorOptions;
use crate::Rule;
use crate::handshake::Header;
use crate::inspector::{End, Inspector, Parked, ParkedSide, Sides, Traffic};

type Answer<T> = Result<T, types::Failure>;

fn resource(inspector: Result<Inspector, Rule>) -> Answer<wit::WebsocketInspector> {
    Ok(wit::WebsocketInspector::new(Resource::new(inspector?)))
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

    fn pass_header(
        &self,
        from: wit::Side,
        skipped: u64,
        low: u64,
        high: u64,
        length: u32,
        now: types::Instant,
    ) -> u64 {
        let header = header_bytes(low, high);
        let header = header.get(..length as usize).unwrap_or(&header);
        let passed = self
            .with(|inspector| inspector.pass_header(from.into(), skipped, header, instant(now)));
        passed.map_or(0, |(length, payload)| payload << 4 | length as u64)
    }

    fn pass_message(
        &self,
        from: wit::Side,
        low: u64,
        high: u64,
        length: u32,
        now: types::Instant,
    ) -> u64 {
        let header = header_bytes(low, high);
        let header = header.get(..length as usize).unwrap_or(&header);
        let passed =
            self.with(|inspector| inspector.pass_message(from.into(), header, instant(now)));
        passed.map_or(0, |(length, payload)| (payload as u64) << 4 | length as u64)
    }

    fn traffic(&self, from: wit::Side) -> wit::Traffic {
        self.with(|inspector| inspector.traffic(from.into())).into()
    }

    fn end_of_input(&self, from: wit::Side, now: types::Instant) {
        self.with(|inspector| inspector.end_of_input(from.into(), instant(now)));
    }

    fn close(&self, code: types::CloseCode, reason: String, now: types::Instant) -> Answer<()> {
        Ok(self.with(|inspector| inspector.close(code, reason.as_bytes(), instant(now)))?)
    }

    fn ping(&self, to: wit::Side, now: types::Instant) -> Answer<()> {
        Ok(self.with(|inspector| inspector.ping(to.into(), instant(now)))?)
    }

    fn insert(
        &self,
        to: wit::Side,
        payload: Vec<u8>,
        text: bool,
        now: types::Instant,
    ) -> Answer<()> {
        let now = instant(now);
        Ok(self.with(|inspector| inspector.insert(to.into(), &payload, text, now))?)
    }

    fn decide(&self, from: wit::Side, goes_on: bool, now: types::Instant) -> Answer<()> {
        Ok(self.with(|inspector| inspector.decide(from.into(), goes_on, instant(now)))?)
    }

    fn pause_reading(&self, from: wit::Side, now: types::Instant) {
        self.with(|inspector| inspector.pause_reading(from.into(), instant(now)));
    }

    fn resume_reading(&self, from: wit::Side, now: types::Instant) {
        self.with(|inspector| inspector.resume_reading(from.into(), instant(now)));
    }

    fn output_blocked(&self, to: wit::Side, now: types::Instant) {
        self.with(|inspector| inspector.output_blocked(to.into(), instant(now)));
    }

    fn output_taken(&self, to: wit::Side, now: types::Instant) {
        self.with(|inspector| inspector.output_taken(to.into(), instant(now)));
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

    fn close_sent(&self, to: wit::Side) -> Option<types::CloseCode> {
        self.with(|inspector| inspector.close_sent(to.into()))
    }

    fn park(&self) -> Option<wit::Parked> {
        self.with(|inspector| inspector.park().map(Into::into))
    }

    fn resume(&self, parked: wit::Parked) -> Answer<()> {
        Ok(self.with(|inspector| inspector.resume(&parked.into()))?)
    }

    fn memory(&self) -> u64 {
        self.with(|inspector| inspector.memory() as u64)
    }
}

impl From<Traffic> for wit::Traffic {
    fn from(traffic: Traffic) -> wit::Traffic {
        wit::Traffic {
            frames: traffic.frames,
            messages: traffic.messages,
            bytes: traffic.bytes,
        }
    }
}

impl From<wit::Traffic> for Traffic {
    fn from(traffic: wit::Traffic) -> Traffic {
        Traffic {
            frames: traffic.frames,
            messages: traffic.messages,
            bytes: traffic.bytes,
        }
    }
}

impl From<Parked> for wit::Parked {
    fn from(parked: Parked) -> wit::Parked {
        let side = |side: ParkedSide| wit::ParkedSide {
            position: side.position,
            traffic: side.traffic.into(),
            idle_since: side.idle_since.as_nanos(),
            message_idle_since: side.message_idle_since.as_nanos(),
        };
        wit::Parked {
            at: parked.at.as_nanos(),
            opened: parked.opened.as_nanos(),
            client: side(parked.sides.client),
            server: side(parked.sides.server),
        }
    }
}

impl From<wit::Parked> for Parked {
    fn from(parked: wit::Parked) -> Parked {
        let side = |side: wit::ParkedSide| ParkedSide {
            position: side.position,
            traffic: side.traffic.into(),
            idle_since: instant(side.idle_since),
            message_idle_since: instant(side.message_idle_since),
        };
        Parked {
            at: instant(parked.at),
            opened: instant(parked.opened),
            sides: Sides {
                client: side(parked.client),
                server: side(parked.server),
            },
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
