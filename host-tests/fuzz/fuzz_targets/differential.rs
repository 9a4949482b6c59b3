//! The engine beside two other libraries.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::differential::holds(input));
