//! The certificate of `--demo --tls`: self-signed, and valid as long as the program runs.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::generate_simple_self_signed;
use websocket_host::tls::Identity;
use websocket_host::tls::rustls::pki_types::PrivateKeyDer;

use super::about;
use super::certificates::Certificates;

/// A self-signed certificate for this machine, and a file of it for clients to trust.
#[derive(Debug)]
pub(crate) struct Demo {
    identity: Identity,
    path: PathBuf,
}

impl Demo {
    /// Makes a certificate for `localhost` and the loopback addresses.
    ///
    /// # Errors
    ///
    /// The file can't be written.
    pub(crate) fn new() -> Result<Self, String> {
        let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
        let made = generate_simple_self_signed(names).map_err(|error| error.to_string())?;
        let name = format!("wsgate-demo-{}.pem", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, made.cert.pem()).map_err(|error| about(&path, error))?;
        let identity = Identity {
            chain: vec![made.cert.der().clone()],
            key: PrivateKeyDer::try_from(made.signing_key.serialize_der())?,
        };
        Ok(Self { identity, path })
    }

    /// Returns the file of the certificate. The key isn't written to a file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn certificates(&self) -> Result<Certificates, String> {
        let identity = Identity {
            chain: self.identity.chain.clone(),
            key: self.identity.key.clone_key(),
        };
        Certificates::of_one(identity, &self.path)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have been removed already.
        let _ = fs::remove_file(&self.path);
    }
}
