//! The filters of one VM: one for each set of settings that the proxy has given it.

use alloc::collections::BTreeMap;

use crate::host::Host;
use crate::{ConfigError, Filter};

/// Which filter each connection belongs to. The proxy calls both by numbers, of which it uses none twice.
pub struct Filters {
    filters: BTreeMap<u32, Entry>,
    connections: BTreeMap<u32, u32>,
}

struct Entry {
    filter: Filter,
    connections: usize,
    /// The proxy has no more use for it than those.
    is_deleted: bool,
}

impl Filters {
    /// None yet.
    #[expect(clippy::new_without_default, reason = "a static needs a constant")]
    pub const fn new() -> Filters {
        Filters {
            filters: BTreeMap::new(),
            connections: BTreeMap::new(),
        }
    }

    /// Gives a filter its settings, from JSON. Connections that it has keep those that they were opened with.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: what is wrong with which setting. The filter stays as it was.
    pub fn configure(
        &mut self,
        filter: u32,
        json: &[u8],
        host: &mut dyn Host,
    ) -> Result<(), ConfigError> {
        if let Some(entry) = self.filters.get_mut(&filter) {
            return entry.filter.configure(json);
        }
        let entry = Entry {
            filter: Filter::new(json, host)?,
            connections: 0,
            is_deleted: false,
        };
        self.filters.insert(filter, entry);
        Ok(())
    }

    /// There is a new connection of a filter's, or with 0 a new filter.
    pub fn create(&mut self, connection: u32, filter: u32) {
        if let Some(entry) = self.filters.get_mut(&filter) {
            entry.connections += 1;
            self.connections.insert(connection, filter);
        }
    }

    /// Returns a filter, or that of a connection.
    pub fn of(&mut self, context: u32) -> Option<&mut Filter> {
        let filter = self.connections.get(&context).unwrap_or(&context);
        let entry = self.filters.get_mut(filter)?;
        Some(&mut entry.filter)
    }

    /// A connection is gone, or a filter, which stays for as long as it has connections.
    pub fn delete(&mut self, context: u32, host: &mut dyn Host) {
        let filter = self.connections.remove(&context);
        let Some(entry) = self.filters.get_mut(&filter.unwrap_or(context)) else {
            return;
        };
        match filter {
            Some(_) => {
                entry.connections = entry.connections.saturating_sub(1);
                entry.filter.delete(context, host);
            }
            None => entry.is_deleted = true,
        }
        if entry.is_deleted && entry.connections == 0 {
            self.filters.remove(&filter.unwrap_or(context));
        }
    }
}
