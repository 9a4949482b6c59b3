//! Following a head byte by byte: where it is, and whether the next byte may come.
//!
//! This is what makes a head fail at the first byte that breaks the grammar of
//! RFC 9112, sections 2 to 5, or a limit. It keeps no bytes, so it can't look at one
//! twice, and the work grows in step with the input however that is cut.
//!
//! It is stricter than RFC 9112 lets a recipient be: a line ends in CR LF only (section 2.2),
//! one space separates the parts of the first line (section 3), no space precedes the colon of
//! a field (section 5.1), and a field is never folded (section 5.2). Where two recipients read
//! these leniently, but not in the same way, requests are smuggled.

use super::grammar::{is_field_byte, is_tchar};
use crate::{Limits, Rule};

/// Which of the two kinds of head (RFC 9112, section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadKind {
    Request,
    Response,
}

/// A version of HTTP that a head may have, from the oldest on (RFC 9112, section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Http10,
    Http11,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The first byte of a request, which one empty line may precede.
    RequestStart,
    /// The LF of that empty line.
    EmptyLineFeed,
    /// The first byte of a method after that empty line.
    MethodStart,
    Method,
    TargetStart,
    Target,
    /// How many bytes of `HTTP/1.1` were read.
    Protocol(u8),
    /// The space between version and status.
    StatusSpace,
    /// How many digits of the status were read.
    Status(u8),
    /// The space after the status, which is left out by some when there is no
    /// reason phrase.
    ReasonSpace,
    Reason,
    /// The CR after the version of a request.
    FirstLineEnd,
    LineFeed,
    FieldStart,
    FieldName,
    FieldValue,
    /// The LF of the empty line that ends the head.
    LastLineFeed,
    Complete,
}

/// Follows one head.
#[derive(Clone, Debug)]
pub(crate) struct Scanner {
    kind: HeadKind,
    /// The oldest version that is taken.
    oldest: Version,
    place: Place,
    in_first_line: bool,
    /// Bytes of the head so far.
    head: usize,
    /// Field lines so far.
    fields: usize,
    head_limit: Option<usize>,
    field_limit: Option<usize>,
}

impl Scanner {
    pub(crate) fn new(kind: HeadKind, oldest: Version, limits: &Limits) -> Self {
        Scanner {
            kind,
            oldest,
            place: match kind {
                HeadKind::Request => Place::RequestStart,
                HeadKind::Response => Place::Protocol(0),
            },
            in_first_line: true,
            head: 0,
            fields: 0,
            head_limit: limit(limits.head),
            field_limit: limit(limits.headers),
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.place == Place::Complete
    }

    /// How many field lines have begun.
    pub(crate) fn fields(&self) -> usize {
        self.fields
    }

    /// Consumes bytes of the same element as the last one, up to the first of another element or
    /// beyond a limit, which [`Scanner::step`] handles. Returns how many. This is the fast path:
    /// most of a head is names and values.
    pub(crate) fn run(&mut self, bytes: &[u8]) -> usize {
        let length_of = match self.place {
            Place::Target => length_of_target,
            Place::FieldName => length_of_name,
            Place::FieldValue | Place::Reason => length_of_value,
            _ => return 0,
        };
        let room = self
            .head_limit
            .map_or(usize::MAX, |limit| limit.saturating_sub(self.head));
        let count = length_of(bytes.get(..room).unwrap_or(bytes));
        self.head += count;
        count
    }

    /// Takes the next byte of the head. A byte that breaks a rule is not taken, and
    /// neither is one after the end.
    pub(crate) fn step(&mut self, byte: u8) -> Result<(), Rule> {
        if self.head_limit == Some(self.head) {
            return Err(match self.kind {
                HeadKind::Request if self.in_first_line => Rule::RequestLineTooLong,
                _ => Rule::HeadTooLong,
            });
        }
        let next = self.next_place(byte)?;
        if self.place == Place::FieldStart && next == Place::FieldName {
            if self.field_limit == Some(self.fields) {
                return Err(Rule::TooManyHeaders);
            }
            self.fields += 1;
        }
        if next == Place::FieldStart {
            self.in_first_line = false;
        }
        self.head += 1;
        self.place = next;
        Ok(())
    }

    fn next_place(&self, byte: u8) -> Result<Place, Rule> {
        Ok(match (self.place, byte) {
            // One empty line before a request is left over from the body of an
            // earlier one (RFC 9112, section 2.2).
            (Place::RequestStart, b'\r') => Place::EmptyLineFeed,
            (Place::EmptyLineFeed, b'\n') => Place::MethodStart,
            (Place::RequestStart | Place::MethodStart | Place::Method, _) if is_tchar(byte) => {
                Place::Method
            }
            (Place::Method, b' ') => Place::TargetStart,
            (Place::TargetStart | Place::Target, b'!'..=b'~') => Place::Target,
            (Place::TargetStart | Place::Target, 0x80..) => return Err(Rule::TargetMalformed),
            (Place::Target, b' ') => Place::Protocol(0),

            (Place::Protocol(read), _) => self.protocol(read, byte)?,
            (Place::FirstLineEnd, b'\r') => Place::LineFeed,

            (Place::StatusSpace, b' ') => Place::Status(0),
            // A status is 100 to 999 (RFC 9110, section 15).
            (Place::Status(0), b'1'..=b'9') => Place::Status(1),
            (Place::Status(1), b'0'..=b'9') => Place::Status(2),
            (Place::Status(2), b'0'..=b'9') => Place::ReasonSpace,
            (Place::ReasonSpace, b' ') => Place::Reason,
            (Place::Reason, _) if is_field_byte(byte) => Place::Reason,
            (Place::ReasonSpace | Place::Reason, b'\r') => Place::LineFeed,

            (Place::LineFeed, b'\n') => Place::FieldStart,
            (Place::FieldStart, b'\r') => Place::LastLineFeed,
            (Place::FieldStart | Place::FieldName, _) if is_tchar(byte) => Place::FieldName,
            (Place::FieldName, b':') => Place::FieldValue,
            (Place::FieldValue, _) if is_field_byte(byte) => Place::FieldValue,
            (Place::FieldValue, b'\r') => Place::LineFeed,
            (Place::LastLineFeed, b'\n') => Place::Complete,
            _ => return Err(Rule::HeadMalformed),
        })
    }

    /// `HTTP/` DIGIT `.` DIGIT (RFC 9112, section 2.3), of which 1.1 is taken (RFC 6455,
    /// section 4.1), and 1.0 if the caller says so.
    fn protocol(&self, read: u8, byte: u8) -> Result<Place, Rule> {
        const PROTOCOL: &[u8; 8] = b"HTTP/1.1";
        let is_last = usize::from(read) + 1 == PROTOCOL.len();
        let is_http10 = is_last && byte == b'0' && self.oldest == Version::Http10;
        let expected = PROTOCOL.get(usize::from(read));
        if expected != Some(&byte) && !is_http10 {
            let is_other_version = expected == Some(&b'1') && byte.is_ascii_digit();
            return Err(if is_other_version {
                Rule::HttpVersion
            } else {
                Rule::HeadMalformed
            });
        }
        Ok(match (is_last, self.kind) {
            (false, _) => Place::Protocol(read + 1),
            (true, HeadKind::Request) => Place::FirstLineEnd,
            (true, HeadKind::Response) => Place::StatusSpace,
        })
    }
}

/// Names are short, and what may be in them is looked up, which can't be vectorised.
fn length_of_name(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_tchar(**byte)).count()
}

fn length_of_target(bytes: &[u8]) -> usize {
    length_of(bytes, |byte| matches!(byte, b'!'..=b'~'))
}

fn length_of_value(bytes: &[u8]) -> usize {
    length_of(bytes, is_field_byte)
}

/// How many bytes at the front are of a kind. Without a branch for each byte the test is
/// vectorised.
fn length_of(bytes: &[u8], is_one: impl Fn(u8) -> bool) -> usize {
    const AT_ONCE: usize = 16;
    let all = |chunk: &&[u8]| chunk.iter().fold(true, |all, &byte| all & is_one(byte));
    let whole = AT_ONCE * bytes.chunks_exact(AT_ONCE).take_while(all).count();
    let rest = bytes.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|byte| is_one(**byte)).count()
}

/// A limit as a count, where the largest value means that there is none.
fn limit(limit: u32) -> Option<usize> {
    match limit {
        u32::MAX => None,
        limit => usize::try_from(limit).ok(),
    }
}

#[cfg(test)]
mod tests;
