//! Extracts the core module of a component.

use wasmparser::{BinaryReaderError, Encoding, Parser, Payload};
use wasmtime::{Caller, Engine, Extern, Linker, Module, bail};

use crate::sandbox::limiter::Limiter;

/// The export that makes a component the engine.
pub(crate) const SESSION: &str = "websocket:protocol/session@0.2.0";

/// The parts of a component.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// The names of its imports.
    pub(crate) imports: Vec<String>,
    /// The names of its exports.
    pub(crate) exports: Vec<String>,
    /// Its core modules.
    pub(crate) modules: Vec<&'a [u8]>,
}

/// Parses a component.
///
/// # Errors
///
/// What the bytes are instead of a component.
pub(crate) fn parts(component: &[u8]) -> Result<Parts<'_>, String> {
    let mut parts = Parts {
        imports: Vec::new(),
        exports: Vec::new(),
        modules: Vec::new(),
    };
    // The nesting depth of the next part.
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(said)? {
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } if depth == 0 => return Err("it is a core module".into()),
            Payload::ModuleSection {
                unchecked_range, ..
            } => {
                if depth == 0 {
                    let module = component.get(unchecked_range).unwrap_or_default();
                    parts.modules.push(module);
                }
                depth += 1;
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    let import = import.map_err(said)?;
                    parts.imports.push(import.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    let export = export.map_err(said)?;
                    parts.exports.push(export.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(parts)
}

/// Formats a parse error in one line.
fn said(error: BinaryReaderError) -> String {
    let words = error.to_string();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Provides the component model's built-ins that the core module imports: handles for the resources that it exports. A
/// handle is just the representation, since only the host has handles.
///
/// # Errors
///
/// The name of an import that is none of these.
pub(super) fn linker(engine: &Engine, module: &Module) -> Result<Linker<Limiter>, String> {
    let mut linker = Linker::new(engine);
    for import in module.imports() {
        let (interface, name) = (import.module(), import.name());
        let linked = if name.starts_with("[resource-new]") {
            linker.func_wrap(interface, name, |representation: u32| representation)
        } else if let (Some(resource), Some(interface_name)) = (
            name.strip_prefix("[resource-drop]"),
            interface.strip_prefix("[export]"),
        ) {
            let destructor = format!("{interface_name}#[dtor]{resource}");
            linker.func_wrap(
                interface,
                name,
                move |mut caller: Caller<'_, _>, handle: u32| {
                    let Some(Extern::Func(destructor)) = caller.get_export(&destructor) else {
                        bail!("it has no {destructor}");
                    };
                    destructor.typed::<u32, ()>(&caller)?.call(caller, handle)
                },
            )
        } else {
            return Err(format!("{interface} {name}"));
        };
        linked.map_err(|error| error.to_string())?;
    }
    Ok(linker)
}
