//! Sizes of buffers, and which payloads bypass the guest.

/// The maximum input of one call. A guest's memory never shrinks, so more would stay allocated.
pub(crate) const MAX_INPUT: usize = 64 << 10;

/// The maximum payload, and the maximum output, of one result.
#[cfg(feature = "stream")]
pub(crate) const CAPACITY: u32 = MAX_INPUT as u32;

/// Payloads of at least this length bypass the guest if possible: copying them in and out costs more than a call for
/// the header, and the guest's memory never shrinks.
#[cfg(feature = "stream")]
pub(crate) const LONG: usize = 16 << 10;

/// Returns the lengths of the frame header at the start of `input` and of its payload, if the header is complete.
pub(crate) fn header_lengths(input: &[u8]) -> Option<(usize, u64)> {
    let (&[_, second], rest) = input.split_first_chunk::<2>()?;
    let (length, payload) = match second & 0x7f {
        126 => (4, u64::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*rest.first_chunk()?)),
        short => (2, u64::from(short)),
    };
    let length = if second & 0x80 != 0 {
        length + 4
    } else {
        length
    };
    (input.len() >= length).then_some((length, payload))
}

#[cfg(test)]
mod tests {
    use super::header_lengths;

    #[test]
    fn a_header_is_measured_as_soon_as_all_of_it_has_come() {
        for (header, payload) in [
            (&b"\x82\x05"[..], 5),
            (b"\x82\x85abcd", 5),
            (b"\x82\x7e\x40\0", 16 << 10),
            (b"\x82\xfe\x40\0abcd", 16 << 10),
            (b"\x02\x7f\0\0\0\0\0\x10\0\0", 1 << 20),
            (b"\x02\xff\0\0\0\0\0\x10\0\0abcd", 1 << 20),
        ] {
            for cut in 0..header.len() {
                assert_eq!(header_lengths(&header[..cut]), None);
            }
            let length = header.len();
            assert_eq!(header_lengths(header), Some((length, payload)));
            let longer = [header, b"payload"].concat();
            assert_eq!(header_lengths(&longer), Some((length, payload)));
        }
    }
}
