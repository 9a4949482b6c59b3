//! The payload of a close frame (RFC 6455, sections 5.5.1 and 7.4).

use alloc::vec::Vec;
use core::str;

use crate::limits::MAX_CONTROL_PAYLOAD;
use crate::{Rule, faults};

/// The longest close reason, in bytes: a control frame's payload less the code.
pub(crate) const MAX_REASON: usize = MAX_CONTROL_PAYLOAD - 2;
/// Reported when a close frame holds no code (RFC 6455, section 7.4.1).
pub(crate) const NO_STATUS: u16 = 1005;

/// Whether a close frame may hold this code (RFC 6455, section 7.4, and the
/// registry it founded: 1012 to 1014 were added there).
pub(crate) fn is_allowed(code: u16) -> bool {
    faults::close_code() || matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// The code, if there is one, and the reason.
pub(crate) fn parse(payload: &[u8]) -> Result<(Option<u16>, &str), Rule> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return match payload {
            [] => Ok((None, "")),
            _ => Err(Rule::ClosePayloadTooShort),
        };
    };
    let code = u16::from_be_bytes(*code);
    if !is_allowed(code) {
        return Err(Rule::CloseCodeReserved);
    }
    let reason = str::from_utf8(reason).map_err(|_| Rule::CloseReasonNotUtf8)?;
    Ok((Some(code), reason))
}

/// The payload for a code and a reason; a reason without a code is an error.
pub(crate) fn write(code: Option<u16>, reason: &[u8]) -> Result<Vec<u8>, Rule> {
    if reason.len() > MAX_REASON {
        return Err(Rule::ControlPayloadTooLong);
    }
    if str::from_utf8(reason).is_err() {
        return Err(Rule::TextNotUtf8);
    }
    match code {
        None if reason.is_empty() => Ok(Vec::new()),
        None => Err(Rule::CloseReasonWithoutCode),
        Some(code) if !is_allowed(code) => Err(Rule::CloseCodeForbidden),
        Some(code) => Ok([&code.to_be_bytes(), reason].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_07_odd_payloads() {
        assert_eq!(parse(b""), Ok((None, "")));
        assert_eq!(parse(b"\x03"), Err(Rule::ClosePayloadTooShort));
        assert_eq!(parse(b"\x03\xe8"), Ok((Some(1000), "")));
        assert_eq!(parse(b"\x03\xe8\xff"), Err(Rule::CloseReasonNotUtf8));
        assert_eq!(parse(b"\x03\xecbye"), Err(Rule::CloseCodeReserved));
    }

    #[test]
    fn a_reason_fits_a_control_frame_and_has_a_code() {
        assert!(write(Some(1000), &[b'a'; 123]).is_ok_and(|payload| payload.len() == 125));
        assert_eq!(
            write(Some(1000), &[b'a'; 124]),
            Err(Rule::ControlPayloadTooLong)
        );
        assert_eq!(write(None, b"a"), Err(Rule::CloseReasonWithoutCode));
        assert_eq!(write(Some(1000), b"\xff"), Err(Rule::TextNotUtf8));
        assert_eq!(write(None, b""), Ok(Vec::new()));
    }
}
