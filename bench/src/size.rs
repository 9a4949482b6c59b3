//! Human-readable sizes.

use std::fmt;

use serde::Serialize;

/// In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Size(pub(crate) usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self.0 {
            bytes if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => (bytes >> 20, "MiB"),
            bytes if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => (bytes >> 10, "KiB"),
            bytes => (bytes, "B"),
        };
        f.pad(&format!("{count} {unit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn sizes_read_well() {
        let names =
            [0, 125, 1 << 10, 1500, 256 << 10, 4 << 20].map(|bytes| Size(bytes).to_string());
        assert_eq!(
            names,
            ["0 B", "125 B", "1 KiB", "1500 B", "256 KiB", "4 MiB"]
        );
    }
}
