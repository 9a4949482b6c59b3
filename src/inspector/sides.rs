//! A value for each side.

use core::ops::{Index, IndexMut};

use crate::Role;

/// A value for each side of a connection, indexed by [`Role`].
///
/// ```
/// use websocket_component::Role;
/// use websocket_component::inspector::Sides;
///
/// let mut messages = Sides { client: 0, server: 0 };
/// messages[Role::Client] += 1;
/// assert_eq!((messages.client, messages[Role::Client.peer()]), (1, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides<T> {
    /// The client's value.
    pub client: T,
    /// The server's value.
    pub server: T,
}

impl<T> Index<Role> for Sides<T> {
    type Output = T;

    fn index(&self, side: Role) -> &T {
        match side {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }
}

impl<T> IndexMut<Role> for Sides<T> {
    fn index_mut(&mut self, side: Role) -> &mut T {
        match side {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }
}
