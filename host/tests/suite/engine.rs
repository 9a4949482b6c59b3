//! Guests on the program's own engine, beside other instances.

use std::thread;
use std::time::Duration;

use websocket_host::wasmtime::{
    Config, Engine, Instance, InstanceAllocationStrategy, Module, PoolingAllocationConfig, Store,
    TypedFunc,
};
use websocket_host::{LoadError, Sandbox, SandboxConfig, SandboxError};

use crate::sandbox::{server, told};
use crate::support::{component, config, misbehaving_component};

/// Creates an engine as a program may have it.
fn engine(set: impl FnOnce(&mut Config)) -> Engine {
    let mut settings = Config::new();
    settings.epoch_interruption(true);
    set(&mut settings);
    Engine::new(&settings).expect("an engine")
}

fn with(engine: &Engine, config: SandboxConfig) -> Result<Sandbox, LoadError> {
    let builder = Sandbox::builder().config(config).engine(engine);
    builder.load(component())
}

/// Creates the program's own instance, which adds one.
fn own_guest(engine: &Engine) -> (Store<()>, TypedFunc<u32, u32>) {
    const TEXT: &str = r#"(module (memory 1)
        (func (export "next") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))"#;
    let module = Module::new(engine, wat::parse_str(TEXT).expect("text")).expect("a module");
    let mut store = Store::new(engine, ());
    store.set_epoch_deadline(u64::MAX / 2);
    let instance = Instance::new(&mut store, &module, &[]).expect("an instance");
    let next = instance.get_typed_func(&mut store, "next").expect("it");
    (store, next)
}

#[test]
fn guests_share_an_engine_and_its_pool_with_those_of_the_program() {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(3).max_memory_size(64 << 20);
    let engine = engine(|settings| {
        settings.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    });
    let (mut store, next) = own_guest(&engine);
    let sandbox = with(&engine, config()).expect("the component loads");
    let (mut guest, session) = server(&sandbox);
    assert_eq!(told(&mut guest, &session, "hello"), Ok(1));
    assert_eq!(next.call(&mut store, 41).expect("it runs"), 42);
    assert_eq!(sandbox.guests(), 1);
    // The pool of three has one instance of the program.
    let _second = sandbox.guest().expect("the last place");
    let none = sandbox.guest().map(drop);
    assert_eq!(none, Err(SandboxError::PoolExhausted));
    drop(store);
    sandbox.guest().expect("its place");
}

#[test]
fn a_sandbox_takes_no_more_of_the_engine_than_it_may() {
    let engine = engine(|_| {});
    let guests = SandboxConfig {
        guests: 2,
        ..config()
    };
    let sandbox = with(&engine, guests.clone()).expect("the component loads");
    let other = with(&engine, guests).expect("once more");
    let (one, _two) = (sandbox.guest().expect("one"), sandbox.guest().expect("two"));
    let none = sandbox.guest().map(drop);
    assert_eq!(none, Err(SandboxError::PoolExhausted));
    other.guest().expect("of its own");
    drop(one);
    sandbox.guest().expect("one again");
}

#[test]
fn an_engine_that_lacks_a_setting_is_refused_by_its_name() {
    let without_epoch = engine(|settings| _ = settings.epoch_interruption(false));
    let error = with(&without_epoch, config()).expect_err("nothing would end a call");
    assert!(matches!(error, LoadError::Setting("epoch_interruption")));
    assert!(error.to_string().contains("epoch_interruption"), "{error}");

    let without_simd = engine(|settings| {
        settings.wasm_simd(false).wasm_relaxed_simd(false);
    });
    let error = with(&without_simd, config()).expect_err("the component has it");
    assert!(error.to_string().contains("SIMD"), "{error}");
}

#[test]
fn an_engine_may_count_fuel() {
    let engine = engine(|settings| _ = settings.consume_fuel(true));
    let sandbox = with(&engine, config()).expect("the component loads");
    let (mut guest, session) = server(&sandbox);
    for _ in 0..100 {
        assert_eq!(told(&mut guest, &session, "hello"), Ok(1));
    }
}

/// Whether a spinning guest is stopped, if the engine's epoch advances in this way.
fn is_stopped(ticks: impl FnOnce(&Engine), by_thread: bool) {
    let call_time = Duration::from_millis(100);
    let config = SandboxConfig {
        call_time,
        ..config()
    };
    let engine = engine(|_| {});
    ticks(&engine);
    let mut builder = Sandbox::builder().config(config).engine(&engine);
    if by_thread {
        builder = builder.ticks();
    }
    let sandbox = builder.load(misbehaving_component()).expect("it loads");
    let (mut guest, session) = server(&sandbox);
    let error = told(&mut guest, &session, "misbehave: spin").expect_err("it is stopped");
    assert_eq!(error, SandboxError::OutOfTime { limit: call_time });
}

#[test]
fn class_29_a_guest_that_spins_is_stopped_by_the_ticks_of_the_program() {
    let program = |engine: &Engine| {
        let engine = engine.weak();
        thread::spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                thread::sleep(Duration::from_millis(10));
            }
        });
    };
    is_stopped(program, false);
}

#[test]
fn class_29_a_guest_that_spins_is_stopped_by_a_thread_of_the_sandboxs() {
    is_stopped(|_| {}, true);
}
