//! The types of the contract in `wit/`, as `wasmtime` makes them. What it makes to call functions is not used: see `abi`.

wasmtime::component::bindgen!({
    path: "wit",
    world: "websocket",
    additional_derives: [PartialEq, Eq],
});
