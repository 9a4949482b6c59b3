//! A broken rule, with where in the input and by how much.

use core::fmt;

use crate::Rule;

/// A rule that was broken, with the details.
///
/// ```
/// use websocket_component::{Config, Failure, Instant, Rule, Session};
///
/// # fn main() -> Result<(), Rule> {
/// let now = Instant::from_nanos(0);
/// let mut config = Config::default();
/// config.limits.frame = 100;
/// let mut client = Session::open_client(config, &[7; 32], Default::default(), now)?;
/// // A message, then a frame of 126 bytes.
/// let mut input = *b"\x81\x05Hello\x82\x7e\x00\x7e";
/// client.exchange(&mut input, [], now, 65_536);
/// client.handle_timeout(now);
/// let failure = client.failure().unwrap();
/// assert_eq!(failure.rule, Rule::FrameTooBig);
/// assert_eq!(failure.offset, Some(7));
/// assert_eq!((failure.limit, failure.value), (Some(100), Some(126)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// Which rule.
    pub rule: Rule,
    /// How many bytes of input came before the frame that broke the rule. Only of a rule that a
    /// frame broke.
    pub offset: Option<u64>,
    /// The limit that was exceeded, in the unit of the setting: bytes, a count, or nanoseconds.
    pub limit: Option<u64>,
    /// The value that exceeded it, as far as it is known, in the same unit.
    pub value: Option<u64>,
}

impl From<Rule> for Failure {
    fn from(rule: Rule) -> Failure {
        Failure {
            rule,
            offset: None,
            limit: None,
            value: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)?;
        if let (Some(limit), Some(value)) = (self.limit, self.value) {
            write!(f, ", {value} beyond {limit}")?;
        }
        match self.offset {
            Some(offset) => write!(f, ", at byte {offset}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Failure {}
