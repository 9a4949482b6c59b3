//! The proxy-wasm ABI, version 0.2.1: the functions that the proxy calls, and those that it offers.
//!
//! Nothing is decided here: numbers and pointers are converted, and calls go to [`Filter`].

mod exports;
mod imports;
mod proxy;
