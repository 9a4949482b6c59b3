//! The proxy-wasm ABI, version 0.2.1: the functions that the proxy calls, and those that it offers.
//!
//! It only converts numbers and pointers, and calls [`Filter`].

mod exports;
mod imports;
mod proxy;
