//! Rules for the content of messages.

use memchr::memmem;

use crate::{Content, Pattern};

/// The decision on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    /// It ends the connection.
    Denied,
}

impl Content {
    /// Checks a message.
    pub(super) fn judge(&self, payload: &[u8]) -> Verdict {
        let is_found = |pattern: &Pattern| match pattern {
            Pattern::Text(wanted) => memmem::find(payload, wanted.as_bytes()).is_some(),
            Pattern::Regex(regex) => regex.is_match(payload),
        };
        let is_allowed = self.allow.is_empty() || self.allow.iter().any(is_found);
        match is_allowed && !self.deny.iter().any(is_found) {
            true => Verdict::Pass,
            false => Verdict::Denied,
        }
    }
}
