//! The promise that the component imports nothing, checked on the built file.

use anyhow::{Context, Result, bail};
use wasmparser::{Encoding, Parser, Payload};

/// Fails unless `wasm` is a component whose outermost level imports nothing.
///
/// What the core modules inside it import from one another is its own affair.
pub(crate) fn check_none(wasm: &[u8]) -> Result<()> {
    let names = imported_names(wasm)?;
    if !names.is_empty() {
        bail!(
            "the component must import nothing, but it imports {}",
            names.join(", ")
        );
    }
    Ok(())
}

fn imported_names(wasm: &[u8]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.context("the built file is not valid WebAssembly")? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => {
                bail!("the built file is a core module, not a component");
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.push(import?.name.name.to_owned());
                }
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    Ok(names)
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
    use super::*;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    const MODULE: &[u8] = b"\0asm\x01\0\0\0";

    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        [&[id, body.len() as u8], body].concat()
    }

    /// One import of function type 0, named `a:b/c`.
    fn import_section() -> Vec<u8> {
        section(10, b"\x01\0\x05a:b/c\x01\0")
    }

    #[test]
    fn an_empty_component_imports_nothing() {
        check_none(COMPONENT).unwrap();
    }

    #[test]
    fn an_import_is_named() {
        let error = check_none(&[COMPONENT, &import_section()].concat()).unwrap_err();
        assert!(error.to_string().ends_with("imports a:b/c"), "{error}");
    }

    #[test]
    fn an_import_after_a_nested_module_is_seen() {
        let wasm = [COMPONENT, &section(1, MODULE), &import_section()].concat();
        assert!(check_none(&wasm).is_err());
    }

    #[test]
    fn an_import_of_a_nested_component_is_not_ours() {
        let nested = [COMPONENT, &import_section()].concat();
        check_none(&[COMPONENT, &section(4, &nested)].concat()).unwrap();
    }

    #[test]
    fn core_modules_and_other_files_are_refused() {
        assert!(
            check_none(MODULE)
                .unwrap_err()
                .to_string()
                .contains("core module")
        );
        assert!(check_none(b"not wasm").is_err());
        assert!(check_none(&COMPONENT[..6]).is_err());
    }
}
