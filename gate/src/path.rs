//! Paths of requests, however servers may parse them, and the prefixes of routes.
//!
//! A server may decode a path once, several times or not at all, before or after it splits it into segments, and may
//! drop parts of it. If the gate parses a path in one way and the server in another, requests can bypass the routes. So
//! a path is accepted only if every way to parse it (a *reading*) leads to the same route.
//!
//! To check that without trying every combination, a path is normalised: everything that some server does is applied
//! until nothing changes. All readings of a path have the same normal form. Routes are compared with that form, and a
//! request has to spell the prefix of its route exactly as the route does. Then every reading in between, which has the
//! same prefix and the same normal form, leads to that route, too.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// A path that has the same normal form in every reading. The spelling of the route's prefix is checked separately.
pub(crate) struct Path<'a> {
    text: &'a str,
    normal: Vec<u8>,
}

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathError {
    /// A `\`, which some servers treat as `/`.
    Backslash,
    /// A control character, which some servers drop, or at which they end the path.
    Control,
    /// A segment `.` or `..`, or one of more dots, of which some servers drop those at the end.
    DotSegment,
    /// A separator in a parameter, which may or may not end the parameter.
    Parameter,
    /// Another spelling of the prefix of a route.
    Spelling,
}

impl PathError {
    /// Returns a description for the client.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Backslash => "the path has a backslash",
            Self::Control => "the path has a control character",
            Self::DotSegment => "the path has a segment of dots",
            Self::Parameter => "the path has an encoded separator in a parameter",
            Self::Spelling => "the path can be read as another one",
        }
    }
}

impl<'a> Path<'a> {
    /// Parses a path without a query, in linear time.
    pub(crate) fn parse(text: &'a str) -> Result<Self, PathError> {
        if text.contains('\\') {
            return Err(PathError::Backslash);
        }
        let mut normal = Vec::with_capacity(text.len());
        // Segments can be decoded separately, because no escape contains a separator.
        for segment in text.split('/') {
            let decoded = decode(segment);
            if decoded.iter().any(u8::is_ascii_control) {
                return Err(PathError::Control);
            }
            let parameter = decoded.iter().position(|&byte| byte == b';');
            let parameter = parameter.and_then(|start| decoded.get(start..));
            if parameter.is_some_and(|parameter| parameter.iter().any(is_separator)) {
                return Err(PathError::Parameter);
            }
            for segment in decoded.split(is_separator) {
                let name = name(segment)?;
                if !name.is_empty() {
                    normal.push(b'/');
                    normal.extend_from_slice(name);
                }
            }
        }
        Ok(Self { text, normal })
    }

    /// Whether the path is the prefix or below it, in any spelling.
    pub(crate) fn is_below(&self, prefix: &Prefix) -> bool {
        let rest = self.normal.strip_prefix(prefix.normal.as_bytes());
        rest.is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
    }

    /// Returns what follows the prefix, as it was sent, if the prefix is spelled as in the route.
    pub(crate) fn after(&self, prefix: &Prefix) -> Option<&'a str> {
        let (head, rest) = self.text.split_at_checked(prefix.spelling.len())?;
        // Only the digits of escapes can differ in case, or the path would not be below the prefix.
        let is_plain = head.eq_ignore_ascii_case(&prefix.spelling);
        (is_plain && (rest.is_empty() || rest.starts_with('/'))).then_some(rest)
    }

    /// Returns the path that servers resolve `//host/path` to if they treat it as a network-path reference (RFC 3986,
    /// section 4.2).
    pub(crate) fn as_reference(&self) -> Option<Result<Self, PathError>> {
        let authority = self.text.strip_prefix("//")?.trim_start_matches('/');
        let path = authority.find('/').and_then(|end| authority.get(end..));
        Some(Self::parse(path.unwrap_or_default()))
    }
}

/// The prefix of a route, in normal form: without a slash at its end, empty for all paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefix {
    normal: String,
    /// The spelling in a request: with only the necessary characters encoded.
    spelling: String,
}

impl Prefix {
    /// The length of the normal form, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.normal.len()
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.normal.as_str() {
            "" => f.write_str("/"),
            normal => f.write_str(normal),
        }
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |error: PathError| format!("{text:?} can't be a prefix: {}", error.text());
        let normal = Path::parse(text).map_err(wrong)?.normal;
        let normal = String::from_utf8_lossy(&normal).into_owned();
        let prefix = Self {
            spelling: utf8_percent_encode(&normal, ENCODED).to_string(),
            normal,
        };
        match text.strip_suffix('/').unwrap_or(text) == prefix.normal {
            true => Ok(prefix),
            false => Err(format!(
                "{text:?} is not the normal form of a prefix, which is {:?}",
                prefix.to_string()
            )),
        }
    }
}

/// The characters that browsers encode in a path, and `%` (<https://url.spec.whatwg.org/#path-percent-encode-set>).
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

/// Returns the name in a decoded segment: without parameters, query or fragment, which some servers split off, and
/// without surrounding spaces and trailing dots, which some file systems ignore.
fn name(segment: &[u8]) -> Result<&[u8], PathError> {
    let end = segment.iter().position(|byte| b";?#".contains(byte));
    let mut name = segment
        .get(..end.unwrap_or(segment.len()))
        .unwrap_or_default();
    if name.contains(&b'.') && name.iter().all(|byte| b". ".contains(byte)) {
        return Err(PathError::DotSegment);
    }
    while let [b' ', rest @ ..] | [rest @ .., b' ' | b'.'] = name {
        name = rest;
    }
    Ok(name)
}

/// Decodes a segment repeatedly until nothing is encoded.
///
/// The first byte of an escape can't be in the rest of one. So escapes never overlap, the order of replacing them makes
/// no difference, and it is enough to check the end after each byte.
fn decode(segment: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(segment.len());
    for byte in segment.bytes() {
        decoded.push(byte);
        // Each replacement is shorter than the escape, so this ends.
        while unescape_last(&mut decoded) {}
    }
    decoded
}

/// Decodes an escape at the end. Returns whether there is one.
fn unescape_last(decoded: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4];
    let (length, meaning) = if let Some([b'%', digits @ ..]) = decoded.last_chunk::<3>()
        && let Some(byte) = hexadecimal(digits)
    {
        buffer[0] = byte as u8;
        (3, &buffer[..1])
    } else if let Some([b'%', b'u' | b'U', digits @ ..]) = decoded.last_chunk::<6>()
        && let Some(character) = hexadecimal(digits).and_then(char::from_u32)
    {
        (6, character.encode_utf8(&mut buffer).as_bytes())
    } else if let Some((length, character)) = last_sequence(decoded)
        && let Some(byte) = ascii(character)
    {
        buffer[0] = byte;
        (length, &buffer[..1])
    } else {
        return false;
    };
    decoded.truncate(decoded.len().saturating_sub(length));
    decoded.extend_from_slice(meaning);
    true
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| {
        Some(value << 4 | char::from(digit).to_digit(16)?)
    })
}

/// Returns the length and the code point of a multibyte UTF-8 sequence at the end, even if it is overlong (RFC 3629,
/// section 10).
fn last_sequence(bytes: &[u8]) -> Option<(usize, u32)> {
    let continuation = |byte: &&u8| matches!(byte, 0x80..=0xbf);
    let length = 1 + bytes.iter().rev().take(5).take_while(continuation).count();
    let (lead, rest) = bytes
        .get(bytes.len().checked_sub(length)?..)?
        .split_first()?;
    let is_whole = length > 1 && lead.leading_ones() as usize == length;
    let first = u32::from(lead & (0x7f >> length));
    let shift = |value, byte: &u8| value << 6 | u32::from(byte & 0x3f);
    is_whole.then(|| (length, rest.iter().fold(first, shift)))
}

/// Returns the ASCII character that servers may convert a character to: its compatibility form (Unicode, NFKC) or the
/// best fit of Windows' code pages. Only characters that separate, end or escape are included, and whole alphabets.
fn ascii(character: u32) -> Option<u8> {
    match character {
        // Overlong.
        0..=0x7f => u8::try_from(character).ok(),
        // Fullwidth forms.
        0xff01..=0xff5e => u8::try_from(character - 0xff01 + 0x21).ok(),
        0x00a0 | 0x3000 => Some(b' '),
        // A character for two dots counts as one dot, which is refused as well.
        0x2024 | 0x2025 | 0xfe52 => Some(b'.'),
        0x2044 | 0x2215 | 0x29f8 => Some(b'/'),
        0x2216 | 0x29f5 | 0xfe68 => Some(b'\\'),
        0x037e | 0xfe54 => Some(b';'),
        0xfe56 => Some(b'?'),
        0xfe5f => Some(b'#'),
        0xfe6a => Some(b'%'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(text: &str) -> Result<String, PathError> {
        Path::parse(text).map(|path| String::from_utf8_lossy(&path.normal).into_owned())
    }

    #[test]
    fn escapes_are_decoded_until_none_is_left() {
        for text in [
            "/a/b",
            "/a%2fb",
            "/%61%2Fb",
            "/a%252fb",
            "/a%25%32%66b",
            "/a%%32%46b",
            "/a%u002fb",
            "/a%U002Fb",
            "/a%25u00%32fb",
            "/a%c0%afb",
            "/a%e0%80%afb",
            "/a%f0%80%80%afb",
            "/a%fc%80%80%80%80%afb",
            "/a%C0%A52fb",
            "/a%ef%bc%8fb",
            "/a%f0%8f%bc%8fb",
            "/a%uff0fb",
            "/%EF%BD%81%ef%bc%85%EF%BC%92fb",
            "/a%e2%88%95b",
            "/a%5cb",
            "/a%c1%9cb",
        ] {
            assert_eq!(normal(text).as_deref(), Ok("/a/b"), "{text}");
        }
    }

    #[test]
    fn escapes_of_any_depth_are_decoded_in_one_pass() {
        let deep = format!("/a%{}2fb", "25".repeat(100_000));
        assert_eq!(normal(&deep).as_deref(), Ok("/a/b"));
        let deep = format!("/a%{}2e%2f", "25".repeat(100_000)).replace("/a", "/");
        assert_eq!(normal(&deep), Err(PathError::DotSegment));
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in ["/%", "/%2", "/%2g", "/%u", "/%u123", "/%ud800", "/%uuuu"] {
            assert_eq!(normal(text).as_deref(), Ok(text));
        }
        assert_eq!(normal("/caf%c3%a9").as_deref(), Ok("/caf\u{e9}"));
        assert_eq!(Path::parse("/caf%e9%80").unwrap().normal, b"/caf\xe9\x80");
    }

    #[test]
    fn segments_are_what_they_name() {
        for (text, name) in [
            ("", ""),
            ("/", ""),
            ("//a///b/", "/a/b"),
            ("/a;b/c;d", "/a/c"),
            ("/;a/b", "/b"),
            ("/a%3fb/c", "/a/c"),
            ("/%20a%20/b", "/a/b"),
            ("/a./b.%20.", "/a/b"),
            ("/..a/.b", "/..a/.b"),
        ] {
            assert_eq!(normal(text).as_deref(), Ok(name), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_normal_form_is_its_own(text in "(/|%|2|5|e|f|;|%u|0|\\.| |a|\u{ff05}|\u{ff0f}|\u{e9}){0,24}") {
            if let Ok(once) = normal(&text) {
                prop_assert_eq!(normal(&once), Ok(once.clone()));
            }
        }
    }
}
