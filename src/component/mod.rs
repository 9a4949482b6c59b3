//! The bindings of the engine as a WebAssembly component: the exports of `wit/`, and the
//! little that a program without an operating system needs.
//!
//! Nothing is decided here. Values are converted, and the calls go to
//! [`Session`](crate::Session).

#![allow(
    clippy::result_large_err,
    reason = "the failures of the contract are what they are"
)]

mod advance;
mod convert;
mod exchange;
#[cfg(target_arch = "wasm32")]
mod heap;
mod inspector;
mod inspector_options;
mod layout;
mod options;
mod resource;
#[cfg(target_arch = "wasm32")]
mod runtime;
mod session;

/// What `wit-bindgen` makes of the contract.
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        world: "websocket",
        path: "wit",
        features: ["actions", "direct", "inspector", "relay"],
        generate_all,
        // By hand, in `exchange` and `advance`.
        skip: [
            "[method]websocket-inspector.advance",
            "[method]websocket-inspector.progress",
            "[method]websocket-session.exchange",
            "[method]websocket-session.relay",
        ],
    });

    export!(Component with_types_in self);

    pub(super) use exports::websocket::protocol::{inspector, options, session, types};

    /// What the exports are implemented on.
    pub(super) struct Component;
}
