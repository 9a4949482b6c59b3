//! The functions that the proxy offers.

/// The status of a call: 0, or an error code.
pub(super) type Status = u32;

pub(super) const OK: Status = 0;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    pub(super) fn proxy_log(level: u32, line: *const u8, length: usize) -> Status;
    pub(super) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> Status;
    pub(super) fn proxy_set_tick_period_milliseconds(period: u32) -> Status;
    pub(super) fn proxy_set_effective_context(context: u32) -> Status;
    pub(super) fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        length: usize,
        bytes: *mut *mut u8,
        count: *mut usize,
    ) -> Status;
    pub(super) fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        length: usize,
        bytes: *const u8,
        count: usize,
    ) -> Status;
    pub(super) fn proxy_get_header_map_pairs(
        map: u32,
        pairs: *mut *mut u8,
        length: *mut usize,
    ) -> Status;
    pub(super) fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_length: usize,
        value: *const u8,
        value_length: usize,
    ) -> Status;
    pub(super) fn proxy_remove_header_map_value(
        map: u32,
        name: *const u8,
        name_length: usize,
    ) -> Status;
    pub(super) fn proxy_get_property(
        path: *const u8,
        path_length: usize,
        value: *mut *mut u8,
        length: *mut usize,
    ) -> Status;
    pub(super) fn proxy_set_property(
        path: *const u8,
        path_length: usize,
        value: *const u8,
        length: usize,
    ) -> Status;
    pub(super) fn proxy_continue_stream(stream: u32) -> Status;
    pub(super) fn proxy_close_stream(stream: u32) -> Status;
    pub(super) fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_length: usize,
        body: *const u8,
        body_length: usize,
        headers: *const u8,
        headers_length: usize,
        grpc_status: i32,
    ) -> Status;
    pub(super) fn proxy_define_metric(
        kind: u32,
        name: *const u8,
        name_length: usize,
        metric: *mut u32,
    ) -> Status;
    pub(super) fn proxy_increment_metric(metric: u32, count: i64) -> Status;
    pub(super) fn proxy_record_metric(metric: u32, value: u64) -> Status;
}

// `free`, which the engine defines for permessage-deflate. The proxy allocates what it returns with the `malloc`
// beside it.
unsafe extern "C" {
    pub(super) fn free(block: *mut u8);
}
