//! The results of an inspector's calls.

use super::contract::{Forwarding, Progress, Side, Span, Step};
use crate::Role;

impl From<Role> for Side {
    fn from(role: Role) -> Self {
        match role {
            Role::Client => Self::Client,
            Role::Server => Self::Server,
        }
    }
}

impl From<Side> for Role {
    fn from(side: Side) -> Self {
        match side {
            Side::Client => Self::Client,
            Side::Server => Self::Server,
        }
    }
}

impl Step {
    /// Returns a part of the payload.
    #[must_use]
    pub fn bytes(&self, span: Span) -> &[u8] {
        let start = span.start as usize;
        let rest = self.payload.get(start..).unwrap_or_default();
        rest.get(..span.length as usize).unwrap_or_default()
    }
}

impl Progress {
    /// Returns what may be forwarded from a side.
    #[must_use]
    pub fn of(&self, from: Role) -> &Forwarding {
        match from {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }
}
