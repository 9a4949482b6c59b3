//! An inspector between a client and a server that say anything.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::inspector::holds(input));
