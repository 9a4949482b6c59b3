//! One of something for each side.

use core::ops::{Index, IndexMut};

use crate::Role;

/// Both sides.
pub(super) const BOTH: [Role; 2] = [Role::Client, Role::Server];

/// What there is of the client's and of the server's.
#[derive(Clone, Copy, Default)]
pub(super) struct Sides<T> {
    pub(super) client: T,
    pub(super) server: T,
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
