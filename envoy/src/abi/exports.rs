//! What the proxy calls, by its names.

use core::cell::RefCell;

use websocket_component::Role;

use super::proxy::Proxy;
use crate::host::{Action, Carrier, Host, Level};
use crate::{Filter, Head};

/// The filter of this VM, which has one thread.
struct Global(RefCell<Option<Filter>>);

// SAFETY: a VM has one thread.
unsafe impl Sync for Global {}

static FILTER: Global = Global(RefCell::new(None));

/// Calls the filter. While it is being called, the proxy may call about the end of a connection: that changes nothing that
/// the filter needs to know before the next tick, at which it finds the connection gone.
fn filter<R>(carrier: Carrier, none: R, call: impl FnOnce(&mut Filter, &mut Proxy) -> R) -> R {
    match FILTER.0.try_borrow_mut().as_deref_mut() {
        Ok(Some(filter)) => call(filter, &mut Proxy(carrier)),
        _ => none,
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
extern "C" fn proxy_on_configure(_root: u32, length: usize) -> u32 {
    let configured = Filter::new(&Proxy::configuration(length), &mut Proxy(Carrier::Http));
    match configured {
        Ok(filter) => {
            if let Ok(mut place) = FILTER.0.try_borrow_mut() {
                *place = Some(filter);
            }
            1
        }
        Err(error) => {
            Proxy(Carrier::Http).log(Level::Error, &alloc::format!("websocket-filter: {error}"));
            0
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(_context: u32, _root: u32) {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(_root: u32) {
    filter(Carrier::Http, (), |filter, proxy| filter.tick(proxy));
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
    let done = filter(Carrier::Http, Action::Continue, |filter, proxy| {
        filter.head(context, Head::Request, proxy)
    });
    action(done)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(context: u32, _count: u32, _is_end: u32) -> u32 {
    let done = filter(Carrier::Http, Action::Continue, |filter, proxy| {
        filter.head(context, Head::Response, proxy)
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
    filter(Carrier::Tcp, (), |filter, proxy| {
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
    let done = filter(carrier, Action::Continue, |filter, proxy| {
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
    filter(Carrier::Http, (), |filter, proxy| {
        filter.log(context, proxy)
    });
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    filter(Carrier::Http, (), |filter, proxy| {
        filter.delete(context, proxy)
    });
}
