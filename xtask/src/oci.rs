//! The component and its WIT package as OCI layouts, which `wkg` and other clients copy to a registry.
//!
//! The layout is that of OCI's image specification, and its contents are a CNCF Wasm OCI artifact: a manifest,
//! a configuration that names imports and exports, and one layer, which is the WebAssembly itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wit_parser::Resolve;

use crate::imports::World;
use crate::metadata::{DESCRIPTION, LICENSES, VERSION};
use crate::shell;
use crate::system::SKOPEO;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";

/// Writes both layouts to `folder`, and has another program read them.
pub(crate) fn pack(folder: &Path, component: &[u8]) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let created = shell::output(Command::new("git").args(["log", "-1", "--format=%cI"]))?;
    let wit = wit_package(&shell::root()?.join("wit"))?;
    for (name, wasm) in [("component", component), ("wit", &wit)] {
        let layout = folder.join(name);
        write(&layout, wasm, &created).with_context(|| format!("the layout of the {name}"))?;
        let read = read_by_another(&layout, &folder.join(format!("{name}-copy")))?;
        ensure!(read == wasm, "skopeo finds another {name} in its layout");
        println!("{}: {} bytes in its layer", layout.display(), wasm.len());
    }
    Ok(())
}

/// The WIT package as WebAssembly, with its documentation and unstable items.
fn wit_package(folder: &Path) -> Result<Vec<u8>> {
    let mut resolve = Resolve {
        all_features: true,
        ..Resolve::default()
    };
    let (package, _) = resolve.push_dir(folder)?;
    wit_component::encode(&resolve, package)
}

fn write(folder: &Path, wasm: &[u8], created: &str) -> Result<()> {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let put = |kind: &str, bytes: &[u8]| -> Result<Value> {
        let digest = hexadecimal(bytes);
        fs::write(blobs.join(&digest), bytes)?;
        Ok(json!({
            "mediaType": kind, "digest": format!("sha256:{digest}"), "size": bytes.len(),
        }))
    };
    let layer = put(LAYER, wasm)?;
    let world = World::of(wasm)?;
    let config = json!({
        "created": created, "architecture": "wasm", "os": "wasip2",
        "layerDigests": [layer["digest"]],
        "component": { "imports": world.imports, "exports": world.exports },
    });
    let config = put(CONFIG, config.to_string().as_bytes())?;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer],
        "annotations": {
            "org.opencontainers.image.created": created,
            "org.opencontainers.image.description": DESCRIPTION,
            "org.opencontainers.image.licenses": LICENSES,
            "org.opencontainers.image.version": VERSION,
        },
    });
    let mut manifest = put(MANIFEST, manifest.to_string().as_bytes())?;
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": VERSION });
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    fs::write(folder.join("index.json"), index.to_string())?;
    let version = json!({ "imageLayoutVersion": "1.0.0" });
    Ok(fs::write(folder.join("oci-layout"), version.to_string())?)
}

/// Returns the layer of a layout, as copied by a program that checks digests and sizes.
fn read_by_another(layout: &Path, copy: &Path) -> Result<Vec<u8>> {
    let source = format!("oci:{}:{VERSION}", layout.display());
    let program = SKOPEO.find_or_install()?;
    let mut skopeo = Command::new(program);
    skopeo.args(["copy", "--quiet", "--insecure-policy", &source]);
    shell::run(skopeo.arg(format!("dir:{}", copy.display())))?;
    let manifest: Value = serde_json::from_slice(&fs::read(copy.join("manifest.json"))?)?;
    let digest = manifest["layers"][0]["digest"].as_str();
    let name = digest.and_then(|digest| digest.strip_prefix("sha256:"));
    let name = name.context("the copy has no layer")?;
    let layer = fs::read(copy.join(name))?;
    fs::remove_dir_all(copy)?;
    Ok(layer)
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    fn wit() -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        wit_package(&folder).expect("a WIT package")
    }

    #[test]
    fn the_wit_package_has_all_interfaces_with_their_documentation() {
        let decoded = wit_component::decode(&wit()).expect("what was encoded");
        let resolve = decoded.resolve();
        let package = &resolve.packages[decoded.package()];
        assert_eq!(package.name.to_string(), "websocket:protocol@0.2.0");
        let names: Vec<_> = package.interfaces.keys().map(String::as_str).collect();
        assert_eq!(names, ["types", "options", "session", "inspector"]);
        for interface in package.interfaces.values() {
            let interface = &resolve.interfaces[*interface];
            assert!(interface.docs.contents.is_some(), "{:?}", interface.name);
            let has_docs = |docs: &wit_parser::Docs| docs.contents.is_some();
            let all = interface
                .functions
                .values()
                .all(|function| has_docs(&function.docs));
            assert!(all, "{:?}", interface.name);
        }
    }

    #[test]
    fn a_layout_names_its_files_by_their_digests() {
        let folder = env::temp_dir().join(format!("websocket-oci-{}", std::process::id()));
        write(&folder, &wit(), "2026-01-01T00:00:00Z").expect("it is written");
        let read = |descriptor: &Value| {
            let digest = descriptor["digest"]
                .as_str()
                .and_then(|digest| digest.strip_prefix("sha256:"));
            let digest = digest.expect("a digest");
            let bytes = fs::read(folder.join("blobs/sha256").join(digest)).expect("a file");
            assert_eq!(hexadecimal(&bytes), digest);
            assert_eq!(descriptor["size"], bytes.len());
            bytes
        };
        let parsed = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
        let index = parsed(&fs::read(folder.join("index.json")).expect("an index"));
        let manifest = parsed(&read(&index["manifests"][0]));
        assert_eq!(read(&manifest["layers"][0]), wit());
        let config = parsed(&read(&manifest["config"]));
        assert_eq!(config["layerDigests"][0], manifest["layers"][0]["digest"]);
        let session = format!("websocket:protocol/session@{VERSION}");
        let exports = config["component"]["exports"].as_array();
        assert!(exports.is_some_and(|exports| exports.contains(&json!(session))));
        fs::remove_dir_all(folder).expect("it is removed");
    }
}
