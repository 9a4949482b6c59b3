//! A host and port, as in the Host field (RFC 9110, section 7.2).

use core::net::Ipv6Addr;

use super::grammar::ByteSet;

/// Whether bytes are a `uri-host [ ":" port ]` whose host is not empty.
///
/// An http URI with an empty host is invalid (RFC 9110, section 4.2.1), and so is
/// one with user information (section 4.2.4). A port may be empty (RFC 3986,
/// section 3.2.3), but not above 65535.
pub(crate) fn is_authority(bytes: &[u8]) -> bool {
    let (host_is_valid, rest) = match bytes {
        [b'[', inner @ ..] => {
            let Some(end) = inner.iter().position(|&byte| byte == b']') else {
                return false;
            };
            let (literal, rest) = inner.split_at(end);
            (is_ip_literal(literal), rest.get(1..).unwrap_or_default())
        }
        _ => {
            let end = bytes.iter().position(|&byte| byte == b':');
            let (name, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            (is_registered_name(name), rest)
        }
    };
    host_is_valid
        && match rest {
            [] => true,
            [b':', port @ ..] => is_port(port),
            _ => false,
        }
}

/// The inside of an `IP-literal` (RFC 3986, section 3.2.2).
fn is_ip_literal(bytes: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return false;
    };
    if text.parse::<Ipv6Addr>().is_ok() {
        return true;
    }
    let future = text.strip_prefix(['v', 'V']);
    future
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(version, address)| {
            !version.is_empty()
                && version.bytes().all(|byte| byte.is_ascii_hexdigit())
                && !address.is_empty()
                && address
                    .bytes()
                    .all(|byte| byte == b':' || is_name_byte(byte))
        })
}

/// A `reg-name` that is not empty, which an `IPv4address` is too (RFC 3986,
/// section 3.2.2).
fn is_registered_name(mut bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return false;
    }
    loop {
        bytes = match bytes {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [byte, rest @ ..] if is_name_byte(*byte) => rest,
            _ => return false,
        };
    }
}

/// `unreserved` or `sub-delims` (RFC 3986, section 2).
#[inline]
fn is_name_byte(byte: u8) -> bool {
    static NAME_BYTES: ByteSet = ByteSet::alphanumeric_and(b"-._~!$&'()*+,;=");
    NAME_BYTES.contains(byte)
}

fn is_port(digits: &[u8]) -> bool {
    digits
        .iter()
        .try_fold(0u16, |port, &digit| {
            let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
            port.checked_mul(10)?.checked_add(u16::from(digit))
        })
        .is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for good in [
            "example.org",
            "example.org:8080",
            "a_b",
            "EXAMPLE.org:",
            "10.0.0.1:65535",
            "xn--bcher-kva.example",
            "%C3%A9.example",
            "[::1]",
            "[2001:db8::7]:443",
            "[v1f.a:b]",
        ] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
    }

    #[test]
    fn anything_else_is_no_authority() {
        for bad in [
            "",
            ":80",
            "a:b",
            "a:80:80",
            "a:65536",
            "a:65538",
            "a:99999999999999999999",
            "a:-1",
            "user@a",
            "a/b",
            "a b",
            "a,b c",
            "a?",
            "a#",
            "a\\b",
            "%",
            "%4",
            "%zz",
            "[::1",
            "::1",
            "[]",
            "[::1]x",
            "[::1%25eth0]",
            "[1.2.3.4]",
            "[v.a]",
            "[v1.]",
            "[v1.a@]",
            "é.example",
            "a\r\nb",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn class_04_no_high_byte_is_of_an_authority() {
        for byte in 0x80..=0xFF {
            for bytes in [&[byte][..], &[b'a', b':', byte], &[b'[', byte, b']']] {
                assert!(!is_authority(bytes));
            }
        }
    }
}
