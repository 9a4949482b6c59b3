//! The stream by each engine: the same tests, and what differs.

mod native;
mod own;
mod shared;
