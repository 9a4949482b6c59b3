//! Parsers of sizes and times in human-readable form, within bounds.

use std::ops::RangeInclusive;
use std::time::Duration;

use bytesize::ByteSize;

/// A time, or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Option<Duration>);

/// Returns a parser of sizes in bytes within a range, such as `64KiB`, `64KB` or `65536`.
pub(crate) fn size<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: Copy + Into<u64> + TryFrom<u64> + PartialOrd + Send + Sync + 'static,
{
    move |text| {
        let size = text
            .parse::<ByteSize>()
            .ok()
            .and_then(|size| T::try_from(size.0).ok());
        size.filter(|size| range.contains(size)).ok_or_else(|| {
            let [least, most] = [*range.start(), *range.end()].map(|size| ByteSize(size.into()));
            format!("a size such as 64KiB or 16MiB, from {least} to {most}")
        })
    }
}

/// Parses a time such as `500ms`, `30s` or `1h 30m`, from a millisecond to a year.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    const LEAST: Duration = Duration::from_millis(1);
    const MOST: Duration = Duration::from_hours(365 * 24);
    let time = humantime::parse_duration(text).ok();
    time.filter(|time| (LEAST..=MOST).contains(time))
        .ok_or_else(|| "a time such as 500ms, 30s, 5m or 2h, from 1ms to 365days".to_owned())
}

/// Parses a time, or `off`.
pub(crate) fn span(text: &str) -> Result<Span, String> {
    match text {
        "off" => Ok(Span(None)),
        _ => time(text)
            .map(|time| Span(Some(time)))
            .map_err(|why| format!("{why}, or off")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let size = size(0..=u64::MAX);
        for (text, bytes) in [
            ("0", 0),
            ("7B", 7),
            ("64KiB", 65_536),
            ("64KB", 64_000),
            ("1.5MiB", 1_572_864),
            ("2GiB", 2 << 30),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "KiB", "-1", "1 mile", "0x10", "1e3", "off"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_out_of_bounds_is_an_error_that_names_them() {
        let size = size(1024..=1_u32 << 20);
        assert_eq!(size("1KiB"), Ok(1024));
        assert_eq!(size("1MiB"), Ok(1 << 20));
        for text in [
            "0",
            "1KB",
            "1048577",
            "4GiB",
            "5GiB",
            "99999999999999999999GiB",
        ] {
            let error = size(text).unwrap_err();
            assert!(
                error.ends_with("from 1.0 KiB to 1.0 MiB"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn times_have_units() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h 30m", 5_400_000),
            ("1.5s", 1500),
            ("365days", 31_536_000_000),
        ] {
            assert_eq!(time(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "30",
            "s",
            "-1s",
            "off",
            "1 mile",
            "99999999999999999999s",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_out_of_bounds_is_an_error_that_names_them() {
        for text in ["0s", "999us", "366days", "9999999999h"] {
            let error = time(text).unwrap_err();
            assert!(error.ends_with("from 1ms to 365days"), "{text}: {error}");
        }
    }

    #[test]
    fn a_span_can_be_off() {
        assert_eq!(span("off"), Ok(Span(None)));
        assert_eq!(span("1s"), Ok(Span(Some(Duration::from_secs(1)))));
        assert!(span("never").unwrap_err().contains("off"));
    }
}
