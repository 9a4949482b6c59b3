//! The records of the interface `inspector`.

use alloc::vec::Vec;

use super::{FailureRecord, List, Maybe, laid_out};
use crate::component::bindings::{inspector as wit, types};
use crate::inspector::{Edit, Inspector, Seen, Step};
use crate::{Failure, Instant, Role, Rule};

/// `span`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(in crate::component) struct SpanRecord {
    start: u32,
    length: u32,
}

impl SpanRecord {
    /// Appends bytes to the payload.
    fn of(bytes: &[u8], payload: &mut Vec<u8>) -> SpanRecord {
        let start = payload.len() as u32;
        payload.extend_from_slice(bytes);
        SpanRecord {
            start,
            length: bytes.len() as u32,
        }
    }
}

/// `data`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(in crate::component) struct DataRecord {
    bytes: SpanRecord,
    last: bool,
}

/// `frame-header`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(in crate::component) struct FrameRecord {
    offset: u64,
    first: u8,
    masked: bool,
    header_length: u8,
    payload_length: u64,
}

/// `message-summary`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(in crate::component) struct SummaryRecord {
    text: bool,
    compressed: bool,
    frames: u32,
    wire_length: u64,
    length: Maybe<u64>,
    shown: bool,
    held: bool,
}

/// `close-summary`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(in crate::component) struct CloseRecord {
    code: u16,
    reason: SpanRecord,
}

/// `seen`.
#[derive(Clone, Copy)]
#[expect(dead_code, reason = "it is the host that reads them")]
#[repr(C, u8)]
pub(in crate::component) enum SeenRecord {
    Request,
    Response,
    Opened,
    Frame(FrameRecord),
    Text(DataRecord),
    Binary(DataRecord),
    Message(SummaryRecord),
    Ping(SpanRecord),
    Pong(SpanRecord),
    RoundTrip(u64),
    Close(CloseRecord),
}

impl SeenRecord {
    /// Something that was seen, whose bytes are appended to the payload.
    pub(in crate::component) fn of(seen: Seen<'_>, payload: &mut Vec<u8>) -> SeenRecord {
        let mut span = |bytes| SpanRecord::of(bytes, payload);
        match seen {
            Seen::Request => SeenRecord::Request,
            Seen::Response => SeenRecord::Response,
            Seen::Opened => SeenRecord::Opened,
            Seen::Frame(frame) => SeenRecord::Frame(FrameRecord {
                offset: frame.offset,
                first: frame.first,
                masked: frame.masked,
                header_length: frame.header,
                payload_length: frame.payload,
            }),
            Seen::Text { payload, last } => SeenRecord::Text(DataRecord {
                bytes: span(payload),
                last,
            }),
            Seen::Binary { payload, last } => SeenRecord::Binary(DataRecord {
                bytes: span(payload),
                last,
            }),
            Seen::Message(summary) => SeenRecord::Message(SummaryRecord {
                text: summary.text,
                compressed: summary.compressed,
                frames: summary.frames,
                wire_length: summary.wire_length,
                length: Maybe::of(summary.length),
                shown: summary.shown,
                held: summary.held,
            }),
            Seen::Ping { payload } => SeenRecord::Ping(span(payload)),
            Seen::Pong { payload } => SeenRecord::Pong(span(payload)),
            Seen::RoundTrip(nanos) => SeenRecord::RoundTrip(nanos),
            Seen::Close { code, reason } => SeenRecord::Close(CloseRecord {
                code,
                reason: span(reason),
            }),
        }
    }
}

/// `edit`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(in crate::component) struct EditRecord {
    at: u64,
    insert: List<u8>,
    skip: u64,
}

impl From<&Edit> for EditRecord {
    fn from(edit: &Edit) -> EditRecord {
        EditRecord {
            at: edit.at,
            insert: List::of(&edit.insert),
            skip: edit.skip,
        }
    }
}

/// `forwarding`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct ForwardingRecord {
    to: u64,
    edits: List<EditRecord>,
    end: u8,
    is_final: bool,
    at_boundary: bool,
}

/// `violation`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct ViolationRecord {
    from: u8,
    failure: FailureRecord,
}

impl From<(Role, Failure)> for ViolationRecord {
    fn from((from, failure): (Role, Failure)) -> ViolationRecord {
        ViolationRecord {
            from: wit::Side::from(from) as u8,
            failure: failure.into(),
        }
    }
}

/// `progress`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(in crate::component) struct ProgressRecord {
    client: ForwardingRecord,
    server: ForwardingRecord,
    state: u8,
    next_deadline: Maybe<u64>,
    violation: Maybe<ViolationRecord>,
}

impl ProgressRecord {
    /// Writes where a connection is over the last record, with these edits of each side.
    pub(in crate::component) fn set(&mut self, inspector: &Inspector, edits: [&[EditRecord]; 2]) {
        let sides = [
            (Role::Client, &mut self.client),
            (Role::Server, &mut self.server),
        ];
        for ((from, record), edits) in sides.into_iter().zip(edits) {
            record.to = inspector.forward_to(from);
            record.edits = List::of(edits);
            record.end = wit::End::from(inspector.end(from)) as u8;
            record.is_final = inspector.is_final(from);
            record.at_boundary = inspector.is_at_boundary(from);
        }
        self.state = types::State::from(inspector.state()) as u8;
        let next_deadline = inspector.next_deadline().map(Instant::as_nanos);
        self.next_deadline.set(next_deadline);
        self.violation.set(inspector.failure());
    }
}

/// `step`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(in crate::component) struct StepRecord {
    consumed: u32,
    skippable: u64,
    wanted: u64,
    more: bool,
    seen: List<SeenRecord>,
    payload: List<u8>,
    pub(in crate::component) progress: ProgressRecord,
    refused: Maybe<FailureRecord>,
}

impl StepRecord {
    /// Writes a step over the last one.
    pub(in crate::component) fn set(&mut self, step: &Step<'_>) {
        self.consumed = step.consumed as u32;
        self.skippable = step.skippable;
        self.wanted = step.wanted;
        self.more = step.more;
        self.refused.set(None::<Failure>);
    }

    /// Writes that nothing was done.
    pub(in crate::component) fn set_refused(&mut self, rule: Rule) {
        (self.consumed, self.skippable, self.wanted) = (0, 0, 0);
        self.more = false;
        self.refused.set(Some(Failure::from(rule)));
    }

    /// Writes what was seen.
    pub(in crate::component) fn set_seen(&mut self, seen: &[SeenRecord], payload: &[u8]) {
        self.seen = List::of(seen);
        self.payload = List::of(payload);
    }
}

laid_out!("span", SpanRecord, 8, {
    start: 0,
    length: 4,
});

laid_out!("data", DataRecord, 12, {
    bytes: 0,
    last: 8,
});

laid_out!("frame-header", FrameRecord, 24, {
    offset: 0,
    first: 8,
    masked: 9,
    header_length: 10,
    payload_length: 16,
});

laid_out!("message-summary", SummaryRecord, 40, {
    text: 0,
    compressed: 1,
    frames: 4,
    wire_length: 8,
    length: 16,
    shown: 32,
    held: 33,
});

laid_out!("close-summary", CloseRecord, 12, {
    code: 0,
    reason: 4,
});

laid_out!("edit", EditRecord, 24, {
    at: 0,
    insert: 8,
    skip: 16,
});

laid_out!("forwarding", ForwardingRecord, 24, {
    to: 0,
    edits: 8,
    end: 16,
    is_final: 17,
    at_boundary: 18,
});

laid_out!("violation", ViolationRecord, 96, {
    from: 0,
    failure: 8,
});

laid_out!("progress", ProgressRecord, 176, {
    client: 0,
    server: 24,
    state: 48,
    next_deadline: 56,
    violation: 72,
});

laid_out!("step", StepRecord, 320, {
    consumed: 0,
    skippable: 8,
    wanted: 16,
    more: 24,
    seen: 28,
    payload: 36,
    progress: 48,
    refused: 224,
});

#[cfg(test)]
mod tests {
    use super::super::tests::Contract;
    use super::*;

    #[test]
    fn records_are_laid_out_as_the_contract_says() {
        let contract = Contract::read();
        contract.compare::<SpanRecord>();
        contract.compare::<DataRecord>();
        contract.compare::<FrameRecord>();
        contract.compare::<SummaryRecord>();
        contract.compare::<CloseRecord>();
        contract.compare::<EditRecord>();
        contract.compare::<ForwardingRecord>();
        contract.compare::<ViolationRecord>();
        contract.compare::<ProgressRecord>();
        contract.compare::<StepRecord>();
    }

    #[test]
    fn what_was_seen_is_numbered_as_the_contract_says() {
        let contract = Contract::read();
        let (cases, offset) = contract.variant("seen");
        assert_eq!(offset, 8);
        assert_eq!(align_of::<SeenRecord>(), 8);
        let span = SpanRecord {
            start: 0,
            length: 0,
        };
        let data = DataRecord {
            bytes: span,
            last: false,
        };
        let records = [
            (SeenRecord::Request, "request"),
            (SeenRecord::Response, "response"),
            (SeenRecord::Opened, "opened"),
            (
                SeenRecord::Frame(FrameRecord {
                    offset: 0,
                    first: 0,
                    masked: false,
                    header_length: 0,
                    payload_length: 0,
                }),
                "frame",
            ),
            (SeenRecord::Text(data), "text"),
            (SeenRecord::Binary(data), "binary"),
            (
                SeenRecord::Message(SummaryRecord {
                    text: false,
                    compressed: false,
                    frames: 0,
                    wire_length: 0,
                    length: Maybe::default(),
                    shown: false,
                    held: false,
                }),
                "message",
            ),
            (SeenRecord::Ping(span), "ping"),
            (SeenRecord::Pong(span), "pong"),
            (SeenRecord::RoundTrip(0), "round-trip"),
            (
                SeenRecord::Close(CloseRecord {
                    code: 0,
                    reason: span,
                }),
                "close",
            ),
        ];
        for (record, name) in &records {
            // SAFETY: the enumeration is `repr(C, u8)`, so it begins with its discriminant.
            let byte = unsafe { *core::ptr::from_ref(record).cast::<u8>() };
            assert_eq!(cases.get(usize::from(byte)), Some(name));
        }
        assert_eq!(cases.len(), records.len() + 1, "and `other`");
    }
}
