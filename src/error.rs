//! The rules that can be broken: one case each, with who is at fault.
//!
//! [`Rule`] is one flat list, because callers match either one rule or a
//! property of it: [`Rule::fault`], [`Rule::group`], [`Rule::close_code`],
//! [`Rule::status`], [`Rule::section`].
//!
//! ```
//! use websocket_component::{Fault, Rule};
//!
//! let rule = Rule::LengthNotMinimal;
//! assert_eq!(rule.fault(), Fault::Peer);
//! assert_eq!(rule.close_code(), Some(1002));
//! assert_eq!(rule.section(), "RFC 6455 5.2");
//! ```

use core::fmt;

/// Who is at fault when a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The other side of the connection.
    Peer,
    /// The caller of this library.
    Host,
    /// The transport between them.
    Transport,
}

/// The five errors of `websocket.dll`, which every rule belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleGroup {
    /// 0x83760001: the call is not possible now.
    InvalidOperation,
    /// 0x83760002: bytes or values are malformed.
    InvalidFormat,
    /// 0x83760003: an extension was not offered or is not known.
    UnsupportedExtensions,
    /// 0x83760004: a subprotocol was not offered.
    UnsupportedSubprotocol,
    /// 0x83760005: the version is not 13.
    UnsupportedVersion,
}

/// Calls a macro with the table of rules.
///
/// A row is: name, fault, group, code of the close frame (0: none), status of the HTTP
/// response (0: none), section, description.
macro_rules! for_each_rule {
    ($callback:path) => {
        $callback! {
            // Frames that break the protocol: the connection fails.
            (ReservedBits, Peer, InvalidFormat, 1002, 0, "RFC 6455 5.2", "a reserved bit is set that no extension defines"),
            (ReservedOpcode, Peer, InvalidFormat, 1002, 0, "RFC 6455 5.2", "the opcode is reserved"),
            (ControlFragmented, Peer, InvalidFormat, 1002, 0, "RFC 6455 5.5", "a control frame is fragmented"),
            (ControlTooLong, Peer, InvalidFormat, 1002, 0, "RFC 6455 5.5", "a control frame is longer than 125 bytes"),
            (FrameNotMasked, Peer, InvalidFormat, 1002, 0, "RFC 6455 5.1", "a frame from the client is not masked"),
            (FrameMasked, Peer, InvalidFormat, 1002, 0, "RFC 6455 5.1", "a frame from the server is masked"),
            (LengthNotMinimal, Peer, InvalidFormat, 1002, 0, "RFC 6455 5.2", "the length is not in its shortest form"),
            (LengthTopBit, Peer, InvalidFormat, 1002, 0, "RFC 6455 5.2", "the top bit of a 64-bit length is set"),
            (UnexpectedContinuation, Peer, InvalidFormat, 1002, 0, "RFC 6455 5.4", "a continuation frame without a message to continue"),
            (MessageInterleaved, Peer, InvalidFormat, 1002, 0, "RFC 6455 5.4", "a new message starts inside another"),
            (InvalidUtf8, Peer, InvalidFormat, 1007, 0, "RFC 6455 8.1", "text is not valid UTF-8"),
            (DeflateMalformed, Peer, InvalidFormat, 1007, 0, "RFC 7692 7.2.2", "a compressed message is malformed"),
            (ClosePayloadTooShort, Peer, InvalidFormat, 1002, 0, "RFC 6455 5.5.1", "a close frame holds one byte, and a code takes two"),
            (CloseCodeReserved, Peer, InvalidFormat, 1002, 0, "RFC 6455 7.4", "a close frame holds a code that must not be sent"),
            (CloseReasonNotUtf8, Peer, InvalidFormat, 1007, 0, "RFC 6455 8.1", "a close reason is not valid UTF-8"),

            // Frames over a limit: the connection fails.
            (FrameTooBig, Peer, InvalidFormat, 1009, 0, "RFC 6455 10.4", "a frame is longer than the limit"),
            (MessageTooBig, Peer, InvalidFormat, 1009, 0, "RFC 6455 10.4", "a message is longer than the limit"),
            (TooManyFragments, Peer, InvalidFormat, 1008, 0, "RFC 6455 10.4", "a message has more fragments than the limit"),
            (PingFlood, Peer, InvalidFormat, 1008, 0, "RFC 6455 10.4", "pings come faster than their pongs are written"),

            // A head that breaks the protocol, on either side.
            (HeadMalformed, Peer, InvalidFormat, 0, 400, "RFC 9112 2.2", "the head is not HTTP/1.1"),
            (HttpVersion, Peer, InvalidFormat, 0, 505, "RFC 6455 4.1", "the HTTP version is not 1.1"),
            (RequestLineTooLong, Peer, InvalidFormat, 0, 414, "RFC 9112 3", "the request line is longer than the limit of the head"),
            (HeadTooLong, Peer, InvalidFormat, 0, 431, "RFC 6585 5", "the head is longer than the limit"),
            (TooManyHeaders, Peer, InvalidFormat, 0, 431, "RFC 6585 5", "the head has more fields than the limit"),
            (UpgradeMissing, Peer, InvalidFormat, 0, 426, "RFC 6455 4.2.1", "the Upgrade field does not name websocket"),
            (ConnectionMissing, Peer, InvalidFormat, 0, 400, "RFC 6455 4.2.1", "the Connection field does not name upgrade"),
            (SubprotocolMalformed, Peer, InvalidFormat, 0, 400, "RFC 6455 11.3.4", "the Sec-WebSocket-Protocol field is malformed"),
            (ExtensionMalformed, Peer, InvalidFormat, 0, 400, "RFC 6455 9.1", "the Sec-WebSocket-Extensions field is malformed"),

            // A request that breaks the protocol: refused with the status.
            (MethodNotGet, Peer, InvalidFormat, 0, 405, "RFC 6455 4.2.1", "the method is not GET"),
            (HostMissing, Peer, InvalidFormat, 0, 400, "RFC 6455 4.2.1", "the Host field is missing"),
            (HostDuplicate, Peer, InvalidFormat, 0, 400, "RFC 9112 3.2", "there is more than one Host field"),
            (HostMalformed, Peer, InvalidFormat, 0, 400, "RFC 9110 7.2", "the Host field is not a host and port"),
            (TargetMalformed, Peer, InvalidFormat, 0, 400, "RFC 6455 3", "the request target is not a path of ASCII characters"),
            (BodyNotAllowed, Peer, InvalidFormat, 0, 400, "RFC 9112 6", "the request announces a body, and a handshake has none"),
            (VersionMissing, Peer, UnsupportedVersion, 0, 426, "RFC 6455 4.2.1", "the Sec-WebSocket-Version field is missing"),
            (VersionUnsupported, Peer, UnsupportedVersion, 0, 426, "RFC 6455 4.2.2", "the Sec-WebSocket-Version field is not 13"),
            (KeyMissing, Peer, InvalidFormat, 0, 400, "RFC 6455 4.2.1", "the Sec-WebSocket-Key field is missing"),
            (KeyDuplicate, Peer, InvalidFormat, 0, 400, "RFC 6455 11.3.1", "there is more than one Sec-WebSocket-Key field"),
            (KeyMalformed, Peer, InvalidFormat, 0, 400, "RFC 6455 4.2.1", "the Sec-WebSocket-Key field is not 16 bytes in base64"),
            (KeyForbidden, Peer, InvalidFormat, 0, 400, "RFC 8441 5", "an extended CONNECT carries a Sec-WebSocket-Key field"),
            (ConnectMalformed, Peer, InvalidFormat, 0, 400, "RFC 8441 4", "the pseudo-fields are not those of an extended CONNECT"),
            (ConnectForbidden, Peer, InvalidFormat, 0, 400, "RFC 8441 4", "an upgrade carries pseudo-fields of HTTP/2"),

            // A response that breaks the protocol: the session never opens.
            (HandshakeRefused, Peer, InvalidFormat, 0, 0, "RFC 6455 4.1", "the server did not accept the handshake"),
            (AcceptMissing, Peer, InvalidFormat, 0, 0, "RFC 6455 4.1", "the Sec-WebSocket-Accept field is missing"),
            (AcceptDuplicate, Peer, InvalidFormat, 0, 0, "RFC 6455 11.3.3", "there is more than one Sec-WebSocket-Accept field"),
            (AcceptWrong, Peer, InvalidFormat, 0, 0, "RFC 6455 4.1", "the Sec-WebSocket-Accept field does not match the key"),
            (AcceptForbidden, Peer, InvalidFormat, 0, 0, "RFC 8441 5", "the answer to an extended CONNECT carries a Sec-WebSocket-Accept field"),
            (SubprotocolNotOffered, Peer, UnsupportedSubprotocol, 0, 0, "RFC 6455 4.1", "the server chose a subprotocol that was not offered"),
            (SubprotocolDuplicate, Peer, UnsupportedSubprotocol, 0, 0, "RFC 6455 11.3.4", "the server chose more than one subprotocol"),
            (ExtensionNotOffered, Peer, UnsupportedExtensions, 0, 0, "RFC 6455 4.1", "the server chose an extension that was not offered"),
            (ExtensionUnknown, Peer, UnsupportedExtensions, 0, 0, "RFC 6455 9.1", "the server chose an extension that is not implemented"),
            (DeflateAnswerInvalid, Peer, UnsupportedExtensions, 0, 0, "RFC 7692 7.1", "the server's parameters of permessage-deflate match no offer"),

            // Time that ran out, and transports that ended.
            (HandshakeTimeout, Peer, InvalidOperation, 0, 408, "timeouts.handshake", "the handshake was not complete in time"),
            (IdleTimeout, Peer, InvalidOperation, 1001, 0, "timeouts.idle", "the peer sent nothing for too long"),
            (MessageTimeout, Peer, InvalidOperation, 1008, 0, "timeouts.message", "a message was not complete in time"),
            (PongTimeout, Peer, InvalidOperation, 1011, 0, "timeouts.pong", "the peer sent nothing for too long after a ping"),
            (CloseTimeout, Peer, InvalidOperation, 0, 0, "timeouts.close", "the closing handshake was not complete in time"),
            (WriteTimeout, Peer, InvalidOperation, 0, 0, "timeouts.write", "the peer took no output for too long"),
            (ConnectionLost, Transport, InvalidOperation, 0, 0, "RFC 6455 7.1.5", "the transport ended before the closing handshake"),

            // Calls that are not possible: nothing changes.
            (ConfigOutOfRange, Host, InvalidOperation, 0, 0, "config", "a setting is out of its range"),
            (DeflateUnavailable, Host, UnsupportedExtensions, 0, 0, "config.deflate", "this engine was built without permessage-deflate"),
            (EntropyTooShort, Host, InvalidOperation, 0, 0, "RFC 6455 10.3", "a client session takes at least 32 bytes of entropy"),
            (WrongRole, Host, InvalidOperation, 0, 0, "websocket-session", "the call belongs to the other role"),
            (HandshakeOutOfOrder, Host, InvalidOperation, 0, 0, "websocket-session", "the call is not the next step of the handshake"),
            (NotOpen, Host, InvalidOperation, 0, 0, "RFC 6455 4", "the session is not open yet"),
            (AlreadyClosing, Host, InvalidOperation, 0, 0, "RFC 6455 5.5.1", "no message may follow a close frame"),
            (Aborted, Host, InvalidOperation, 0, 0, "abort", "the session was aborted"),
            (QueueFull, Host, InvalidOperation, 0, 0, "limits.queued-output", "the frames that wait to be written are at their limit"),
            (FragmentMismatch, Host, InvalidOperation, 0, 0, "RFC 6455 5.4", "the fragment is not of the kind of the message that it continues"),
            (TextNotUtf8, Host, InvalidFormat, 0, 0, "RFC 6455 8.1", "text to send is not valid UTF-8"),
            (ControlPayloadTooLong, Host, InvalidFormat, 0, 0, "RFC 6455 5.5", "the payload of a control frame is at most 125 bytes, a close reason 123"),
            (CloseCodeForbidden, Host, InvalidFormat, 0, 0, "RFC 6455 7.4", "the close code must not be sent"),
            (CloseReasonWithoutCode, Host, InvalidFormat, 0, 0, "RFC 6455 5.5.1", "a close reason takes a close code before it"),
            (FrameHeaderInvalid, Host, InvalidFormat, 0, 0, "RFC 6455 5.2", "the first byte of a frame to send is not one of an extension's"),
            (PayloadOutOfBounds, Host, InvalidOperation, 0, 0, "exchange", "an outgoing record points outside the payload"),
            (RelayToItself, Host, InvalidOperation, 0, 0, "relay", "the session that receives is the one that would send"),
            (HeaderNameInvalid, Host, InvalidFormat, 0, 0, "RFC 9110 5.1", "the name of a field is not a token"),
            (HeaderValueInvalid, Host, InvalidFormat, 0, 0, "RFC 9110 5.5", "the value of a field holds a control character"),
            (HeaderReserved, Host, InvalidFormat, 0, 0, "RFC 6455 4.1", "the field belongs to the handshake itself"),
            (TargetInvalid, Host, InvalidFormat, 0, 0, "RFC 6455 3", "the request target is not a path of visible ASCII characters"),
            (AuthorityInvalid, Host, InvalidFormat, 0, 0, "RFC 9110 7.2", "the authority is not a host and port"),
            (StatusInvalid, Host, InvalidFormat, 0, 0, "RFC 9110 15", "the status of a refusal is 200 to 999"),
            (SubprotocolInvalid, Host, UnsupportedSubprotocol, 0, 0, "RFC 6455 4.1", "a subprotocol is not a token, or appears twice"),
            (SubprotocolNotRequested, Host, UnsupportedSubprotocol, 0, 0, "RFC 6455 4.2.2", "the subprotocol chosen was not requested"),
            (ExtensionInvalid, Host, UnsupportedExtensions, 0, 0, "RFC 6455 9.1", "an extension's name or parameter is not a token"),
            (ExtensionNotRequested, Host, UnsupportedExtensions, 0, 0, "RFC 6455 9.1", "the extension chosen was not requested"),
            (SkippedTooMuch, Host, InvalidOperation, 0, 0, "advance", "more bytes were skipped than need not be given"),
            (NothingHeld, Host, InvalidOperation, 0, 0, "decide", "no message is held"),
            (ContextNeeded, Host, InvalidOperation, 0, 0, "RFC 7692 7.1.1", "later messages may refer to this one, so it can't be dropped"),
            (ActionUnknown, Host, InvalidOperation, 0, 0, "complete-action", "no such action is outstanding"),
            (CompletionMismatch, Host, InvalidOperation, 0, 0, "complete-action", "the completion is not of the action's kind or longer than the action"),
        }
    };
}
macro_rules! define_rules {
    ($(($name:ident, $fault:ident, $group:ident, $close:literal, $status:literal, $section:literal, $text:literal)),* $(,)?) => {
        /// A rule that was broken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = concat!($text, " (", $section, ")")] $name,)*
        }

        impl Rule {
            /// Every rule, in the order of the contract.
            pub const ALL: &'static [Rule] = &[$(Rule::$name),*];

            const ROWS: &'static [Row; Rule::ALL.len()] = &[
                $(Row {
                    name: {
                        const NAME: &str = stringify!($name);
                        const KEBAB: [u8; kebab_length(NAME)] = kebab_case(NAME);
                        match str::from_utf8(&KEBAB) {
                            Ok(name) => name,
                            Err(_) => NAME,
                        }
                    },
                    fault: Fault::$fault,
                    group: RuleGroup::$group,
                    close_code: $close,
                    status: $status,
                    section: $section,
                    description: $text,
                },)*
            ];

            /// There is a row for each rule, in the same order.
            const fn row(self) -> &'static Row {
                &Rule::ROWS[self as usize]
            }
        }
    };
}

struct Row {
    name: &'static str,
    fault: Fault,
    group: RuleGroup,
    close_code: u16,
    status: u16,
    section: &'static str,
    description: &'static str,
}

/// The length of a name such as `InvalidUtf8` in kebab case.
const fn kebab_length(name: &str) -> usize {
    let bytes = name.as_bytes();
    let (mut index, mut length) = (0, 0);
    while index < bytes.len() {
        length += if index > 0 && bytes[index].is_ascii_uppercase() {
            2
        } else {
            1
        };
        index += 1;
    }
    length
}

/// Such a name in kebab case: `invalid-utf8`.
const fn kebab_case<const LENGTH: usize>(name: &str) -> [u8; LENGTH] {
    let bytes = name.as_bytes();
    let mut kebab = [0; LENGTH];
    let (mut index, mut at) = (0, 0);
    while index < bytes.len() {
        if index > 0 && bytes[index].is_ascii_uppercase() {
            kebab[at] = b'-';
            at += 1;
        }
        kebab[at] = bytes[index].to_ascii_lowercase();
        at += 1;
        index += 1;
    }
    kebab
}

for_each_rule!(define_rules);

impl Rule {
    /// Returns the name that the contract gives the rule, such as `invalid-utf8`.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the rule with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Rule> {
        Rule::ALL.iter().copied().find(|rule| rule.name() == name)
    }

    /// Returns who is at fault.
    pub const fn fault(self) -> Fault {
        self.row().fault
    }

    /// Returns which of the errors of `websocket.dll` it belongs to.
    pub const fn group(self) -> RuleGroup {
        self.row().group
    }

    /// Returns the close code that it calls for, if any (RFC 6455, section 7.4.1).
    pub const fn close_code(self) -> Option<u16> {
        match self.row().close_code {
            0 => None,
            code => Some(code),
        }
    }

    /// Returns the status of the HTTP response that it calls for, if any.
    pub const fn status(self) -> Option<u16> {
        match self.row().status {
            0 => None,
            status => Some(status),
        }
    }

    /// Returns where it is defined: a section of an RFC, or the setting or call it belongs to.
    pub const fn section(self) -> &'static str {
        self.row().section
    }

    /// Returns a human-readable description, at most 123 bytes, so that it fits in a close
    /// frame.
    pub const fn description(self) -> &'static str {
        self.row().description
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.description(), self.section())
    }
}

impl core::error::Error for Rule {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_description_fits_a_close_frame() {
        for rule in Rule::ALL {
            assert!(rule.description().len() <= 123, "{rule:?}");
        }
    }

    #[test]
    fn only_the_peer_is_answered_with_a_code_or_a_status() {
        for rule in Rule::ALL.iter().filter(|rule| rule.fault() != Fault::Peer) {
            assert_eq!((rule.close_code(), rule.status()), (None, None), "{rule:?}");
        }
    }

    #[test]
    fn a_rule_has_the_name_of_the_contract() {
        assert_eq!(Rule::InvalidUtf8.name(), "invalid-utf8");
        assert_eq!(Rule::ClosePayloadTooShort.name(), "close-payload-too-short");
        for rule in Rule::ALL {
            assert_eq!(Rule::from_name(rule.name()), Some(*rule));
        }
        assert_eq!(Rule::from_name("no-such-rule"), None);
    }
}
