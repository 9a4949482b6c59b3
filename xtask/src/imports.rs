//! Imports and exports of built files.

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{Parser, Payload};
use wit_component::DecodedWasm;

/// The names of the imports and exports of the outermost level of a component, or of the world of a WIT package.
///
/// Imports between the core modules inside it don't count.
pub(crate) struct World {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

impl World {
    pub(crate) fn of(wasm: &[u8]) -> Result<Self> {
        let decoded = wit_component::decode(wasm)?;
        let resolve = decoded.resolve();
        let world = match decoded {
            DecodedWasm::Component(_, world) => world,
            DecodedWasm::WitPackage(_, package) => resolve.select_world(&[package], None)?,
        };
        let world = &resolve.worlds[world];
        let name = |key| resolve.name_world_key(key);
        Ok(Self {
            imports: world.imports.keys().map(name).collect(),
            exports: world.exports.keys().map(name).collect(),
        })
    }
}

/// Fails unless `wasm` is a component that imports nothing.
pub(crate) fn check_none(wasm: &[u8]) -> Result<()> {
    ensure!(Parser::is_component(wasm), "the built file is no component");
    let imports = World::of(wasm)?.imports;
    ensure!(
        imports.is_empty(),
        "the component must import nothing, but it imports {}",
        imports.join(", ")
    );
    Ok(())
}

/// Fails unless `wasm` is a core module that imports functions of proxy-wasm and nothing else.
pub(crate) fn check_proxy_only(wasm: &[u8]) -> Result<()> {
    for payload in Parser::new(0).parse_all(wasm) {
        let Payload::ImportSection(section) =
            payload.context("the built file is not valid WebAssembly")?
        else {
            continue;
        };
        for import in section.into_imports() {
            let import = import?;
            if import.module != "env" || !import.name.starts_with("proxy_") {
                bail!("the filter imports {} of {}", import.name, import.module);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_none;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        [&[id, body.len() as u8], body].concat()
    }

    #[test]
    fn an_import_is_named_wherever_it_is() {
        let module = section(1, MODULE);
        check_none(COMPONENT).unwrap();
        check_none(&[COMPONENT, &module].concat()).unwrap();
        // An instance without exports.
        let (instance, import) = (
            section(7, b"\x01\x42\0"),
            section(10, b"\x01\0\x05a:b/c\x05\0"),
        );
        let importing = [COMPONENT, &module, &instance, &import].concat();
        let error = check_none(&importing).unwrap_err();
        assert!(error.to_string().ends_with("imports a:b/c"), "{error}");
    }

    #[test]
    fn core_modules_and_other_files_are_refused() {
        for other in [MODULE, b"not wasm", &COMPONENT[..6]] {
            let error = check_none(other).unwrap_err();
            assert!(error.to_string().contains("no component"), "{error}");
        }
    }
}
