//! Bindings for the component, generated from `wit/` by wasmtime's `bindgen!`, for the program's own store.
//!
//! They are for programs that run all their guests in one type of store, with their own limits, epochs and data. The
//! types are those of [`protocol`](crate::protocol). A [`Guest`](crate::Guest) calls the component's core module
//! directly, which takes a fraction of the time; it also enforces limits and checks what the component returns, which
//! is up to the program here. The component imports nothing, so it runs in a store of any type, with an empty linker.
//!
//! ```
//! # if websocket_component_wasm::COMPONENT.is_empty() { return Ok(()) }
//! use websocket_host::bindings::WebsocketPre;
//! use websocket_host::wasmtime::component::{Component, Linker};
//! use websocket_host::wasmtime::{Engine, Store};
//!
//! let engine = Engine::default();
//! let component = Component::from_binary(&engine, websocket_component_wasm::COMPONENT)?;
//! let pre = WebsocketPre::new(Linker::new(&engine).instantiate_pre(&component)?)?;
//!
//! let mut store = Store::new(&engine, "whatever it is");
//! let websocket = pre.instantiate(&mut store)?;
//! let options = websocket.websocket_protocol_options().session_options();
//! let options = options.call_constructor(&mut store)?;
//! let sessions = websocket.websocket_protocol_session().websocket_session();
//! let session = sessions.call_server(&mut store, options, 0)?.expect("the options are all right");
//! let result = sessions.call_exchange(&mut store, session, b"GET / HTTP/1.1\r\n", &[], &[], 1, 64 << 10)?;
//! assert_eq!(result.consumed, 16);
//! # Ok::<(), websocket_host::wasmtime::Error>(())
//! ```
#![allow(missing_docs, reason = "`bindgen!` documents what the WIT documents")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "websocket",
    additional_derives: [PartialEq, Eq],
});
