//! Payload that bypasses the guest: only headers are passed to it.

use crate::bindings::exports::websocket::protocol::session as contract;
use crate::error::SandboxError;
use crate::protocol::{Failure, FrameHeader, IncomingPayload, Instant};
use crate::sandbox::abi::session::Function;
use crate::sandbox::call_error::CallError;
use crate::sandbox::guest::{Guest, Session};
use crate::sizes::header_lengths;

/// The maximum length of a frame header (RFC 6455, section 5.2).
pub(crate) const MAX_HEADER: usize = 14;

/// The first byte of a binary message in one frame, without reserved bits.
pub(crate) const WHOLE_BINARY: u8 = 0x82;

/// # Payload that bypasses the guest
impl Guest {
    /// Returns the frame header for a text or binary message of this length, or for a fragment of one (the last or
    /// not). The caller writes the header and then the payload. A text has to be UTF-8 as a whole. A client masks the
    /// payload ([`FrameHeader::mask`]).
    ///
    /// `None` if output is queued or the message may be compressed: use [`exchange`](Self::exchange) then. The header
    /// and all of the payload have to be written before any other output of the session.
    ///
    /// # Errors
    ///
    /// `not-open`, `already-closing`, `aborted`, `fragment-mismatch`, or the guest has ended.
    pub fn frame_header(
        &mut self,
        session: &Session,
        is_text: bool,
        is_last: bool,
        length: u64,
    ) -> Result<Option<FrameHeader>, CallError> {
        let this = self.resource(session)?.0;
        let arguments = (this, is_text.into(), is_last.into(), length);
        let header: Result<Option<contract::OutgoingHeader>, Box<Failure>> =
            self.call_often(|often, core, store| {
                let at = often.frame_header.call(core, store, arguments)?;
                core.unless_broken(store, Function::FrameHeader, at)
            })?;
        let Some(header) = header? else {
            return Ok(None);
        };
        match FrameHeader::from_bits([header.low, header.high]) {
            Some(header) => Ok(Some(header)),
            None => Err(self.broken("it returned an invalid frame header").into()),
        }
    }

    /// Begins a data frame whose header is at the start of `input`, and whose payload the caller reads itself with
    /// [`IncomingPayload::read`]. Returns the length of the header, and the state to read the payload with.
    ///
    /// `None`, with nothing consumed, if the header is incomplete or breaks a rule, in the middle of another frame or
    /// the handshake, and for frames that the session has to process: control frames, frames without payload,
    /// compressed messages, messages of an extension, and continuations of a message of which a part is held. Use
    /// [`exchange`](Self::exchange) then.
    ///
    /// There are no events for such a payload: it is delivered once [`payload_read`](Self::payload_read) accepts it.
    /// Don't pass the input after it before that.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn begin_payload(
        &mut self,
        session: &Session,
        input: &[u8],
        now: Instant,
    ) -> Result<Option<(usize, IncomingPayload)>, SandboxError> {
        let Some((length, announced)) = header_lengths(input) else {
            return Ok(None);
        };
        let (low, high) = header_bits(input);
        let arguments = (self.resource(session)?.0, low, high, length as u32, now);
        let begun: Option<contract::IncomingPayload> = self.call_often(|often, core, store| {
            let at = often.begin_payload.call(core, store, arguments)?;
            core.result(store, Function::BeginPayload, at)
        })?;
        let Some(begun) = begun else {
            return Ok(None);
        };
        if begun.left != announced {
            return Err(self.broken("its payload length differs from the header's"));
        }
        let payload = IncomingPayload::from_bits([begun.left, begun.bits]);
        Ok(Some((length, payload)))
    }

    /// Reports how far the caller has read a payload, in one or several steps. This counts as input. Deadlines that
    /// have passed are handled by the next [`exchange`](Self::exchange).
    ///
    /// # Errors
    ///
    /// * `invalid-utf8`, which ends the session: the message is not delivered
    /// * `not-open`: the session has ended, and the payload is ignored
    /// * `skipped-too-much`: no such payload is being read, or less of it was left
    /// * the guest has ended
    pub fn payload_read(
        &mut self,
        session: &Session,
        payload: &IncomingPayload,
        now: Instant,
    ) -> Result<(), CallError> {
        let [left, bits] = payload.to_bits();
        let arguments = (self.resource(session)?.0, left, bits, now);
        let read: Result<(), Box<Failure>> = self.call_often(|often, core, store| {
            let at = often.payload_read.call(core, store, arguments)?;
            core.unless_broken(store, Function::PayloadRead, at)
        })?;
        Ok(read?)
    }

    /// Reads the next part of a payload from the start of the bytes, and makes a frame of `target` from it: a session
    /// of this guest that can send fragments as well as messages. Returns the length of the part, and the frame header
    /// to write before it. The part is masked for `target` in place: in one pass, except for text, which is checked.
    ///
    /// If there is no header, because `target` has queued output or compresses, the part is unmasked in place: send it
    /// with [`exchange`](Self::exchange), as a fragment or as the last one.
    ///
    /// # Errors
    ///
    /// As for [`payload_read`](Self::payload_read) and [`frame_header`](Self::frame_header). Write nothing then.
    pub fn relay_payload(
        &mut self,
        source: &Session,
        target: &Session,
        payload: &mut IncomingPayload,
        bytes: &mut [u8],
        now: Instant,
    ) -> Result<(usize, Option<FrameHeader>), CallError> {
        let come = payload.left().min(bytes.len() as u64);
        let is_last = payload.ends_message() && come == payload.left();
        let is_checked = payload.is_checked();
        let mut read = payload.clone();
        if is_checked {
            // `payload_read` reports invalid UTF-8.
            read.read(bytes).ok();
        } else {
            read.skip(come);
        }
        // The target gets only what the source accepts.
        self.payload_read(source, &read, now)?;
        let header = self.frame_header(target, payload.is_text(), is_last, come)?;
        let come = come as usize;
        match &header {
            Some(header) if is_checked => header.mask(&mut bytes[..come], 0),
            Some(header) => _ = payload.remask(bytes, header),
            None if is_checked => {}
            None => _ = payload.read(bytes),
        }
        *payload = read;
        Ok((come, header))
    }

    /// Ends the guest because it broke the contract.
    fn broken(&mut self, reason: &str) -> SandboxError {
        self.end_with(SandboxError::broken(reason))
    }
}

/// Returns the first bytes of a header as two little-endian integers, as in the contract.
pub(crate) fn header_bits(input: &[u8]) -> (u64, u64) {
    let mut bytes = [0; 16];
    let length = input.len().min(MAX_HEADER);
    bytes[..length].copy_from_slice(&input[..length]);
    let bits = u128::from_le_bytes(bytes);
    (bits as u64, (bits >> 64) as u64)
}

/// Whether `input` begins with a complete binary message in one frame that is a large part of it: then a call for its
/// header alone costs less than passing all of it.
pub(crate) fn begins_with_large_message(input: &[u8]) -> bool {
    /// Up to this many messages are passed by their headers, one by one, rather than together.
    const FEW: u64 = 4;
    let come = input.len() as u64;
    input.first() == Some(&WHOLE_BINARY)
        && header_lengths(input).is_some_and(|(header, payload)| {
            header as u64 + payload <= come && payload >= come / FEW
        })
}

#[cfg(test)]
mod tests {
    use super::{begins_with_large_message, header_bits};

    #[test]
    fn a_message_is_large_if_it_is_a_quarter_of_what_has_come() {
        let message = [&[0x82, 100][..], &[7; 100]].concat();
        let is_large =
            |behind| begins_with_large_message(&[&message[..], &vec![7; behind]].concat());
        assert!(is_large(0) && is_large(301));
        assert!(!is_large(302));
        assert!(!begins_with_large_message(&message[..101]));
        assert!(!begins_with_large_message(&[0x81, 0]));
        assert!(begins_with_large_message(&[0x82, 0]));
    }

    #[test]
    fn its_first_byte_is_the_lowest() {
        assert_eq!(header_bits(b"\x82\x05"), (0x0582, 0));
        assert_eq!(header_bits(b"12345678abcdef!!").1, 0x6665_6463_6261);
    }
}
