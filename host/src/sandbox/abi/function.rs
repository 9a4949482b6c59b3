//! The functions of the contract, by their names in the core module.

/// A function of the contract, as an index in [`NAMES`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function(usize);

impl Function {
    /// Returns its index.
    pub(super) const fn index(self) -> usize {
        self.0
    }

    /// Returns its name in the core module.
    pub(crate) fn name(self) -> &'static str {
        NAMES.get(self.0).copied().unwrap_or_default()
    }
}

/// All names, in the order of the indices.
pub(super) static NAMES: [&str; COUNT] = {
    let mut names = [""; COUNT];
    let parts = [
        options::NAMES,
        session::NAMES,
        inspector_options::NAMES,
        inspector::NAMES,
    ];
    let (mut at, mut part) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            names[at] = parts[part][index];
            (at, index) = (at + 1, index + 1);
        }
        part += 1;
    }
    names
};

const COUNT: usize = inspector::FIRST + inspector::NAMES.len();

/// Defines the functions of a resource, and where their indices begin.
macro_rules! functions {
    (
        $(#[$about:meta])*
        $module:ident from $first:expr, in $interface:literal:
        $($function:ident = $name:literal,)+
    ) => {
        $(#[$about])*
        pub(crate) mod $module {
            pub(super) const FIRST: usize = $first;

            pub(super) const NAMES: &[&str] =
                &[$(concat!("websocket:protocol/", $interface, "@0.2.0#", $name)),+];

            #[derive(Clone, Copy, Debug)]
            pub(crate) enum Function {
                $($function,)+
            }

            impl From<Function> for super::Function {
                fn from(function: Function) -> Self {
                    Self(FIRST + function as usize)
                }
            }
        }
    };
}

functions! {
    /// Of the resource `session-options`.
    options from 0, in "options":
    Constructor = "[constructor]session-options",
    Drop = "[dtor]session-options",
    SetAllowHttp10Response = "[method]session-options.set-allow-http10-response",
    SetAllowMalformedHost = "[method]session-options.set-allow-malformed-host",
    SetAnswerTimeout = "[method]session-options.set-answer-timeout",
    SetCloseOnFailure = "[method]session-options.set-close-on-failure",
    SetCloseTimeout = "[method]session-options.set-close-timeout",
    SetCoalesceDelay = "[method]session-options.set-coalesce-delay",
    SetDeflate = "[method]session-options.set-deflate",
    SetDeflateLevel = "[method]session-options.set-deflate-level",
    SetDeflateMemoryLevel = "[method]session-options.set-deflate-memory-level",
    SetDeflateMinLength = "[method]session-options.set-deflate-min-length",
    SetDeflateReceiveContextTakeover = "[method]session-options.set-deflate-receive-context-takeover",
    SetDeflateReceiveWindowBits = "[method]session-options.set-deflate-receive-window-bits",
    SetDeflateSendContextTakeover = "[method]session-options.set-deflate-send-context-takeover",
    SetDeflateSendWindowBits = "[method]session-options.set-deflate-send-window-bits",
    SetDelivery = "[method]session-options.set-delivery",
    SetExposeInvalidRequests = "[method]session-options.set-expose-invalid-requests",
    SetHandshakeTimeout = "[method]session-options.set-handshake-timeout",
    SetIdleTimeout = "[method]session-options.set-idle-timeout",
    SetKeepaliveInterval = "[method]session-options.set-keepalive-interval",
    SetLeavePayloads = "[method]session-options.set-leave-payloads",
    SetMasking = "[method]session-options.set-masking",
    SetMaxFragments = "[method]session-options.set-max-fragments",
    SetMaxFrame = "[method]session-options.set-max-frame",
    SetMaxHead = "[method]session-options.set-max-head",
    SetMaxHeaders = "[method]session-options.set-max-headers",
    SetMaxInflatePerCall = "[method]session-options.set-max-inflate-per-call",
    SetMaxMessage = "[method]session-options.set-max-message",
    SetMaxQueuedOutput = "[method]session-options.set-max-queued-output",
    SetMaxQueuedPongs = "[method]session-options.set-max-queued-pongs",
    SetMaxRefusalBody = "[method]session-options.set-max-refusal-body",
    SetMaxWholeFrame = "[method]session-options.set-max-whole-frame",
    SetMessageTimeout = "[method]session-options.set-message-timeout",
    SetPongPolicy = "[method]session-options.set-pong-policy",
    SetPongTimeout = "[method]session-options.set-pong-timeout",
    SetReceiveBuffer = "[method]session-options.set-receive-buffer",
    SetReplyToClose = "[method]session-options.set-reply-to-close",
    SetReportControlFrames = "[method]session-options.set-report-control-frames",
    SetSendBuffer = "[method]session-options.set-send-buffer",
    SetVerifyUtf8 = "[method]session-options.set-verify-utf8",
    SetWriteTimeout = "[method]session-options.set-write-timeout",
}

functions! {
    /// Of the interface `session`, and its resource `websocket-session`.
    session from super::options::FIRST + super::options::NAMES.len(), in "session":
    Abort = "[method]websocket-session.abort",
    Accept = "[method]websocket-session.accept",
    BeginClientHandshake = "[method]websocket-session.begin-client-handshake",
    BeginPayload = "[method]websocket-session.begin-payload",
    BeginServerHandshake = "[method]websocket-session.begin-server-handshake",
    BufferedAmount = "[method]websocket-session.buffered-amount",
    ChooseSubprotocol = "choose-subprotocol",
    Client = "[static]websocket-session.client",
    CompleteAction = "[method]websocket-session.complete-action",
    Connect = "[method]websocket-session.connect",
    Drop = "[dtor]websocket-session",
    EndClientHandshake = "[method]websocket-session.end-client-handshake",
    EndOfInput = "[method]websocket-session.end-of-input",
    EndServerHandshake = "[method]websocket-session.end-server-handshake",
    Exchange = "[method]websocket-session.exchange",
    Failure = "[method]websocket-session.failure",
    FrameHeader = "[method]websocket-session.frame-header",
    GetAction = "[method]websocket-session.get-action",
    GetGlobalProperties = "get-global-properties",
    HasMore = "[method]websocket-session.has-more",
    Negotiated = "[method]websocket-session.negotiated",
    NextDeadline = "[method]websocket-session.next-deadline",
    OpenClient = "[static]websocket-session.open-client",
    OpenServer = "[static]websocket-session.open-server",
    Outcome = "[method]websocket-session.outcome",
    OutputBlocked = "[method]websocket-session.output-blocked",
    OutputTaken = "[method]websocket-session.output-taken",
    PauseReading = "[method]websocket-session.pause-reading",
    PayloadRead = "[method]websocket-session.payload-read",
    Receive = "[method]websocket-session.receive",
    Refuse = "[method]websocket-session.refuse",
    Relay = "[method]websocket-session.relay",
    Request = "[method]websocket-session.request",
    Response = "[method]websocket-session.response",
    ResumeReading = "[method]websocket-session.resume-reading",
    RoundTripTime = "[method]websocket-session.round-trip-time",
    Send = "[method]websocket-session.send",
    Server = "[static]websocket-session.server",
    SetOptions = "[method]websocket-session.set-options",
    State = "[method]websocket-session.state",
}

functions! {
    /// Of the resource `inspector-options`.
    inspector_options from super::session::FIRST + super::session::NAMES.len(), in "inspector":
    Constructor = "[constructor]inspector-options",
    Drop = "[dtor]inspector-options",
    SetAllowMalformedHost = "[method]inspector-options.set-allow-malformed-host",
    SetAnswerTimeout = "[method]inspector-options.set-answer-timeout",
    SetCloseTimeout = "[method]inspector-options.set-close-timeout",
    SetHandshakeTimeout = "[method]inspector-options.set-handshake-timeout",
    SetHoldFrame = "[method]inspector-options.set-hold-frame",
    SetHoldMessages = "[method]inspector-options.set-hold-messages",
    SetIdleTimeout = "[method]inspector-options.set-idle-timeout",
    SetInflate = "[method]inspector-options.set-inflate",
    SetKeepaliveInterval = "[method]inspector-options.set-keepalive-interval",
    SetMaxAge = "[method]inspector-options.set-max-age",
    SetMaxFragments = "[method]inspector-options.set-max-fragments",
    SetMaxFrame = "[method]inspector-options.set-max-frame",
    SetMaxHead = "[method]inspector-options.set-max-head",
    SetMaxHeaders = "[method]inspector-options.set-max-headers",
    SetMaxInflatePerCall = "[method]inspector-options.set-max-inflate-per-call",
    SetMaxMessage = "[method]inspector-options.set-max-message",
    SetMaxQueuedInsertions = "[method]inspector-options.set-max-queued-insertions",
    SetMessageIdleTimeout = "[method]inspector-options.set-message-idle-timeout",
    SetMessageTimeout = "[method]inspector-options.set-message-timeout",
    SetOtherCode = "[method]inspector-options.set-other-code",
    SetPongTimeout = "[method]inspector-options.set-pong-timeout",
    SetStripExtensions = "[method]inspector-options.set-strip-extensions",
    SetUnknownExtensions = "[method]inspector-options.set-unknown-extensions",
    SetVerifyUtf8 = "[method]inspector-options.set-verify-utf8",
    SetViewControl = "[method]inspector-options.set-view-control",
    SetViewFrames = "[method]inspector-options.set-view-frames",
    SetViewMessages = "[method]inspector-options.set-view-messages",
    SetViewPayload = "[method]inspector-options.set-view-payload",
    SetWriteTimeout = "[method]inspector-options.set-write-timeout",
}

functions! {
    /// Of the resource `websocket-inspector`.
    inspector from super::inspector_options::FIRST + super::inspector_options::NAMES.len(), in "inspector":
    Advance = "[method]websocket-inspector.advance",
    Close = "[method]websocket-inspector.close",
    CloseCode = "[method]websocket-inspector.close-code",
    CloseSent = "[method]websocket-inspector.close-sent",
    Create = "[static]websocket-inspector.create",
    Decide = "[method]websocket-inspector.decide",
    Drop = "[dtor]websocket-inspector",
    EndOfInput = "[method]websocket-inspector.end-of-input",
    Insert = "[method]websocket-inspector.insert",
    Memory = "[method]websocket-inspector.memory",
    Negotiated = "[method]websocket-inspector.negotiated",
    Open = "[static]websocket-inspector.open",
    OutputBlocked = "[method]websocket-inspector.output-blocked",
    OutputTaken = "[method]websocket-inspector.output-taken",
    Park = "[method]websocket-inspector.park",
    PassHeader = "[method]websocket-inspector.pass-header",
    PassMessage = "[method]websocket-inspector.pass-message",
    PauseReading = "[method]websocket-inspector.pause-reading",
    Ping = "[method]websocket-inspector.ping",
    Progress = "[method]websocket-inspector.progress",
    Request = "[method]websocket-inspector.request",
    RequestHeaders = "[method]websocket-inspector.request-headers",
    Response = "[method]websocket-inspector.response",
    ResponseHeaders = "[method]websocket-inspector.response-headers",
    Resume = "[method]websocket-inspector.resume",
    ResumeReading = "[method]websocket-inspector.resume-reading",
    Traffic = "[method]websocket-inspector.traffic",
}
