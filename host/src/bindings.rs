//! What `wasmtime` makes of the contract in `wit/`.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "websocket",
    additional_derives: [PartialEq, Eq],
});
