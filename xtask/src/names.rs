//! Names for debuggers, which the linker gives to every item of the component, and which nobody reads.

use anyhow::{Context, Result};
use wasmparser::BinaryReader;

/// The custom section that has them.
const SECTION: &[u8] = b"component-name";
/// The bytes before the first section: magic number, version and layer.
const PREAMBLE: usize = 8;
/// The number of a custom section.
const CUSTOM: u8 = 0;

/// Returns the component without its names. What is nested in it stays as it is.
pub(crate) fn stripped(wasm: &[u8]) -> Result<Vec<u8>> {
    strip(wasm).context("the built file is not valid WebAssembly")
}

fn strip(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut reader = BinaryReader::new(wasm, 0);
    let mut kept = reader.read_bytes(PREAMBLE)?.to_vec();
    while !reader.eof() {
        let start = wasm.len() - reader.bytes_remaining();
        let number = reader.read_u8()?;
        let length = reader.read_var_u32()?;
        let body = reader.read_bytes(length as usize)?;
        let mut name = BinaryReader::new(body, 0);
        let is_names = number == CUSTOM && name.read_string()?.as_bytes() == SECTION;
        if !is_names {
            let section = wasm.get(start..wasm.len() - reader.bytes_remaining());
            kept.extend_from_slice(section.unwrap_or_default());
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn names_go_and_all_else_stays() {
        let (names, other) = (b"\0\x10\x0ecomponent-namex", b"\0\x06\x04otherx");
        let other = &other[..8];
        let wasm = [COMPONENT, other, names, other].concat();
        assert_eq!(stripped(&wasm).unwrap(), [COMPONENT, other, other].concat());
        assert_eq!(stripped(COMPONENT).unwrap(), COMPONENT);
    }

    #[test]
    fn a_file_that_is_cut_is_an_error() {
        assert!(stripped(&COMPONENT[..4]).is_err());
        assert!(stripped(&[COMPONENT, b"\0\x10\x0ecomp"].concat()).is_err());
    }
}
