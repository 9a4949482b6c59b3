//! The parameters of the extension, in an offer or an answer (RFC 7692,
//! section 7.1).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Deflate;
use crate::handshake::Extension;

/// The registered name (RFC 7692, section 11.1).
pub(crate) const NAME: &str = "permessage-deflate";

const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

/// The window that holds if none is said.
pub(super) const LARGEST: u8 = *Deflate::WINDOW_BITS.end();

/// What a side says of both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    pub(super) client_max_window_bits: Option<WindowBits>,
}

/// In an offer the client's window may come without a size: the server may limit
/// it, and has no hint how far (RFC 7692, section 7.1.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WindowBits {
    Unsaid,
    Most(u8),
}

impl WindowBits {
    pub(super) fn most(self) -> u8 {
        match self {
            WindowBits::Unsaid => LARGEST,
            WindowBits::Most(bits) => bits,
        }
    }
}

impl Parameters {
    /// None if a parameter is unknown, is repeated, or has another value than it may have.
    pub(super) fn read(extension: &Extension) -> Option<Parameters> {
        let mut read = Parameters::default();
        for (name, value) in &extension.parameters {
            let value = value.as_deref();
            let new = match name.as_str() {
                SERVER_NO_CONTEXT_TAKEOVER => {
                    value.is_none() && set(&mut read.server_no_context_takeover)
                }
                CLIENT_NO_CONTEXT_TAKEOVER => {
                    value.is_none() && set(&mut read.client_no_context_takeover)
                }
                SERVER_MAX_WINDOW_BITS => {
                    let bits = window_bits(value?)?;
                    read.server_max_window_bits.replace(bits).is_none()
                }
                CLIENT_MAX_WINDOW_BITS => {
                    let bits = match value {
                        None => WindowBits::Unsaid,
                        Some(value) => WindowBits::Most(window_bits(value)?),
                    };
                    read.client_max_window_bits.replace(bits).is_none()
                }
                _ => false,
            };
            if !new {
                return None;
            }
        }
        Some(read)
    }

    pub(super) fn write(&self) -> Extension {
        let mut parameters: Vec<(String, Option<String>)> = Vec::new();
        let mut add = |name: &str, value: Option<u8>| {
            parameters.push((name.into(), value.map(|bits| bits.to_string())));
        };
        if self.server_no_context_takeover {
            add(SERVER_NO_CONTEXT_TAKEOVER, None);
        }
        if self.client_no_context_takeover {
            add(CLIENT_NO_CONTEXT_TAKEOVER, None);
        }
        if let Some(bits) = self.server_max_window_bits {
            add(SERVER_MAX_WINDOW_BITS, Some(bits));
        }
        match self.client_max_window_bits {
            None => {}
            Some(WindowBits::Unsaid) => add(CLIENT_MAX_WINDOW_BITS, None),
            Some(WindowBits::Most(bits)) => add(CLIENT_MAX_WINDOW_BITS, Some(bits)),
        }
        Extension {
            name: NAME.into(),
            parameters,
        }
    }
}

/// Whether it was not set before.
fn set(flag: &mut bool) -> bool {
    !core::mem::replace(flag, true)
}

/// "a decimal integer value without leading zeroes between 8 to 15" (RFC 7692,
/// section 7.1.2.1).
fn window_bits(value: &str) -> Option<u8> {
    let bits: u8 = value.parse().ok()?;
    (Deflate::WINDOW_BITS.contains(&bits) && value == bits.to_string()).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(parameters: &[(&str, Option<&str>)]) -> Extension {
        Extension {
            name: NAME.into(),
            parameters: parameters
                .iter()
                .map(|&(name, value)| (name.into(), value.map(Into::into)))
                .collect(),
        }
    }

    fn read(parameters: &[(&str, Option<&str>)]) -> Option<Parameters> {
        Parameters::read(&extension(parameters))
    }

    #[test]
    fn all_four_in_any_order() {
        let all = [
            (CLIENT_MAX_WINDOW_BITS, Some("9")),
            (SERVER_NO_CONTEXT_TAKEOVER, None),
            (SERVER_MAX_WINDOW_BITS, Some("10")),
            (CLIENT_NO_CONTEXT_TAKEOVER, None),
        ];
        let expected = Parameters {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            server_max_window_bits: Some(10),
            client_max_window_bits: Some(WindowBits::Most(9)),
        };
        assert_eq!(read(&all), Some(expected));
        assert_eq!(read(&[]), Some(Parameters::default()));
    }

    #[test]
    fn class_10_window_bits_are_8_to_15_without_leading_zeros() {
        for bits in 0..=99u8 {
            let text = bits.to_string();
            let sound = (8..=15).contains(&bits);
            let server = read(&[(SERVER_MAX_WINDOW_BITS, Some(&text))]);
            assert_eq!(server.is_some(), sound, "{bits}");
            let client = read(&[(CLIENT_MAX_WINDOW_BITS, Some(&text))]);
            assert_eq!(client.is_some(), sound, "{bits}");
        }
        for bad in [
            "08", "+8", "-8", "8.0", "0x8", "", " 8", "256", "264", "1e1",
        ] {
            assert_eq!(read(&[(SERVER_MAX_WINDOW_BITS, Some(bad))]), None, "{bad}");
            assert_eq!(read(&[(CLIENT_MAX_WINDOW_BITS, Some(bad))]), None, "{bad}");
        }
    }

    #[test]
    fn class_10_only_the_clients_window_may_come_without_a_size() {
        assert_eq!(read(&[(SERVER_MAX_WINDOW_BITS, None)]), None);
        let unsaid = read(&[(CLIENT_MAX_WINDOW_BITS, None)]).unwrap();
        assert_eq!(unsaid.client_max_window_bits, Some(WindowBits::Unsaid));
    }

    #[test]
    fn class_05_what_is_unknown_twice_or_has_a_value_too_many_is_refused() {
        for bad in [
            &[("x", None)][..],
            &[("Server_No_Context_Takeover", None)],
            &[(SERVER_NO_CONTEXT_TAKEOVER, Some("1"))],
            &[(CLIENT_NO_CONTEXT_TAKEOVER, Some("true"))],
            &[
                (SERVER_NO_CONTEXT_TAKEOVER, None),
                (SERVER_NO_CONTEXT_TAKEOVER, None),
            ],
            &[
                (CLIENT_NO_CONTEXT_TAKEOVER, None),
                (CLIENT_NO_CONTEXT_TAKEOVER, None),
            ],
            &[
                (SERVER_MAX_WINDOW_BITS, Some("9")),
                (SERVER_MAX_WINDOW_BITS, Some("9")),
            ],
            &[
                (CLIENT_MAX_WINDOW_BITS, None),
                (CLIENT_MAX_WINDOW_BITS, Some("9")),
            ],
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for client in [None, Some(WindowBits::Unsaid), Some(WindowBits::Most(8))] {
            for (server, flags) in [(None, 0), (Some(15), 1), (Some(8), 2), (None, 3)] {
                let parameters = Parameters {
                    server_no_context_takeover: flags & 1 != 0,
                    client_no_context_takeover: flags & 2 != 0,
                    server_max_window_bits: server,
                    client_max_window_bits: client,
                };
                assert_eq!(Parameters::read(&parameters.write()), Some(parameters));
            }
        }
    }
}
