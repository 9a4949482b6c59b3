//! How a sandbox is made, and what its guests may take.

use std::path::PathBuf;
use std::time::Duration;

#[cfg(doc)]
use crate::error::SandboxError;
#[cfg(doc)]
use crate::sandbox::guest::Guest;

/// How a sandbox is made, and what its guests may take.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// The most guests at a time; one more is refused with [`SandboxError::PoolExhausted`]. Default 1000.
    ///
    /// Each reserves 4 GiB of address space, and no memory: 20,000 fit in the 128 TiB that a process has. A guest in
    /// use takes about three of the mappings that Linux counts (`vm.max_map_count`, 65,530).
    pub guests: u32,
    /// The most memory of one guest, in bytes, a multiple of 64 KiB and at most 4 GiB; one that needs more ends with
    /// [`SandboxError::OutOfMemory`]. Default 256 MiB.
    ///
    /// A session takes up to four times the largest message to receive it, and twice what it is given at once to send: a
    /// stream gives 256 KiB of a message at a time. With the engine's own limit of 16 MiB that makes 192 MiB for a relay
    /// whose two sessions do both at once with whole messages. A guest starts with 128 KiB, and takes more only when it
    /// needs it.
    pub memory: usize,
    /// The most elements of one table of a guest. Default 4096, about eight times what the component has.
    pub table_elements: usize,
    /// The most processor time that a call may take; a longer one ends the guest with [`SandboxError::OutOfTime`], at
    /// most a quarter later, or two milliseconds for times below 8 ms. Default 1 s, some 50 times what it takes to
    /// compress the 256 KiB that a stream gives at a time.
    pub call_time: Duration,
    /// Whether [`Guest::exchange_async`] and [`Guest::relay_async`] can be called: each guest has place for a stack then, to
    /// which their calls move. Default `false`.
    ///
    /// That reserves 2 MiB of address space more for each of `guests`, and two mappings. A guest that is called so keeps
    /// what its stack has used. On an engine of the program's, the pool's `total_stacks` is what counts.
    pub async_calls: bool,
    /// Where the compiled component is kept. Default [`Cache::Beside`].
    pub cache: Cache,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            guests: 1000,
            memory: 256 << 20,
            table_elements: 4096,
            call_time: Duration::from_secs(1),
            async_calls: false,
            cache: Cache::Beside,
        }
    }
}

/// Where the compiled component is kept. Only on Unix; elsewhere nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cache {
    /// In the folder of the component.
    #[default]
    Beside,
    /// In this folder.
    Folder(PathBuf),
    /// Nowhere: the component is compiled at each start.
    Off,
}
