//! The engine in its sandbox beside the native engine.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::component::holds(input));
