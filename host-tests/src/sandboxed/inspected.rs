//! The component's inspector in its sandbox, through websocket-host.

use websocket_component::handshake::{
    HandshakeKind, Header, Negotiated, RequestHead, ResponseHead,
};
use websocket_component::inspector::{Edit, End, Options, Parked};
use websocket_component::{Failure, Instant, Role, Rule, State};
use websocket_host::inspector::{self as contract, Inspector, Progress, Seen, Step};
use websocket_host::{CallError, Guest};

use super::from_contract::FromContract;
use super::to_contract::{all, to_contract};
use super::{answer, outcome, sandbox};
use crate::inspected::{ENTROPY, Frame, Inspects, Saw, Stepped, Summary};

/// An inspector of the component, alone in its guest.
pub struct SandboxedInspector {
    guest: Guest,
    inspector: Inspector,
    /// What the last call said.
    progress: Progress,
    /// Those that the host has not taken yet, of the client and of the server.
    edits: [Vec<Edit>; 2],
}

impl SandboxedInspector {
    fn make(make: impl FnOnce(&mut Guest) -> Result<Inspector, CallError>) -> Result<Self, Rule> {
        let mut guest = sandbox().guest().expect("the pool has room");
        let inspector = outcome(make(&mut guest)).map_err(|failure| failure.rule)?;
        // A call that only passes the time says where it begins.
        let step = inspector.advance(&mut guest, Role::Client, 0, &[], 0);
        let progress = outcome(step).map_err(|failure| failure.rule)?.progress;
        Ok(SandboxedInspector {
            guest,
            inspector,
            progress,
            edits: Default::default(),
        })
    }

    fn keep(&mut self, progress: Result<Progress, CallError>) -> Result<(), Rule> {
        let progress = outcome(progress).map_err(|failure| failure.rule)?;
        for (kept, from) in self.edits.iter_mut().zip([Role::Client, Role::Server]) {
            kept.extend(progress.of(from).edits.iter().map(|edit| Edit {
                at: edit.at,
                insert: edit.insert.clone(),
                skip: edit.skip,
            }));
        }
        self.progress = progress;
        Ok(())
    }

    /// After a call that has no progress to tell.
    fn ask_again(&mut self) {
        let progress = answer(self.inspector.progress(&mut self.guest));
        self.keep(Ok(progress)).expect("it breaks no rule");
    }
}

impl Inspects for SandboxedInspector {
    fn new(options: &Options) -> Result<Self, Rule> {
        Self::make(|guest| Inspector::new(guest, options, &ENTROPY, 0))
    }

    fn open(options: &Options, negotiated: &Negotiated) -> Result<Self, Rule> {
        let negotiated = to_contract(negotiated);
        Self::make(|guest| Inspector::open(guest, options, &ENTROPY, &negotiated, 0))
    }

    fn request_headers(
        &mut self,
        kind: HandshakeKind,
        headers: &[Header],
        now: Instant,
    ) -> Result<(), Rule> {
        let (kind, headers, now) = (to_contract(&kind), all(headers), now.as_nanos());
        let checked = self
            .inspector
            .request_headers(&mut self.guest, kind, &headers, now);
        self.handle_timeout(Instant::from_nanos(now));
        outcome(checked).map_err(|failure| failure.rule)
    }

    fn response_headers(
        &mut self,
        status: u16,
        headers: &[Header],
        now: Instant,
    ) -> Result<Negotiated, Rule> {
        let (headers, now) = (all(headers), now.as_nanos());
        let checked = self
            .inspector
            .response_headers(&mut self.guest, status, &headers, now);
        self.handle_timeout(Instant::from_nanos(now));
        outcome(checked)
            .map(Negotiated::from_contract)
            .map_err(|failure| failure.rule)
    }

    fn advance(
        &mut self,
        from: Role,
        skipped: u64,
        input: &[u8],
        now: Instant,
    ) -> Result<Stepped, Rule> {
        let now = now.as_nanos();
        let step = self
            .inspector
            .advance(&mut self.guest, from, skipped, input, now);
        let step = outcome(step).map_err(|failure| failure.rule)?;
        let stepped = Stepped {
            consumed: step.consumed as usize,
            skippable: step.skippable,
            more: step.more,
            saw: step.seen.iter().map(|seen| saw(&step, seen)).collect(),
        };
        self.keep(Ok(step.progress))?;
        Ok(stepped)
    }

    fn pass_header(
        &mut self,
        from: Role,
        skipped: u64,
        header: &[u8],
        now: Instant,
    ) -> Option<(usize, u64)> {
        let now = now.as_nanos();
        let passed = self
            .inspector
            .pass_header(&mut self.guest, from, skipped, header, now);
        let passed = answer(passed);
        if passed.is_some() {
            self.ask_again();
        }
        passed
    }

    fn pass_message(&mut self, from: Role, input: &[u8], now: Instant) -> Option<usize> {
        let now = now.as_nanos();
        let passed = self
            .inspector
            .pass_message(&mut self.guest, from, input, now);
        let passed = answer(passed);
        if passed.is_some() {
            self.ask_again();
        }
        passed
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = now.as_nanos();
        let step = self
            .inspector
            .advance(&mut self.guest, Role::Client, 0, &[], now);
        let progress = step.map(|step| step.progress);
        self.keep(progress).expect("only the time passes");
    }

    fn end_of_input(&mut self, from: Role, now: Instant) {
        let now = now.as_nanos();
        let progress = answer(self.inspector.end_of_input(&mut self.guest, from, now));
        self.keep(Ok(progress)).expect("it breaks no rule");
    }

    fn close(&mut self, code: u16, reason: &str, now: Instant) -> Result<(), Rule> {
        let now = now.as_nanos();
        let progress = self.inspector.close(&mut self.guest, code, reason, now);
        self.keep(progress)
    }

    fn ping(&mut self, to: Role, now: Instant) -> Result<(), Rule> {
        let progress = self.inspector.ping(&mut self.guest, to, now.as_nanos());
        self.keep(progress)
    }

    fn insert(
        &mut self,
        to: Role,
        payload: &[u8],
        is_text: bool,
        now: Instant,
    ) -> Result<(), Rule> {
        let now = now.as_nanos();
        let progress = self
            .inspector
            .insert(&mut self.guest, to, payload, is_text, now);
        self.keep(progress)
    }

    fn decide(&mut self, from: Role, goes_on: bool, now: Instant) -> Result<(), Rule> {
        let now = now.as_nanos();
        let progress = self.inspector.decide(&mut self.guest, from, goes_on, now);
        self.keep(progress)
    }

    fn pause_reading(&mut self, from: Role, now: Instant) {
        answer(
            self.inspector
                .pause_reading(&mut self.guest, from, now.as_nanos()),
        );
        self.ask_again();
    }

    fn resume_reading(&mut self, from: Role, now: Instant) {
        answer(
            self.inspector
                .resume_reading(&mut self.guest, from, now.as_nanos()),
        );
        self.ask_again();
    }

    fn output_blocked(&mut self, to: Role, now: Instant) {
        let now = now.as_nanos();
        answer(self.inspector.output_blocked(&mut self.guest, to, now));
        self.ask_again();
    }

    fn output_taken(&mut self, to: Role, now: Instant) {
        let now = now.as_nanos();
        answer(self.inspector.output_taken(&mut self.guest, to, now));
        self.ask_again();
    }

    fn forward_to(&self, from: Role) -> u64 {
        self.progress.of(from).to
    }

    fn take_edits(&mut self, from: Role) -> Vec<Edit> {
        let [client, server] = &mut self.edits;
        std::mem::take(match from {
            Role::Client => client,
            Role::Server => server,
        })
    }

    fn end(&self, from: Role) -> End {
        match self.progress.of(from).end {
            contract::End::None => End::None,
            contract::End::Shutdown => End::Shutdown,
            contract::End::Reset => End::Reset,
        }
    }

    fn is_final(&self, from: Role) -> bool {
        self.progress.of(from).is_final
    }

    fn is_at_boundary(&self, from: Role) -> bool {
        self.progress.of(from).at_boundary
    }

    fn state(&self) -> State {
        State::from_contract(self.progress.state)
    }

    fn failure(&self) -> Option<(Role, Failure)> {
        let violation = self.progress.violation.as_ref()?;
        let told = crate::Failure::from_contract(violation.failure.clone());
        let mut failure = Failure::from(told.rule);
        (failure.offset, failure.limit, failure.value) = told.case();
        Some((violation.from.into(), failure))
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.progress.next_deadline.map(Instant::from_nanos)
    }

    fn request(&mut self) -> Option<RequestHead> {
        answer(self.inspector.request(&mut self.guest)).map(RequestHead::from_contract)
    }

    fn response(&mut self) -> Option<ResponseHead> {
        answer(self.inspector.response(&mut self.guest)).map(ResponseHead::from_contract)
    }

    fn negotiated(&mut self) -> Option<Negotiated> {
        answer(self.inspector.negotiated(&mut self.guest)).map(Negotiated::from_contract)
    }

    fn close_code(&mut self, from: Role) -> Option<u16> {
        answer(self.inspector.close_code(&mut self.guest, from))
    }

    fn close_sent(&mut self, to: Role) -> Option<u16> {
        answer(self.inspector.close_sent(&mut self.guest, to))
    }

    fn traffic(&mut self, from: Role) -> (u64, u64, u64) {
        let traffic = answer(self.inspector.traffic(&mut self.guest, from));
        (traffic.frames, traffic.messages, traffic.bytes)
    }

    fn memory(&mut self) -> usize {
        let memory = answer(self.inspector.memory(&mut self.guest));
        usize::try_from(memory).expect("an address has 32 bits there")
    }

    fn park(&mut self) -> Option<Parked> {
        let parked = answer(self.inspector.park(&mut self.guest));
        parked.map(Parked::from_contract)
    }

    fn resume(&mut self, parked: &Parked) -> Result<(), Rule> {
        let parked = to_contract(parked);
        let resumed = self.inspector.resume(&mut self.guest, &parked);
        self.ask_again();
        outcome(resumed).map_err(|failure| failure.rule)
    }
}

fn saw(step: &Step, seen: &Seen) -> Saw {
    let bytes = |span| step.bytes(span).to_vec();
    match *seen {
        Seen::Request => Saw::Request,
        Seen::Response => Saw::Response,
        Seen::Opened => Saw::Opened,
        Seen::Frame(frame) => Saw::Frame(Frame {
            offset: frame.offset,
            first: frame.first,
            masked: frame.masked,
            header: frame.header_length,
            payload: frame.payload_length,
        }),
        Seen::Text(data) => Saw::Text(bytes(data.bytes), data.last),
        Seen::Binary(data) => Saw::Binary(bytes(data.bytes), data.last),
        Seen::Message(summary) => Saw::Message(Summary {
            text: summary.text,
            compressed: summary.compressed,
            frames: summary.frames,
            wire_length: summary.wire_length,
            length: summary.length,
            shown: summary.shown,
            held: summary.held,
        }),
        Seen::Ping(span) => Saw::Ping(bytes(span)),
        Seen::Pong(span) => Saw::Pong(bytes(span)),
        Seen::RoundTrip(nanos) => Saw::RoundTrip(nanos),
        Seen::Close(close) => {
            let reason = String::from_utf8(bytes(close.reason)).expect("UTF-8");
            Saw::Close(close.code, reason)
        }
        Seen::Other(number) => panic!("an event of another version: {number}"),
    }
}
