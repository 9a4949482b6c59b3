//! What segments hold, and the memory that they take.

use super::*;

impl Segments {
    /// The memory of all segments.
    pub(in crate::session::queue) fn capacity(&self) -> usize {
        let all = self.full.iter().chain(iter::once(&self.last));
        let segments: usize = all.map(Vec::capacity).sum();
        segments + self.full.capacity() * mem::size_of::<Vec<u8>>()
    }
}

fn append(segments: &mut Segments, bytes: &[u8]) {
    let added = segments.append(bytes.len(), |last| last.extend_from_slice(bytes));
    assert_eq!(added, bytes.len());
}

fn waiting(segments: &Segments) -> Vec<u8> {
    let bytes = segments.slices().flatten().copied().collect::<Vec<_>>();
    assert_eq!(bytes.len(), segments.len());
    bytes
}

/// Bytes that don't repeat soon, from a place in an endless row of them.
fn row(from: usize, length: usize) -> Vec<u8> {
    (from..from + length)
        .map(|at| (at * 31 % 251) as u8)
        .collect()
}

#[test]
fn bytes_leave_in_the_order_in_which_they_came() {
    let lengths = [1, 100, 5000, 3, 70_000, 200, 140_000, 1];
    for part in [1, 7, 4096, 65_536, usize::MAX] {
        let mut segments = Segments::default();
        let (mut came, mut left) = (0, 0);
        let mut takes = true;
        for length in lengths {
            append(&mut segments, &row(came, length));
            came += length;
            let count = part.min(segments.len() / 2);
            let mut output = Vec::new();
            match takes {
                true => segments.take(count, &mut output),
                false => {
                    let count = segments.first().len().min(count);
                    output.extend_from_slice(segments.first().get(..count).unwrap());
                    segments.advance(count);
                }
            }
            takes = !takes;
            assert_eq!(output, row(left, output.len()));
            left += output.len();
        }
        assert_eq!(waiting(&segments), row(left, came - left));
        segments.advance(usize::MAX);
        assert_eq!(segments.len(), 0);
        assert_eq!(segments.first(), b"");
    }
}

#[test]
fn what_is_taken_whole_is_not_copied() {
    let mut segments = Segments::default();
    append(&mut segments, &[1; 40_000]);
    append(&mut segments, &[2; 20_000]);
    let address = segments.first().as_ptr();
    let mut output = Vec::new();
    segments.take(65_536, &mut output);
    assert_eq!(output.len(), 60_000);
    assert_eq!(output.as_ptr(), address);
}

#[test]
fn the_end_can_be_dropped_and_taken_out() {
    let mut segments = Segments::default();
    for length in [70_000, 70_000, 10, 20] {
        append(&mut segments, &row(0, length));
    }
    segments.advance(1000);
    assert_eq!(segments.pop(20), row(0, 20));
    segments.truncate(10);
    segments.truncate(69_999);
    assert_eq!(waiting(&segments), [row(1000, 69_000), row(0, 1)].concat());
    append(&mut segments, b"x");
    assert_eq!(segments.pop(1), b"x");
    segments.truncate(usize::MAX);
    assert_eq!(segments.len(), 0);
    assert!(segments.capacity() <= KEPT_CAPACITY);
    append(&mut segments, b"again");
    assert_eq!(waiting(&segments), b"again");
}

#[test]
fn what_was_drained_is_gone_when_all_else_was_taken_out() {
    let mut segments = Segments::default();
    append(&mut segments, &[1; 4000]);
    segments.advance(3999);
    assert_eq!(segments.pop(1), [1]);
    append(&mut segments, &[2; 70_000]);
    assert_eq!(segments.first(), [2; 70_000]);
}

#[test]
fn memory_is_near_what_waits_however_it_drains() {
    for (size, part) in [(1, 1), (100, 4096), (1000, 1000), (1000, 1), (50_000, 1400)] {
        let mut segments = Segments::default();
        // More comes than drains, then less.
        for rising in [true, false] {
            for _ in 0..1000 {
                append(&mut segments, &vec![0; size]);
                let count = if rising { size / 2 } else { 2 * size };
                let mut count = count.min(segments.len() - 1);
                while count > 0 {
                    let step = part.min(count);
                    segments.advance(step);
                    count -= step;
                    let most = 2 * segments.len() + 2 * SEGMENT;
                    assert!(
                        segments.capacity() <= most,
                        "{size}, {part}: {} bytes for {}",
                        segments.capacity(),
                        segments.len()
                    );
                }
            }
        }
    }
}

#[test]
fn what_hardly_waits_takes_little() {
    let mut segments = Segments::default();
    append(&mut segments, &[0; 2000]);
    for _ in 0..100_000 {
        append(&mut segments, &[0; 1000]);
        segments.advance(1000);
        assert!(segments.capacity() <= 4 * KEPT_CAPACITY);
    }
}
