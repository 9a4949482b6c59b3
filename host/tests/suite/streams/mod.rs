//! The stream on each engine: the same tests, and the differences.

mod native;
mod own;
mod shared;
