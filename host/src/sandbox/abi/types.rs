//! The types of the contract (`wit/`), by their fields and cases in order.

use super::value::{enumeration, record, variant};
use crate::bindings::exports::websocket::protocol::{inspector, options, session, types};
use inspector::{
    CloseSummary, Data, Edit, End, Forwarding, FrameHeader, MessageSummary, Parked, ParkedSide,
    Progress, Seen, Side, Span, Traffic, Violation,
};
use session::{
    Action, Event, EventKind, GlobalProperties, IncomingPayload, Initiator, NetworkReceive,
    NetworkSend, Outcome, OutgoingHeader, ReceiveCompletion, Received, RequestHead, ResponseHead,
    SendCompletion,
};
use types::{Extension, ExtensionParameter, Failure, Fault, Header, Negotiated, RuleGroup, State};

use super::argument::{Argument, Arguments};

record!(Header {
    name: String,
    value: Vec<u8>,
});

record!(ExtensionParameter {
    name: String,
    value: Option<String>,
});

record!(Extension {
    name: String,
    parameters: Vec<ExtensionParameter>,
});

record!(Negotiated {
    subprotocol: Option<String>,
    extensions: Vec<Extension>,
});

enumeration!(State {
    Connecting,
    Open,
    Closing,
    Draining,
    Closed,
});

enumeration!(Fault {
    Peer,
    Host,
    Transport,
});

enumeration!(RuleGroup {
    InvalidOperation,
    InvalidFormat,
    UnsupportedExtensions,
    UnsupportedSubprotocol,
    UnsupportedVersion,
});

record!(Failure {
    rule: String,
    fault: Fault,
    group: RuleGroup,
    section: String,
    description: String,
    close_code: Option<u16>,
    status: Option<u16>,
    offset: Option<u64>,
    limit: Option<u64>,
    value: Option<u64>,
});

record!(GlobalProperties {
    keepalive_interval: u64,
    min_keepalive_interval: u64,
    supported_versions: Vec<u8>,
});

record!(RequestHead {
    method: String,
    target: String,
    authority: String,
    subprotocols: Vec<String>,
    extensions: Vec<Extension>,
    headers: Vec<Header>,
    violation: Option<Failure>,
    tolerated: Vec<String>,
});

record!(ResponseHead {
    status: u16,
    reason: Vec<u8>,
    headers: Vec<Header>,
    body: Vec<u8>,
    body_complete: bool,
});

variant!(EventKind {
    0 => Text,
    1 => TextChunk,
    2 => Binary,
    3 => BinaryChunk,
    4 => Ping,
    5 => Pong(u64),
    6 => UnsolicitedPong,
    7 => Close(u16),
    8 => ExtensionFrame(u8),
    9 => Request,
    10 => Opened,
    11 => Sent(u64),
    12 => Cancelled(u64),
    13 => Other(u32),
});

record!(Event {
    kind: EventKind,
    start: u32,
    length: u32,
});

record!(OutgoingHeader {
    low: u64,
    high: u64
});

record!(IncomingPayload {
    left: u64,
    bits: u64
});

enumeration!(Initiator { Local, Peer });

record!(Outcome {
    clean: bool,
    initiator: Option<Initiator>,
    sent: Option<u16>,
    received: Option<u16>,
    failure: Option<Failure>,
});

record!(NetworkSend {
    id: u64,
    bytes: Vec<u8>,
});

record!(NetworkReceive {
    id: u64,
    max_bytes: u32,
});

record!(SendCompletion {
    id: u64,
    context: Option<u64>,
    complete: bool,
});

record!(Received {
    kind: EventKind,
    payload: Vec<u8>,
});

record!(ReceiveCompletion {
    id: u64,
    context: Option<u64>,
    received: Option<Received>,
});

variant!(Action {
    0 => NoAction,
    1 => SendToNetwork(NetworkSend),
    2 => IndicateSendComplete(SendCompletion),
    3 => ReceiveFromNetwork(NetworkReceive),
    4 => IndicateReceiveComplete(ReceiveCompletion),
});

enumeration!(Side { Client, Server });

record!(FrameHeader {
    offset: u64,
    first: u8,
    masked: bool,
    header_length: u8,
    payload_length: u64,
});

record!(Span {
    start: u32,
    length: u32,
});

record!(Data {
    bytes: Span,
    last: bool,
});

record!(MessageSummary {
    text: bool,
    compressed: bool,
    frames: u32,
    wire_length: u64,
    length: Option<u64>,
    shown: bool,
    held: bool,
});

record!(CloseSummary {
    code: u16,
    reason: Span,
});

variant!(Seen {
    0 => Request,
    1 => Response,
    2 => Opened,
    3 => Frame(FrameHeader),
    4 => Text(Data),
    5 => Binary(Data),
    6 => Message(MessageSummary),
    7 => Ping(Span),
    8 => Pong(Span),
    9 => RoundTrip(u64),
    10 => Close(CloseSummary),
    11 => Other(u32),
});

record!(Edit {
    at: u64,
    insert: Vec<u8>,
    skip: u64,
});

enumeration!(End {
    None,
    Shutdown,
    Reset,
});

record!(Forwarding {
    to: u64,
    edits: Vec<Edit>,
    end: End,
    is_final: bool,
    at_boundary: bool,
});

record!(Traffic {
    frames: u64,
    messages: u64,
    bytes: u64,
});

record!(ParkedSide {
    position: u64,
    traffic: Traffic,
    idle_since: u64,
    message_idle_since: u64,
});

record!(Parked {
    at: u64,
    opened: u64,
    client: ParkedSide,
    server: ParkedSide,
});

record!(Violation {
    from: Side,
    failure: Failure,
});

record!(Progress {
    client: Forwarding,
    server: Forwarding,
    state: State,
    next_deadline: Option<u64>,
    violation: Option<Violation>,
});

record!(inspector::Step {
    consumed: u32,
    skippable: u64,
    wanted: u64,
    more: bool,
    seen: Vec<Seen>,
    payload: Vec<u8>,
    progress: Progress,
    refused: Option<Failure>,
});

/// Implements passing of enums, by the index of their case.
macro_rules! passed {
    ($($type:ty { $($number:literal => $case:ident),+ })+) => {$(
        impl Argument for $type {
            fn pass(&self, call: &mut Arguments<'_>) -> wasmtime::Result<()> {
                let case: u32 = match self {
                    $(Self::$case => $number,)+
                };
                case.pass(call)
            }
        }
    )+};
}

passed! {
    types::HandshakeKind { 0 => Upgrade, 1 => ExtendedConnect }
    session::Compression { 0 => Automatic, 1 => Off }
    session::ActionQueue { 0 => Send, 1 => Receive, 2 => All }
    options::Delivery { 0 => Messages, 1 => Streaming }
    options::PongPolicy { 0 => Each, 1 => Latest, 2 => Manual }
    Side { 0 => Client, 1 => Server }
    inspector::UnknownExtensions { 0 => Reject, 1 => Opaque }
    inspector::OtherCode { 0 => Gateway, 1 => Same }
}

impl Argument for inspector::PayloadView {
    fn pass(&self, call: &mut Arguments<'_>) -> wasmtime::Result<()> {
        match self {
            Self::Nothing => (0_u32, 0_u32).pass(call),
            Self::Chunks => (1_u32, 0_u32).pass(call),
            Self::Messages(most) => (2_u32, *most).pass(call),
        }
    }
}

impl Argument for IncomingPayload {
    fn pass(&self, call: &mut Arguments<'_>) -> wasmtime::Result<()> {
        (self.left, self.bits).pass(call)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use wit_parser::{Resolve, SizeAlign, Type, TypeDefKind};

    use super::*;
    use crate::protocol::Outgoing;
    use crate::sandbox::abi::{Element, Value};
    use crate::sandbox::exchanged::{Answer, RelayAnswer};

    /// Calls with the sizes and alignments of these types.
    macro_rules! each {
        ($check:ident by $trait:ident: $($name:literal => $type:ty,)+) => {
            $($check($name, <$type as $trait>::SIZE, <$type as $trait>::ALIGN);)+
        };
    }

    #[test]
    fn sizes_and_alignments_are_what_the_contract_makes_them() {
        let mut resolve = Resolve {
            all_features: true,
            ..Resolve::default()
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        resolve.push_dir(folder).expect("the contract");
        let mut sizes = SizeAlign::default();
        sizes.fill(&resolve);
        let check = |name: &str, size, align| {
            let mut types = resolve.types.iter();
            // Not where another interface uses it.
            let found = types.find(|(_, ty)| {
                ty.name.as_deref() == Some(name) && !matches!(ty.kind, TypeDefKind::Type(_))
            });
            let (id, _) = found.unwrap_or_else(|| panic!("{name} is in the contract"));
            let ty = Type::Id(id);
            let expected = (
                sizes.size(&ty).size_wasm32(),
                sizes.align(&ty).align_wasm32(),
            );
            assert_eq!((size, align), expected, "{name}");
        };
        each! { check by Value:
            "header" => Header,
            "extension-parameter" => ExtensionParameter,
            "extension" => Extension,
            "negotiated" => Negotiated,
            "failure" => Failure,
            "global-properties" => GlobalProperties,
            "request-head" => RequestHead,
            "response-head" => ResponseHead,
            "event-kind" => EventKind,
            "event" => Event,
            "outgoing-header" => OutgoingHeader,
            "incoming-payload" => IncomingPayload,
            "outcome" => Outcome,
            "network-send" => NetworkSend,
            "network-receive" => NetworkReceive,
            "send-completion" => SendCompletion,
            "received" => Received,
            "receive-completion" => ReceiveCompletion,
            "action" => Action,
            "frame-header" => FrameHeader,
            "span" => Span,
            "data" => Data,
            "message-summary" => MessageSummary,
            "close-summary" => CloseSummary,
            "seen" => Seen,
            "edit" => Edit,
            "forwarding" => Forwarding,
            "traffic" => Traffic,
            "parked-side" => ParkedSide,
            "parked" => Parked,
            "violation" => Violation,
            "progress" => Progress,
            "step" => inspector::Step,
            "exchange-result" => Answer,
            "relay-result" => RelayAnswer,
        }
        each! { check by Element:
            "header" => Header,
            "extension-parameter" => ExtensionParameter,
            "extension" => Extension,
            "outgoing" => Outgoing,
        }
    }
}
