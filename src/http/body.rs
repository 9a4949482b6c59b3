//! Reading the body of a response that comes in any number of chunks (RFC 9112,
//! sections 6 and 7).

use alloc::vec::Vec;

use super::{
    grammar::is_field_byte,
    head::{ParsedResponse, Version},
    header,
};

/// Follows the body of a response to a GET, and appends what it holds to a vector.
///
/// Where RFC 9112, section 6.3, calls the framing faulty, or two recipients might see
/// different ends of the body, nothing of it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyReader {
    state: State,
    /// How much longer the body may get.
    room: Option<usize>,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A body whose length is known, with how many bytes are left, at least one.
    Counted(u64),
    /// A body that ends with the connection.
    UntilEnd,
    Chunked(Chunked),
    Over(Outcome),
}

/// A place in the chunked transfer coding (RFC 9112, section 7.1). A size is that of the
/// chunk whose first line is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunked {
    SizeStart,
    Size(u64),
    /// Extensions of the chunk, which mean nothing here.
    Extension(u64),
    SizeLineFeed(u64),
    /// How many bytes of data are left, at least one.
    Data(u64),
    DataReturn,
    DataLineFeed,
    /// The first byte of a line after the last chunk.
    TrailerStart,
    /// A trailer field after the last chunk, which is dropped (RFC 9110, section 6.5.1).
    Trailer,
    TrailerLineFeed,
    LastLineFeed,
}

/// How the reading of a body has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The body is all there.
    Complete,
    /// It is cut, malformed or longer than the limit, or its end is ambiguous.
    Incomplete,
}

impl BodyReader {
    /// A reader for the body of this response, which may have `limit` bytes; the largest
    /// value means that there is no limit.
    ///
    /// A body of a known length that is too long is not begun, and neither is one of
    /// unknown length if the limit is 0.
    pub(crate) fn new(response: &ParsedResponse, limit: u32) -> Self {
        let state = match State::of(response) {
            State::Counted(length) if limit != u32::MAX && length > u64::from(limit) => None,
            State::UntilEnd | State::Chunked(_) if limit == 0 => None,
            state => Some(state),
        };
        BodyReader {
            state: state.unwrap_or(State::Over(Outcome::Incomplete)),
            room: (limit != u32::MAX).then_some(limit as usize),
        }
    }

    /// Returns how reading has ended, once it has. Bytes after the body, or after a syntax error
    /// in it, are not consumed.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match self.state {
            State::Over(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Takes bytes of the body from the front of the input, and appends what they hold to
    /// `body`. Returns how many it took: all of them, unless the reading has ended.
    pub(crate) fn read(&mut self, input: &[u8], body: &mut Vec<u8>) -> usize {
        let mut taken = 0;
        while let Some(rest @ [byte, ..]) = input.get(taken..) {
            let left = match self.state {
                State::Over(_) => break,
                State::Counted(left) | State::Chunked(Chunked::Data(left)) => left,
                State::UntilEnd => u64::MAX,
                State::Chunked(place) => {
                    self.state = place.after(*byte);
                    taken += 1;
                    continue;
                }
            };
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
            let data = rest.get(..length).unwrap_or(rest);
            taken += self.take_data(data, left, body);
        }
        taken
    }

    /// Appends data of which `left` bytes were to come, as far as the limit allows.
    fn take_data(&mut self, data: &[u8], left: u64, body: &mut Vec<u8>) -> usize {
        let room = self.room.unwrap_or(usize::MAX);
        let fitting = data.get(..room).unwrap_or(data);
        // Without a limit the memory is the limit, and the peer must not be able to end
        // the process by reaching it.
        if body.try_reserve(fitting.len()).is_err() {
            self.state = State::Over(Outcome::Incomplete);
            return 0;
        }
        body.extend_from_slice(fitting);
        self.room = self.room.map(|room| room.saturating_sub(fitting.len()));
        self.state = if fitting.len() < data.len() {
            State::Over(Outcome::Incomplete)
        } else {
            match (self.state, left - fitting.len() as u64) {
                (State::Counted(_), 0) => State::Over(Outcome::Complete),
                (State::Counted(_), left) => State::Counted(left),
                (State::Chunked(_), 0) => State::Chunked(Chunked::DataReturn),
                (State::Chunked(_), left) => State::Chunked(Chunked::Data(left)),
                (state, _) => state,
            }
        };
        fitting.len()
    }

    /// The connection has ended, and the body with it. Returns how.
    pub(crate) fn end_of_input(self) -> Outcome {
        match self.state {
            State::Over(outcome) => outcome,
            State::UntilEnd => Outcome::Complete,
            State::Counted(_) | State::Chunked(_) => Outcome::Incomplete,
        }
    }
}

impl State {
    /// Where the body of a response to a GET begins (RFC 9112, section 6.3).
    fn of(response: &ParsedResponse) -> State {
        const FAULTY: State = State::Over(Outcome::Incomplete);
        let ParsedResponse {
            status,
            version,
            headers,
            ..
        } = response;
        if matches!(status, 100..=199 | 204 | 304) {
            return State::Over(Outcome::Complete);
        }
        let has = |name| header::values(headers, name).next().is_some();
        match (has("Transfer-Encoding"), has("Content-Length")) {
            (true, true) => FAULTY,
            // HTTP/1.0 has no transfer codings (section 6.1).
            (true, false) if *version == Version::Http10 => FAULTY,
            // Other codings would have to be undone before the body means anything.
            (true, false) => {
                let mut codings = header::list(headers, "Transfer-Encoding");
                match (codings.next(), codings.next()) {
                    (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => {
                        State::Chunked(Chunked::SizeStart)
                    }
                    _ => FAULTY,
                }
            }
            (false, true) => {
                let mut lengths = header::list(headers, "Content-Length").map(length);
                match lengths.next().flatten() {
                    Some(first) if lengths.any(|other| other != Some(first)) => FAULTY,
                    Some(0) => State::Over(Outcome::Complete),
                    Some(first) => State::Counted(first),
                    None => FAULTY,
                }
            }
            (false, false) => State::UntilEnd,
        }
    }
}

impl Chunked {
    /// What follows a byte that is not data.
    fn after(self, byte: u8) -> State {
        State::Chunked(match (self, byte) {
            (Chunked::SizeStart, _) if byte.is_ascii_hexdigit() => return Chunked::digit(0, byte),
            (Chunked::Size(size), _) if byte.is_ascii_hexdigit() => {
                return Chunked::digit(size, byte);
            }
            (Chunked::Size(size), b';' | b' ' | b'\t') => Chunked::Extension(size),
            (Chunked::Extension(size), _) if is_field_byte(byte) => Chunked::Extension(size),
            (Chunked::Size(size) | Chunked::Extension(size), b'\r') => Chunked::SizeLineFeed(size),
            (Chunked::SizeLineFeed(0), b'\n') => Chunked::TrailerStart,
            (Chunked::SizeLineFeed(size), b'\n') => Chunked::Data(size),
            (Chunked::DataReturn, b'\r') => Chunked::DataLineFeed,
            (Chunked::DataLineFeed, b'\n') => Chunked::SizeStart,
            (Chunked::TrailerStart, b'\r') => Chunked::LastLineFeed,
            (Chunked::TrailerStart | Chunked::Trailer, _) if is_field_byte(byte) => {
                Chunked::Trailer
            }
            (Chunked::Trailer, b'\r') => Chunked::TrailerLineFeed,
            (Chunked::TrailerLineFeed, b'\n') => Chunked::TrailerStart,
            (Chunked::LastLineFeed, b'\n') => return State::Over(Outcome::Complete),
            _ => return State::Over(Outcome::Incomplete),
        })
    }

    fn digit(size: u64, byte: u8) -> State {
        let digit = char::from(byte).to_digit(16).map(u64::from);
        match (size.checked_mul(16), digit) {
            (Some(shifted), Some(digit)) => State::Chunked(Chunked::Size(shifted | digit)),
            _ => State::Over(Outcome::Incomplete),
        }
    }
}

/// `1*DIGIT` (RFC 9110, section 8.6).
fn length(bytes: &[u8]) -> Option<u64> {
    // Parsing alone would let a sign pass.
    if !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
