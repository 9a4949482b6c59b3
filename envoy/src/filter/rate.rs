//! Rate limits: token buckets.

use websocket_component::Instant;

use crate::Rate;

/// The buckets of messages and of bytes, if limited.
#[derive(Debug)]
pub(super) struct Buckets {
    buckets: [Option<Bucket>; 2],
    /// Whether exceeding a rate closes the connection, rather than holding input back.
    pub(super) closes: bool,
}

#[derive(Debug)]
struct Bucket {
    /// Tokens per second.
    rate: f64,
    most: f64,
    /// Negative after a burst, since one read counts as a whole.
    tokens: f64,
    last: Instant,
}

impl Buckets {
    pub(super) fn new(rate: &Rate, now: Instant) -> Self {
        let bucket = |rate_of: Option<f64>| {
            rate_of.map(|in_a_second| {
                let most = (in_a_second * rate.burst.as_secs_f64()).max(1.0);
                Bucket {
                    rate: in_a_second,
                    most,
                    tokens: most,
                    last: now,
                }
            })
        };
        Self {
            buckets: [bucket(rate.messages), bucket(rate.bytes)],
            closes: rate.close,
        }
    }

    /// Takes tokens for received messages and bytes.
    pub(super) fn take(&mut self, messages: u64, bytes: u64, now: Instant) {
        for (bucket, count) in self.buckets.iter_mut().zip([messages, bytes]) {
            if let Some(bucket) = bucket {
                bucket.fill(now);
                bucket.tokens -= count as f64;
            }
        }
    }

    /// Returns when more may be received, if not now.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Instant> {
        let waits = self.buckets.iter_mut().flatten().filter_map(|bucket| {
            bucket.fill(now);
            let missing = (bucket.tokens < 0.0).then(|| -bucket.tokens / bucket.rate)?;
            let nanos = (missing * 1e9) as u64;
            Some(Instant::from_nanos(
                now.as_nanos().saturating_add(nanos.max(1)),
            ))
        });
        waits.max()
    }
}

impl Bucket {
    fn fill(&mut self, now: Instant) {
        let passed = now.as_nanos().saturating_sub(self.last.as_nanos());
        self.last = now;
        self.tokens = (self.tokens + passed as f64 * 1e-9 * self.rate).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use websocket_component::Instant;

    use super::Buckets;
    use crate::Rate;

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_burst_empties_a_bucket_and_time_fills_it() {
        let rate = Rate {
            messages: Some(10.0),
            bytes: None,
            burst: Duration::from_secs(1),
            close: false,
        };
        let mut buckets = Buckets::new(&rate, at(0));
        buckets.take(10, 1 << 30, at(0));
        assert_eq!(buckets.wait(at(0)), None);
        buckets.take(5, 0, at(0));
        assert_eq!(buckets.wait(at(0)), Some(at(500)));
        assert_eq!(buckets.wait(at(500)), None);
        // Never more than a burst.
        buckets.take(12, 0, at(1_000_000));
        assert_eq!(buckets.wait(at(1_000_000)), Some(at(1_000_200)));
    }

    #[test]
    fn bytes_are_counted_beside_messages() {
        let rate = Rate {
            messages: Some(1000.0),
            bytes: Some(1000.0),
            burst: Duration::from_millis(500),
            close: true,
        };
        let mut buckets = Buckets::new(&rate, at(0));
        buckets.take(1, 700, at(0));
        assert_eq!(buckets.wait(at(0)), Some(at(200)));
    }
}
