//! The gate as a process, between peers on the native engine or in raw bytes. All on loopback.

mod alive;
mod arguments;
mod backpressure;
mod carried;
mod close;
mod compression;
mod demo;
mod fault;
mod frames;
mod health;
mod http;
mod inspect;
mod leaving;
mod lenient;
mod log;
mod messages;
mod parked;
mod peer;
mod process;
mod proxy_protocol;
mod record;
mod refusals;
mod shutdown;
mod tls;
mod tls_front;
mod tls_upstream;
#[cfg(unix)]
mod unix_sockets;
