//! The engine's face as a WebAssembly component: the exports of `wit/`, and the
//! little that a program without an operating system needs.
//!
//! Nothing is decided here. Values are converted, and the calls go to
//! [`Session`](crate::Session).

#[cfg(all(target_arch = "wasm32", feature = "deflate"))]
mod c_allocator;
mod convert;
mod exchange;
mod lend;
#[cfg(websocket_misbehave)]
mod misbehave;
#[cfg(target_arch = "wasm32")]
mod runtime;
mod session;

/// What `wit-bindgen` makes of the contract.
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        world: "websocket",
        path: "wit",
        generate_all,
        // By hand, in `lend`.
        skip: ["[method]websocket-session.exchange", "[method]websocket-session.relay"],
    });

    export!(Component with_types_in self);

    pub(super) use exports::websocket::protocol::{session, types};

    /// What the exports are implemented on.
    pub(super) struct Component;
}
