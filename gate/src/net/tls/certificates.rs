//! Certificates: reading them, and which one a client is shown.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use websocket_host::tls::rustls::pki_types::PrivateKeyDer;
use websocket_host::tls::rustls::pki_types::pem::{self, PemObject};
use websocket_host::tls::rustls::server::{ClientHello, ResolvesServerCert};
use websocket_host::tls::rustls::sign::CertifiedKey;
use websocket_host::tls::{Identity, provider};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{about, chain};

/// Where a certificate is, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdentityFiles {
    /// The certificate, and those of its issuers.
    pub(crate) certificate: PathBuf,
    /// The key, if it isn't in the same file.
    pub(crate) key: Option<PathBuf>,
}

impl IdentityFiles {
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.certificate).chain(&self.key)
    }

    /// Reads both.
    ///
    /// # Errors
    ///
    /// They can't be read, or it isn't the certificate's time.
    pub(super) fn load(&self) -> Result<Identity, String> {
        let chain = chain(&self.certificate)?;
        let path = self.key.as_ref().unwrap_or(&self.certificate);
        let key = PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
            pem::Error::NoItemsFound => about(path, "there is no private key in it"),
            error => about(path, error),
        })?;
        if let Some(certificate) = chain.first() {
            read(certificate).map_err(|error| about(&self.certificate, error))?;
        }
        Ok(Identity { chain, key })
    }
}

/// A certificate with what is in it.
#[derive(Debug)]
struct Certificate {
    key: Arc<CertifiedKey>,
    /// DNS names, in small letters; those with a wildcard begin with `*.`.
    names: Vec<String>,
    expires: String,
}

impl Certificate {
    fn new(identity: Identity, path: &Path) -> Result<Self, String> {
        let Identity { chain, key } = identity;
        let (names, expires) = match chain.first() {
            Some(certificate) => read(certificate).map_err(|error| about(path, error))?,
            None => return Err(about(path, "there is no certificate in it")),
        };
        let key = CertifiedKey::from_der(chain, key, &provider());
        let key = key.map_err(|error| about(path, format_args!("with its key: {error}")))?;
        Ok(Self {
            key: Arc::new(key),
            names,
            expires,
        })
    }
}

/// The names that a certificate is for, and until when.
fn read(certificate: &[u8]) -> Result<(Vec<String>, String), String> {
    let (_, parsed) = X509Certificate::from_der(certificate)
        .map_err(|error| format!("the certificate can't be read: {error}"))?;
    let validity = parsed.validity();
    if !validity.is_valid() {
        return Err(format!(
            "the certificate is valid from {} to {}, and not now",
            validity.not_before, validity.not_after
        ));
    }
    let names = parsed.subject_alternative_name().ok().flatten();
    let names = names.map_or(&[][..], |extension| &extension.value.general_names);
    let names = names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    Ok((names.collect(), validity.not_after.to_string()))
}

/// The certificates of a gate.
#[derive(Debug)]
pub(super) struct Certificates {
    /// The first is for clients that name nobody, or somebody else.
    all: Vec<Certificate>,
    by_name: HashMap<String, Arc<CertifiedKey>>,
}

impl Certificates {
    pub(super) fn load(files: &[IdentityFiles]) -> Result<Self, String> {
        let load = |files: &IdentityFiles| Certificate::new(files.load()?, &files.certificate);
        Ok(Self::new(files.iter().map(load).collect::<Result<_, _>>()?))
    }

    pub(super) fn of_one(identity: Identity, path: &Path) -> Result<Self, String> {
        Ok(Self::new(vec![Certificate::new(identity, path)?]))
    }

    fn new(all: Vec<Certificate>) -> Self {
        let mut by_name = HashMap::new();
        for certificate in &all {
            for name in &certificate.names {
                let key = &certificate.key;
                by_name
                    .entry(name.clone())
                    .or_insert_with(|| Arc::clone(key));
            }
        }
        Self { all, by_name }
    }

    /// What there is, for the log.
    pub(super) fn descriptions(&self) -> impl Iterator<Item = String> {
        self.all.iter().map(|certificate| {
            let names = certificate.names.join(", ");
            format!("{names}, until {}", certificate.expires)
        })
    }

    /// The certificate for a name: a wildcard stands for one label (RFC 6125, section 6.4.3).
    fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        let found = self.by_name.get(&name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.by_name.get(&format!("*.{parent}"))
        });
        found.or(self.all.first().map(|first| &first.key)).cloned()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name().unwrap_or_default())
    }
}
