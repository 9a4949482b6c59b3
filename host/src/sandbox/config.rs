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
    /// The maximum number of guests; one more is refused with [`SandboxError::PoolExhausted`]. Default 1000.
    ///
    /// Each reserves 4 GiB of address space, and no memory: 20,000 fit in the 128 TiB of a process. A guest in use
    /// takes about three memory mappings, which Linux limits (`vm.max_map_count`, 65,530).
    pub guests: u32,
    /// The maximum memory of one guest, in bytes: a multiple of 64 KiB, at most 4 GiB. One that needs more ends with
    /// [`SandboxError::OutOfMemory`]. Default 256 MiB.
    ///
    /// A session takes up to four times the largest message to receive it, and twice what it is passed at once to send:
    /// a stream passes 256 KiB of a message at a time. With the engine's default limit of 16 MiB that makes 192 MiB for
    /// a relay whose two sessions do both at once with whole messages. A guest starts with 128 KiB, and grows as
    /// needed.
    pub memory: usize,
    /// The maximum number of elements in a table of a guest. Default 4096, about eight times what the component has.
    pub table_elements: usize,
    /// The maximum processor time of a call. A longer call ends the guest with [`SandboxError::OutOfTime`], at most a
    /// quarter later, or two milliseconds for limits below 8 ms. Default 1 s, some 50 times what it takes to compress
    /// the 256 KiB that a stream passes at a time.
    pub call_time: Duration,
    /// Whether [`Guest::exchange_async`] and [`Guest::relay_async`] can be called: their calls run on a separate stack
    /// of the guest. Default `false`.
    ///
    /// It reserves another 2 MiB of address space and two mappings for each of `guests`. A guest keeps the memory that
    /// its stack has used. On the program's own engine, the pool's `total_stacks` applies instead.
    pub async_calls: bool,
    /// Where the compiled component is cached. Default [`Cache::Beside`].
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

/// Where the compiled component is cached. Only on Unix; elsewhere nothing is cached.
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
