//! A client, and a peer that says anything.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::session::client(input));
