//! The metadata of a component: its name, version, licence and description, as `wasm-tools metadata` and OCI registries
//! read them. The names of its items, which the linker adds for debuggers, are removed.

use anyhow::{Context, Result};
use wasmparser::BinaryReader;

/// The same as in `wkg.toml`, which `wkg` uses.
pub(crate) const DESCRIPTION: &str =
    "A WebSocket engine (RFC 6455, client and server) that imports nothing";
pub(crate) const LICENSES: &str = env!("CARGO_PKG_LICENSE");
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The name of the custom section for names.
const NAMES: &str = "component-name";
/// In it, the subsection of the component's name.
const NAME_OF_COMPONENT: u8 = 0;
/// The bytes before the first section: magic number, version and layer.
const PREAMBLE: usize = 8;
/// The number of a custom section.
const CUSTOM: u8 = 0;

/// Returns the component with its metadata, and without the names of its items. Nested modules stay as they are.
pub(crate) fn set(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut component = without_names(wasm).context("the built file is not valid WebAssembly")?;
    let name = prefixed(b"websocket-component");
    let name = [&[NAME_OF_COMPONENT][..], &prefixed(&name)].concat();
    component.extend(custom(NAMES, &name));
    for (section, text) in [
        ("version", VERSION),
        ("licenses", LICENSES),
        ("description", DESCRIPTION),
    ] {
        component.extend(custom(section, text.as_bytes()));
    }
    Ok(component)
}

fn without_names(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut reader = BinaryReader::new(wasm, 0);
    let mut kept = reader.read_bytes(PREAMBLE)?.to_vec();
    while !reader.eof() {
        let start = wasm.len() - reader.bytes_remaining();
        let number = reader.read_u8()?;
        let length = reader.read_var_u32()?;
        let body = reader.read_bytes(length as usize)?;
        let mut name = BinaryReader::new(body, 0);
        let is_names = number == CUSTOM && name.read_string()? == NAMES;
        if !is_names {
            let section = wasm.get(start..wasm.len() - reader.bytes_remaining());
            kept.extend_from_slice(section.unwrap_or_default());
        }
    }
    Ok(kept)
}

/// A custom section.
fn custom(name: &str, body: &[u8]) -> Vec<u8> {
    let body = [&prefixed(name.as_bytes())[..], body].concat();
    [&[CUSTOM][..], &prefixed(&body)].concat()
}

/// Bytes after their length, as LEB128.
fn prefixed(bytes: &[u8]) -> Vec<u8> {
    let mut prefixed = Vec::new();
    let mut length = bytes.len();
    while length >= 0x80 {
        prefixed.push(length as u8 | 0x80);
        length >>= 7;
    }
    prefixed.push(length as u8);
    prefixed.extend_from_slice(bytes);
    prefixed
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn names_go_and_all_else_stays() {
        let (names, other) = (custom(NAMES, b"x"), custom("other", b"x"));
        let wasm = [COMPONENT, &other, &names, &other].concat();
        let kept = [COMPONENT, &other, &other].concat();
        assert_eq!(without_names(&wasm).unwrap(), kept);
        assert_eq!(without_names(COMPONENT).unwrap(), COMPONENT);
        assert!(set(&wasm).unwrap().starts_with(&kept));
    }

    #[test]
    fn tools_read_name_version_and_licence() {
        let wasm = set(COMPONENT).unwrap();
        let payload = wasm_metadata::Payload::from_binary(&wasm).unwrap();
        let metadata = payload.metadata();
        assert_eq!(metadata.name.as_deref(), Some("websocket-component"));
        let told = |text: Option<String>| text.unwrap_or_default();
        let version = told(metadata.version.as_ref().map(ToString::to_string));
        assert_eq!(version, VERSION);
        let licenses = told(metadata.licenses.as_ref().map(ToString::to_string));
        assert_eq!(licenses, "MIT OR Apache-2.0");
        let description = told(metadata.description.as_ref().map(ToString::to_string));
        assert!(description.contains("RFC 6455"), "{description}");
    }

    #[test]
    fn wkg_is_told_the_same() {
        let told = include_str!("../../wkg.toml");
        for (key, value) in [("description", DESCRIPTION), ("licenses", LICENSES)] {
            let line = format!("\n{key} = \"{value}\"\n");
            assert!(told.contains(&line), "{line}");
        }
    }

    #[test]
    fn a_file_that_is_cut_is_an_error() {
        assert!(set(&COMPONENT[..4]).is_err());
        assert!(set(&[COMPONENT, b"\0\x10\x0ecomp"].concat()).is_err());
    }
}
