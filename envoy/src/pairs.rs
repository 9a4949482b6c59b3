//! The proxy's encoding of header fields: their count, the lengths of all names and values, and then these, each
//! followed by a zero byte.

use alloc::vec::Vec;

/// Decodes fields. Missing bytes are tolerated.
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code, reason = "the ABI's"))]
pub(crate) fn read(bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rest = bytes;
    let Some(count) = number(&mut rest) else {
        return Vec::new();
    };
    let (mut lengths, mut texts) = (
        rest,
        rest.get(count.saturating_mul(8)..).unwrap_or_default(),
    );
    let mut pairs = Vec::new();
    for _ in 0..count {
        let (Some(name), Some(value)) = (number(&mut lengths), number(&mut lengths)) else {
            break;
        };
        let (Some(name), Some(value)) = (take(&mut texts, name), take(&mut texts, value)) else {
            break;
        };
        pairs.push((name, value));
    }
    pairs
}

fn number(bytes: &mut &[u8]) -> Option<usize> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    usize::try_from(u32::from_le_bytes(*number)).ok()
}

fn take(bytes: &mut &[u8], length: usize) -> Option<Vec<u8>> {
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest.get(1..)?;
    Some(text.to_vec())
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn fields_come_with_their_lengths_in_front() {
        let mut bytes = vec![2, 0, 0, 0];
        for length in [4u32, 2, 1, 0] {
            bytes.extend(length.to_le_bytes());
        }
        bytes.extend(b"host\0ab\0x\0\0");
        let pair = |name: &[u8], value: &[u8]| (name.to_vec(), value.to_vec());
        assert_eq!(read(&bytes), [pair(b"host", b"ab"), pair(b"x", b"")]);
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).len() < 2, "{end}");
        }
        assert!(read(&[0xff; 30]).is_empty());
    }
}
