//! Payload that stays outside: only headers go into the guest.

use crate::bindings::exports::websocket::protocol::session as contract;
use crate::error::SandboxError;
use crate::protocol::{Failure, FrameHeader, IncomingPayload, Instant};
use crate::sandbox::abi::session::Function;
use crate::sandbox::call_error::CallError;
use crate::sandbox::guest::{Guest, Session};
use crate::sizes::header_lengths;

/// The longest header of a frame (RFC 6455, section 5.2).
pub(crate) const MAX_HEADER: usize = 14;

/// The first byte of a binary message in one frame, without bits of an extension.
pub(crate) const WHOLE_BINARY: u8 = 0x82;

/// # Payload that stays outside
impl Guest {
    /// Returns the header of a message that the caller writes itself, with the payload behind it, or of a fragment of
    /// one that is the last or not: of a text of this length, or of binary data. A text has to be UTF-8 as a whole. A
    /// client masks the payload ([`FrameHeader::mask`]).
    ///
    /// None if that isn't possible, because output is queued or the message may be compressed: use
    /// [`exchange`](Self::exchange) then. The header and all of the payload have to be written before any other output
    /// of the session.
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
            None => Err(self.broken("it gives a header that is none").into()),
        }
    }

    /// Begins a data frame whose payload the caller reads itself, with [`IncomingPayload::read`]: `input` begins with
    /// its header. Returns the length of the header, and what it takes to read the payload.
    ///
    /// None, and nothing is taken, if the header is cut or breaks a rule, in the middle of another frame or the
    /// handshake, and for what the session has to see: control frames, frames without payload, compressed messages,
    /// those of an extension, and what goes on with a message of which something is held. Use
    /// [`exchange`](Self::exchange) then.
    ///
    /// There are no events for such a payload: it is delivered once [`payload_read`](Self::payload_read) accepts it, and
    /// nothing behind it is given before.
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
            return Err(self.broken("it tells another length of a payload than its header"));
        }
        let payload = IncomingPayload::from_bits([begun.left, begun.bits]);
        Ok(Some((length, payload)))
    }

    /// Reports how far the caller has read a payload, in one step or in several. This counts as input. Deadlines that
    /// have passed are handled by the next [`exchange`](Self::exchange).
    ///
    /// # Errors
    ///
    /// `invalid-utf8`, which ends the session: the message is not delivered. `not-open`: the session has ended, and what
    /// came since counts for nothing. `skipped-too-much`: no such payload is being read, or less was left of it. Or the
    /// guest has ended.
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

    /// Reads what has come of a payload, which may be more than is left of it, and makes a frame of `target` of it, a
    /// session of this guest that takes fragments as well as messages. Returns how many bytes there were, and the header
    /// to write before them; they are masked where they are: in one pass, but for text, which is checked.
    ///
    /// Without a header, because `target` has output queued or compresses, they are unmasked where they are: send them
    /// with [`exchange`](Self::exchange), as a fragment or the last.
    ///
    /// # Errors
    ///
    /// As for [`payload_read`](Self::payload_read) and [`frame_header`](Self::frame_header). Nothing is to be written.
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
            // If it is no text, the next call says so.
            read.read(bytes).ok();
        } else {
            read.skip(come);
        }
        // The target learns of nothing that the source doesn't accept.
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

    /// The guest has ended, because of this.
    fn broken(&mut self, reason: &str) -> SandboxError {
        self.end_with(SandboxError::broken(reason))
    }
}

/// The first bytes of a header as the contract has them: as two numbers, the first byte lowest.
pub(crate) fn header_bits(input: &[u8]) -> (u64, u64) {
    let mut bytes = [0; 16];
    let length = input.len().min(MAX_HEADER);
    bytes[..length].copy_from_slice(&input[..length]);
    let bits = u128::from_le_bytes(bytes);
    (bits as u64, (bits >> 64) as u64)
}

/// Whether `input` begins with a binary message in one frame, all of which is there and which is a large part of it: a call
/// for its header alone costs less than one in which the guest is given all.
pub(crate) fn begins_with_large_message(input: &[u8]) -> bool {
    /// As many messages are passed one by one, rather than given to the guest together.
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
