//! The functions that the proxy calls.

use core::cell::RefCell;

use websocket_component::Role;

use super::proxy::Proxy;
use crate::host::{Action, Carrier, Host, Level};
use crate::{Filter, Filters, Head};

/// The filters of this VM.
struct Global(RefCell<Filters>);

// SAFETY: a VM has one thread.
unsafe impl Sync for Global {}

static FILTERS: Global = Global(RefCell::new(Filters::new()));

/// Calls the filter of a context. The proxy never calls back while it is being called.
fn filter<R>(
    context: u32,
    carrier: Carrier,
    none: R,
    call: impl FnOnce(&mut Filter, &mut Proxy) -> R,
) -> R {
    let Ok(mut filters) = FILTERS.0.try_borrow_mut() else {
        return none;
    };
    match filters.of(context) {
        Some(filter) => call(filter, &mut Proxy(carrier)),
        None => none,
    }
}

fn action(action: Action) -> u32 {
    match action {
        Action::Continue => 0,
        Action::Pause => 1,
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
extern "C" fn _initialize() {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_root: u32, _length: usize) -> u32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, length: usize) -> u32 {
    let Ok(mut filters) = FILTERS.0.try_borrow_mut() else {
        return 0;
    };
    let mut proxy = Proxy(Carrier::Http);
    match filters.configure(root, &Proxy::configuration(length), &mut proxy) {
        Ok(()) => 1,
        Err(error) => {
            proxy.log(Level::Error, &alloc::format!("{error}"));
            0
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, root: u32) {
    if let Ok(mut filters) = FILTERS.0.try_borrow_mut() {
        filters.create(context, root);
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(root: u32) {
    filter(root, Carrier::Http, (), |filter, proxy| filter.tick(proxy));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _count: u32, _is_end: u32) -> u32 {
    #[cfg(websocket_misbehave)]
    if Proxy(Carrier::Http)
        .headers(Head::Request)
        .iter()
        .any(|(name, _)| name == b"misbehave")
    {
        core::arch::wasm32::unreachable();
    }
    head(context, Head::Request)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(context: u32, _count: u32, _is_end: u32) -> u32 {
    head(context, Head::Response)
}

fn head(context: u32, head: Head) -> u32 {
    let done = filter(context, Carrier::Http, Action::Continue, |filter, proxy| {
        filter.head(context, head, proxy)
    });
    action(done)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(context: u32, length: usize, is_end: u32) -> u32 {
    bytes(Carrier::Http, context, Role::Client, length, is_end)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_body(context: u32, length: usize, is_end: u32) -> u32 {
    bytes(Carrier::Http, context, Role::Server, length, is_end)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_new_connection(context: u32) -> u32 {
    filter(context, Carrier::Tcp, (), |filter, proxy| {
        filter.accept(context, proxy)
    });
    action(Action::Continue)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_downstream_data(context: u32, length: usize, is_end: u32) -> u32 {
    bytes(Carrier::Tcp, context, Role::Client, length, is_end)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_upstream_data(context: u32, length: usize, is_end: u32) -> u32 {
    bytes(Carrier::Tcp, context, Role::Server, length, is_end)
}

fn bytes(carrier: Carrier, context: u32, from: Role, length: usize, is_end: u32) -> u32 {
    let done = filter(context, carrier, Action::Continue, |filter, proxy| {
        filter.bytes(context, from, length, is_end != 0, proxy)
    });
    action(done)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_done(_context: u32) -> u32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_log(context: u32) {
    filter(context, Carrier::Http, (), |filter, proxy| {
        filter.log(context, proxy)
    });
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    if let Ok(mut filters) = FILTERS.0.try_borrow_mut() {
        filters.delete(context, &mut Proxy(Carrier::Http));
    }
}
