//! The component in wasmtime's component model.

use std::path::Path;

use websocket_host::wasmtime::component::{Component, Linker};
use websocket_host::wasmtime::{Config, Engine, Store};

mod bindings {
    websocket_host::wasmtime::component::bindgen!({
        path: "../wit",
        world: "websocket",
        wasmtime_crate: websocket_host::wasmtime,
        additional_derives: [PartialEq, Eq],
    });
}

pub(crate) use bindings::Websocket;
pub(crate) use bindings::exports::websocket::protocol::{inspector, session, types};

/// The component, of which instances are made.
pub(crate) struct Model {
    engine: Engine,
    component: Component,
}

impl Model {
    pub(crate) fn load(path: &Path) -> Model {
        let engine = Engine::new(&Config::new()).expect("an engine");
        let component = Component::from_file(&engine, path).expect("a component");
        Model { engine, component }
    }

    pub(crate) fn instance(&self) -> (Websocket, Store<()>) {
        let mut store = Store::new(&self.engine, ());
        let linker = Linker::new(&self.engine);
        let websocket = Websocket::instantiate(&mut store, &self.component, &linker);
        (websocket.expect("an instance"), store)
    }
}
