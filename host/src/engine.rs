//! wasmtime's settings, and the thread that makes time pass for its guests.

use std::thread;
use std::time::Duration;

use wasmtime::{Config, Engine, EngineWeak, Error, PoolingAllocationConfig, Result};

use crate::config::SandboxConfig;

/// Memories and tables that the core module may have.
const MEMORIES: u32 = 1;
const TABLES: u32 = 1;

/// With this much address space behind each memory, no access needs a check of its own.
const WHOLE_32_BIT: u64 = 4 << 30;
const GUARD: u64 = 32 << 20;

/// Makes the engine.
///
/// Where so much address space can't be had, each guest gets no more than its memory may fill, and its code checks
/// each access instead.
pub(crate) fn engine(config: &SandboxConfig) -> Result<Engine> {
    let engine = with_reservation(config, WHOLE_32_BIT, GUARD).or_else(|_| {
        let memory = u64::try_from(config.memory).unwrap_or(u64::MAX);
        with_reservation(config, memory, 0)
    })?;
    tick(engine.weak(), interval(config.call_time))?;
    Ok(engine)
}

fn with_reservation(config: &SandboxConfig, reservation: u64, guard: u64) -> Result<Engine> {
    let guests = config.guests;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(guests)
        .total_memories(guests.saturating_mul(MEMORIES))
        .total_tables(guests.saturating_mul(TABLES))
        .max_memories_per_module(MEMORIES)
        .max_tables_per_module(TABLES)
        .table_elements(config.table_elements)
        .max_memory_size(config.memory)
        .linear_memory_keep_resident(0)
        .table_keep_resident(0);

    let mut settings = Config::new();
    settings
        .allocation_strategy(pool)
        .memory_reservation(reservation)
        .memory_guard_size(guard)
        .memory_may_move(false)
        .concurrency_support(false)
        .epoch_interruption(true)
        .generate_address_map(false);
    Engine::new(&settings)
}

/// How often the epoch advances, and calls are asked for their time.
fn interval(call_time: Duration) -> Duration {
    (call_time / 8).clamp(Duration::from_millis(1), Duration::from_millis(100))
}

/// Advances the epoch until the last sandbox and the last guest of the engine are gone.
fn tick(engine: EngineWeak, interval: Duration) -> Result<()> {
    let run = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(interval);
        }
    };
    let thread = thread::Builder::new().name("websocket-epoch".into());
    thread.spawn(run).map_err(Error::new)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::interval;

    #[test]
    fn a_call_is_ended_at_most_a_quarter_too_late() {
        for millis in [8, 10, 100, 799, 1000] {
            let time = Duration::from_millis(millis);
            // One until its time is first taken, and one until it is next compared.
            assert!(2 * interval(time) <= time / 4, "{time:?}");
        }
    }
}
