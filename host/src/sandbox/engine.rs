//! wasmtime's settings, checks of the program's own engine, and the thread that advances the epoch.

use std::thread;
use std::time::Duration;

use wasmtime::{
    Config, Engine, EngineWeak, Instance, Module, PoolingAllocationConfig, Result, Store, Trap,
};

use crate::sandbox::call_error::one_line;
use crate::sandbox::config::SandboxConfig;
use crate::sandbox::load::LoadError;

/// The maximum number of memories, and of tables, in the core module.
const MEMORIES: u32 = 1;
const TABLES: u32 = 1;

/// With this much address space reserved for each memory, no access needs a bounds check.
const WHOLE_32_BIT: u64 = 4 << 30;
const GUARD: u64 = 32 << 20;

/// Makes the engine.
///
/// If that much address space isn't available, each guest reserves only its maximum memory, and its code checks the
/// bounds of each access instead.
pub(crate) fn engine(config: &SandboxConfig) -> Result<Engine, LoadError> {
    let engine = with_reservation(config, WHOLE_32_BIT, GUARD).or_else(|_| {
        let memory = u64::try_from(config.memory).unwrap_or(u64::MAX);
        with_reservation(config, memory, 0)
    });
    engine.map_err(|error| LoadError::Engine(one_line(&error)))
}

/// Checks that the program's engine interrupts calls at a new epoch, by a call: the setting can't be queried.
pub(crate) fn check(engine: &Engine) -> Result<(), LoadError> {
    match probe(engine) {
        Err(error) if error.downcast_ref::<Trap>() == Some(&Trap::Interrupt) => Ok(()),
        Err(error) => Err(LoadError::Engine(one_line(&error))),
        Ok(()) => Err(LoadError::Setting("epoch_interruption")),
    }
}

/// Calls an empty function whose epoch deadline has passed.
fn probe(engine: &Engine) -> Result<()> {
    /// `(module (func (export "")))`
    const NOTHING: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x04\x01\0\0\0\x0a\x04\x01\x02\0\x0b";
    let module = Module::from_binary(engine, NOTHING)?;
    let mut store = Store::new(engine, ());
    allow_all_fuel(&mut store);
    store.set_epoch_deadline(0);
    let instance = Instance::new(&mut store, &module, &[])?;
    let nothing = instance.get_typed_func::<(), ()>(&mut store, "")?;
    nothing.call(&mut store, ())
}

/// Whether stores of the engine consume fuel.
pub(crate) fn counts_fuel(engine: &Engine) -> bool {
    Store::new(engine, ()).get_fuel().is_ok()
}

/// Gives a store unlimited fuel, if its engine consumes fuel.
pub(crate) fn allow_all_fuel<T>(store: &mut Store<T>) {
    // If it doesn't, there is nothing to set.
    let _ = store.set_fuel(u64::MAX);
}

fn with_reservation(config: &SandboxConfig, reservation: u64, guard: u64) -> Result<Engine> {
    let guests = config.guests;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(guests)
        .total_memories(guests.saturating_mul(MEMORIES))
        .total_tables(guests.saturating_mul(TABLES))
        .max_memories_per_module(MEMORIES)
        .max_tables_per_module(TABLES)
        .total_stacks(if config.async_calls { guests } else { 0 })
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

/// Returns how often the epoch advances, and the time of calls is checked.
fn interval(call_time: Duration) -> Duration {
    (call_time / 8).clamp(Duration::from_millis(1), Duration::from_millis(100))
}

/// Starts a thread that advances the epoch often enough for this time limit, until the last sandbox and guest of the
/// engine are dropped.
pub(crate) fn tick(engine: &Engine, call_time: Duration) -> Result<(), LoadError> {
    let (engine, interval): (EngineWeak, _) = (engine.weak(), interval(call_time));
    let run = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(interval);
        }
    };
    let thread = thread::Builder::new().name("websocket-epoch".into());
    let started = thread.spawn(run);
    started.map_err(|error| LoadError::Engine(error.to_string()))?;
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
