//! Reading a head that comes in any number of chunks (RFC 9112, section 2).

use alloc::{string::String, vec, vec::Vec};
use core::ops::Range;

use httparse::Status;

pub(crate) use super::scan::{HeadKind, Version};
use super::{header::Header, scan::Scanner};
use crate::{Limits, Rule};

/// Collects one head from its chunks, and parses it once it is complete.
#[derive(Clone, Debug)]
pub(crate) struct HeadReader {
    scanner: Scanner,
    bytes: Vec<u8>,
}

/// The head of a request (RFC 9112, section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParsedRequest {
    pub(crate) version: Version,
    /// A token. Methods compare with regard to case (RFC 9110, section 9.1).
    pub(crate) method: String,
    /// Visible ASCII characters, of whatever form.
    pub(crate) target: String,
    /// All fields, in order.
    pub(crate) headers: Vec<Header>,
}

/// The head of a response (RFC 9112, section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParsedResponse {
    pub(crate) version: Version,
    /// 100 to 999.
    pub(crate) status: u16,
    /// The reason phrase, which may be empty and need not be UTF-8.
    pub(crate) reason: Vec<u8>,
    /// All fields, in order.
    pub(crate) headers: Vec<Header>,
}

impl ParsedResponse {
    /// Whether another head follows, which holds the answer proper: "a client MUST
    /// be able to parse one or more 1xx responses received prior to a final
    /// response" (RFC 9110, section 15.2). 101 is the answer to an upgrade.
    pub(crate) fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }

    /// HTTP/1.0 has no upgrades (RFC 9110, section 7.8), though some servers answer with one. What refuses may be of HTTP/1.0.
    pub(crate) fn check_version(&self, allow_http10: bool) -> Result<(), Rule> {
        match (self.version, self.status) {
            (Version::Http10, 101) if !allow_http10 => Err(Rule::HttpVersion),
            _ => Ok(()),
        }
    }
}

impl HeadReader {
    /// For a head of HTTP/1.1, or of `oldest`.
    pub(crate) fn new(kind: HeadKind, oldest: Version, limits: &Limits) -> Self {
        HeadReader {
            scanner: Scanner::new(kind, oldest, limits),
            bytes: Vec::new(),
        }
    }

    /// Takes the bytes of the head from the front of the input. Returns how many it
    /// took, and whether the head is complete; what follows the empty line at its
    /// end stays with the caller.
    ///
    /// Fails at the first byte that breaks a rule, after which the reader is of no
    /// further use.
    pub(crate) fn read(&mut self, input: &[u8]) -> Result<(usize, bool), Rule> {
        let mut taken = 0;
        while let Some(&byte) = input.get(taken)
            && !self.scanner.is_complete()
        {
            self.scanner.step(byte)?;
            taken += 1;
            taken += self.scanner.run(input.get(taken..).unwrap_or_default());
        }
        let head = input.get(..taken).unwrap_or(input);
        // Without a limit the memory is the limit, and the peer must not be able to
        // end the process by reaching it.
        self.bytes
            .try_reserve(head.len())
            .map_err(|_| Rule::HeadTooLong)?;
        self.bytes.extend_from_slice(head);
        Ok((taken, self.scanner.is_complete()))
    }

    /// Returns how many bytes of memory it has taken.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Returns where the lines of the fields with this name are, their line ends included.
    pub(crate) fn lines_of(&self, name: &str) -> Vec<Range<usize>> {
        let mut lines = Vec::new();
        let mut start = 0;
        for line in self.bytes.split_inclusive(|&byte| byte == b'\n') {
            let end = start + line.len();
            let field = line.split(|&byte| byte == b':').next().unwrap_or_default();
            if field.len() < line.len() && field.eq_ignore_ascii_case(name.as_bytes()) {
                lines.push(start..end);
            }
            start = end;
        }
        lines
    }

    /// The head of the request that was read.
    ///
    /// Fails with [`Rule::HeadMalformed`] if the head is not complete, or if the
    /// parser proper knows a reason that the scanner doesn't.
    pub(crate) fn request(self) -> Result<ParsedRequest, Rule> {
        let mut fields = vec![httparse::EMPTY_HEADER; self.scanner.fields()];
        let mut request = httparse::Request::new(&mut fields);
        let parsed = request.parse(&self.bytes);
        match (parsed, request.method, request.path) {
            (Ok(Status::Complete(length)), Some(method), Some(target))
                if length == self.bytes.len() =>
            {
                Ok(ParsedRequest {
                    version: version(request.version),
                    method: method.into(),
                    target: target.into(),
                    headers: owned(request.headers),
                })
            }
            _ => Err(Rule::HeadMalformed),
        }
    }

    /// The head of the response that was read. Fails as [`HeadReader::request`] does.
    pub(crate) fn response(self) -> Result<ParsedResponse, Rule> {
        let mut fields = vec![httparse::EMPTY_HEADER; self.scanner.fields()];
        let mut response = httparse::Response::new(&mut fields);
        match (response.parse(&self.bytes), response.code) {
            (Ok(Status::Complete(length)), Some(status)) if length == self.bytes.len() => {
                Ok(ParsedResponse {
                    version: version(response.version),
                    status,
                    reason: reason(&self.bytes).into(),
                    headers: owned(response.headers),
                })
            }
            _ => Err(Rule::HeadMalformed),
        }
    }
}

/// The version by its last digit: the scanner has let no other pass.
fn version(minor: Option<u8>) -> Version {
    match minor {
        Some(0) => Version::Http10,
        _ => Version::Http11,
    }
}

/// What follows `HTTP/1.1 101 ` in the first line. httparse gives a reason phrase
/// only if it is ASCII.
fn reason(head: &[u8]) -> &[u8] {
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    line.get("HTTP/1.1 101 ".len()..).unwrap_or_default()
}

fn owned(fields: &[httparse::Header<'_>]) -> Vec<Header> {
    fields
        .iter()
        .map(|field| Header::new(field.name, field.value))
        .collect()
}

#[cfg(test)]
mod tests;
