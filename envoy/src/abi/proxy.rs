//! The proxy as a [`Host`].

use alloc::vec::Vec;
use core::{ptr, slice};

use websocket_component::Role;

use super::imports::{self, OK, Status};
use crate::host::{Carrier, Head, Host, Level, Metric};
use crate::pairs;

/// The proxy that runs this module, for a connection of this kind.
pub(super) struct Proxy(pub(super) Carrier);

/// An offset after everything that can be buffered.
const END: usize = 1 << 30;

/// The configuration of the module.
const PLUGIN_CONFIGURATION: u32 = 7;

impl Proxy {
    /// Returns the number of a side's buffer, which is also that of its stream.
    fn stream(&self, from: Role) -> u32 {
        match (self.0, from) {
            (Carrier::Http, Role::Client) => 0,
            (Carrier::Http, Role::Server) => 1,
            (Carrier::Tcp, Role::Client) => 2,
            (Carrier::Tcp, Role::Server) => 3,
        }
    }

    pub(super) fn configuration(length: usize) -> Vec<u8> {
        get(|bytes, count| {
            // SAFETY: both are valid for the call.
            unsafe {
                imports::proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, length, bytes, count)
            }
        })
        .unwrap_or_default()
    }
}

fn map(of: Head) -> u32 {
    match of {
        Head::Request => 0,
        Head::Response => 2,
    }
}

/// Returns the bytes that the proxy returns, if any.
fn get(call: impl FnOnce(*mut *mut u8, *mut usize) -> Status) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    append(&mut bytes, call).then_some(bytes)
}

/// Appends the bytes that the proxy returns. Returns whether there are any.
fn append(bytes: &mut Vec<u8>, call: impl FnOnce(*mut *mut u8, *mut usize) -> Status) -> bool {
    let (mut block, mut count) = (ptr::null_mut(), 0);
    if call(&raw mut block, &raw mut count) != OK || block.is_null() {
        return false;
    }
    // SAFETY: the proxy has written this many bytes to a block from `malloc`, which this module owns now.
    unsafe {
        bytes.extend_from_slice(slice::from_raw_parts(block, count));
        imports::free(block);
    }
    true
}

// The pointers are valid for the duration of each call, with the right lengths.
impl Host for Proxy {
    fn now(&mut self) -> u64 {
        let mut time = 0;
        // SAFETY: as above.
        unsafe { imports::proxy_get_current_time_nanoseconds(&raw mut time) };
        time
    }

    fn log(&mut self, level: Level, line: &str) {
        let level = match level {
            Level::Debug => 1,
            Level::Info => 2,
            Level::Warn => 3,
            Level::Error => 4,
        };
        // SAFETY: as above.
        unsafe { imports::proxy_log(level, line.as_ptr(), line.len()) };
    }

    fn enter(&mut self, connection: u32, carrier: Carrier) {
        self.0 = carrier;
        // SAFETY: it passes a number.
        unsafe { imports::proxy_set_effective_context(connection) };
    }

    fn headers(&mut self, of: Head) -> Vec<(Vec<u8>, Vec<u8>)> {
        let bytes = get(|bytes, count| {
            // SAFETY: as above.
            unsafe { imports::proxy_get_header_map_pairs(map(of), bytes, count) }
        });
        bytes.map(|bytes| pairs::read(&bytes)).unwrap_or_default()
    }

    fn set_header(&mut self, of: Head, name: &str, value: &[u8]) {
        let (name, value) = ((name.as_ptr(), name.len()), (value.as_ptr(), value.len()));
        // SAFETY: as above.
        unsafe {
            imports::proxy_replace_header_map_value(map(of), name.0, name.1, value.0, value.1)
        };
    }

    fn remove_header(&mut self, of: Head, name: &str) {
        // SAFETY: as above.
        unsafe { imports::proxy_remove_header_map_value(map(of), name.as_ptr(), name.len()) };
    }

    fn respond(&mut self, status: u16, body: &str) {
        // SAFETY: as above.
        unsafe {
            imports::proxy_send_local_response(
                status.into(),
                ptr::null(),
                0,
                body.as_ptr(),
                body.len(),
                ptr::null(),
                0,
                -1,
            )
        };
    }

    fn property(&mut self, path: &str) -> Option<Vec<u8>> {
        get(|value, length| {
            // SAFETY: as above.
            unsafe { imports::proxy_get_property(path.as_ptr(), path.len(), value, length) }
        })
    }

    fn set_field(&mut self, name: &str, value: &str) {
        let (name, value) = ((name.as_ptr(), name.len()), (value.as_ptr(), value.len()));
        // SAFETY: as above.
        unsafe { imports::proxy_set_property(name.0, name.1, value.0, value.1) };
    }

    fn read(&mut self, from: Role, start: usize, length: usize, into: &mut Vec<u8>) {
        append(into, |bytes, count| {
            // SAFETY: as above.
            unsafe {
                imports::proxy_get_buffer_bytes(self.stream(from), start, length, bytes, count)
            }
        });
    }

    fn replace(&mut self, from: Role, length: usize, bytes: &[u8]) -> bool {
        let (bytes, count) = (bytes.as_ptr(), bytes.len());
        // SAFETY: as above.
        unsafe { imports::proxy_set_buffer_bytes(self.stream(from), 0, length, bytes, count) == OK }
    }

    fn append(&mut self, from: Role, bytes: &[u8]) -> bool {
        let (bytes, count) = (bytes.as_ptr(), bytes.len());
        // SAFETY: as above.
        unsafe { imports::proxy_set_buffer_bytes(self.stream(from), END, 0, bytes, count) == OK }
    }

    fn go_on(&mut self, from: Role) {
        // SAFETY: it passes a number.
        unsafe { imports::proxy_continue_stream(self.stream(from)) };
    }

    fn reset(&mut self) {
        // SAFETY: it passes a number.
        unsafe { imports::proxy_close_stream(self.stream(Role::Client)) };
    }

    fn tick_every(&mut self, milliseconds: u32) {
        // SAFETY: it passes a number.
        unsafe { imports::proxy_set_tick_period_milliseconds(milliseconds) };
    }

    fn metric(&mut self, kind: Metric, name: &str) -> Option<u32> {
        let kind = match kind {
            Metric::Counter => 0,
            Metric::Gauge => 1,
            Metric::Histogram => 2,
        };
        let mut metric = 0;
        // SAFETY: as above.
        let status = unsafe {
            imports::proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut metric)
        };
        (status == OK).then_some(metric)
    }

    fn add(&mut self, metric: u32, count: i64) {
        // SAFETY: it passes numbers.
        unsafe { imports::proxy_increment_metric(metric, count) };
    }

    fn record(&mut self, metric: u32, value: u64) {
        // SAFETY: it passes numbers.
        unsafe { imports::proxy_record_metric(metric, value) };
    }
}
