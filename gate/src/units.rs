//! Sizes and times as people write them.

use std::time::Duration;

/// A time that can be turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Option<Duration>);

impl Span {
    /// In the nanoseconds that sessions count.
    pub(crate) fn nanos(self) -> Option<u64> {
        self.0.map(nanos)
    }
}

/// In the nanoseconds that sessions count; 584 years at most.
pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Reads `64KiB`, `16MiB`, `1GiB`, or a number of bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = number_and_unit(text);
    let unit = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err("a size is a whole number with B, KiB, MiB or GiB".into()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| "a size is a whole number with B, KiB, MiB or GiB".into())
}

/// Reads `500ms`, `30s`, `5m` or `2h`; more than nothing and at most a year.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    let wrong = || "a time is a whole number with ms, s, m or h, above 0".to_owned();
    let (number, unit) = number_and_unit(text);
    let unit = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let time = Duration::from_millis(number.checked_mul(unit).ok_or_else(wrong)?);
    match time.is_zero() {
        true => Err(wrong()),
        false if time > YEAR => Err("a time is at most a year".into()),
        false => Ok(time),
    }
}

/// Reads a time, or `off`.
pub(crate) fn span(text: &str) -> Result<Span, String> {
    match text {
        "off" => Ok(Span(None)),
        _ => time(text)
            .map(|time| Span(Some(time)))
            .map_err(|why| format!("{why}, or off")),
    }
}

fn number_and_unit(text: &str) -> (&str, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [("0", 0), ("7B", 7), ("64KiB", 65_536), ("2GiB", 2 << 30)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "KiB", "1.5MiB", "-1", "1 MiB", "1mb", "99999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_units_and_are_not_nothing() {
        for (text, millis) in [("500ms", 500), ("30s", 30_000), ("5m", 300_000)] {
            assert_eq!(time(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "30",
            "0s",
            "s",
            "1d",
            "off",
            "9000h",
            "99999999999999999999s",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_span_can_be_off() {
        assert_eq!(span("off"), Ok(Span(None)));
        assert_eq!(span("1s"), Ok(Span(Some(Duration::from_secs(1)))));
        assert!(span("never").unwrap_err().contains("off"));
    }
}
