//! A client and a server, and what their hosts do.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::operations::holds(input));
