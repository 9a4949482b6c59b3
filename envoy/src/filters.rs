//! The filters of one VM: one for each configuration.

use alloc::collections::BTreeMap;

use crate::host::Host;
use crate::{ConfigError, Filter};

/// Filters and their connections, by the context ids of the proxy, which are never reused.
pub struct Filters {
    filters: BTreeMap<u32, Entry>,
    connections: BTreeMap<u32, u32>,
}

struct Entry {
    filter: Filter,
    connections: usize,
    /// The proxy has deleted it, but it still has connections.
    is_deleted: bool,
}

impl Filters {
    /// Creates an empty set.
    #[expect(clippy::new_without_default, reason = "a static needs a constant")]
    pub const fn new() -> Filters {
        Filters {
            filters: BTreeMap::new(),
            connections: BTreeMap::new(),
        }
    }

    /// Sets a filter's settings, from JSON. Open connections keep their settings.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the invalid setting. The filter keeps its settings.
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

    /// Creates a connection of a filter or, if `filter` is 0, a filter.
    pub fn create(&mut self, connection: u32, filter: u32) {
        if let Some(entry) = self.filters.get_mut(&filter) {
            entry.connections += 1;
            self.connections.insert(connection, filter);
        }
    }

    /// Returns a filter, by its own id or that of a connection.
    pub fn of(&mut self, context: u32) -> Option<&mut Filter> {
        let filter = self.connections.get(&context).unwrap_or(&context);
        let entry = self.filters.get_mut(filter)?;
        Some(&mut entry.filter)
    }

    /// Deletes a connection, or a filter, which is kept as long as it has connections.
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
