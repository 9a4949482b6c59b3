//! Reading certificates, and selecting one for a client.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use websocket_host::tls::rustls::pki_types::pem::{self, PemObject};
use websocket_host::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use websocket_host::tls::rustls::server::{ClientHello, ResolvesServerCert};
use websocket_host::tls::rustls::sign::CertifiedKey;
use websocket_host::tls::{Identity, provider};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{about, chain};

/// The files of a certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdentityFiles {
    /// The certificate chain.
    pub(crate) certificate: PathBuf,
    /// The key, if it isn't in the same file.
    pub(crate) key: Option<PathBuf>,
}

impl IdentityFiles {
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.certificate).chain(&self.key)
    }

    /// Reads both files, and parses the certificate.
    ///
    /// # Errors
    ///
    /// They can't be read, or the certificate has expired or isn't valid yet.
    pub(super) fn load(&self) -> Result<(Identity, Content), String> {
        let chain = chain(&self.certificate)?;
        let path = self.key.as_ref().unwrap_or(&self.certificate);
        let key = PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
            pem::Error::NoItemsFound => about(path, "there is no private key in it"),
            error => about(path, error),
        })?;
        let content = Content::of(&chain).map_err(|error| about(&self.certificate, error))?;
        Ok((Identity { chain, key }, content))
    }
}

/// The parsed content of a certificate.
#[derive(Debug)]
pub(super) struct Content {
    /// DNS names, in lower case; those with a wildcard begin with `*.`.
    names: Vec<String>,
    expires: String,
}

impl Content {
    /// Parses the first certificate of a chain, which must be valid now.
    fn of(chain: &[CertificateDer<'_>]) -> Result<Self, String> {
        let certificate = chain.first().ok_or("there is no certificate in it")?;
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
        Ok(Self {
            names: names.collect(),
            expires: validity.not_after.to_string(),
        })
    }
}

/// A certificate with its content.
#[derive(Debug)]
struct Certificate {
    key: Arc<CertifiedKey>,
    content: Content,
}

impl Certificate {
    fn new(identity: Identity, content: Content, path: &Path) -> Result<Self, String> {
        let Identity { chain, key } = identity;
        let key = CertifiedKey::from_der(chain, key, &provider());
        let key = key.map_err(|error| about(path, format_args!("with its key: {error}")))?;
        let key = Arc::new(key);
        Ok(Self { key, content })
    }
}

/// The certificates of the gate.
#[derive(Debug)]
pub(super) struct Certificates {
    /// The first is the default, for clients that send no or another name.
    all: Vec<Certificate>,
    by_name: HashMap<String, Arc<CertifiedKey>>,
}

impl Certificates {
    pub(super) fn load(files: &[IdentityFiles]) -> Result<Self, String> {
        let load = |files: &IdentityFiles| {
            let (identity, content) = files.load()?;
            Certificate::new(identity, content, &files.certificate)
        };
        Ok(Self::new(files.iter().map(load).collect::<Result<_, _>>()?))
    }

    pub(super) fn of_one(identity: Identity, path: &Path) -> Result<Self, String> {
        let content = Content::of(&identity.chain)?;
        Ok(Self::new(vec![Certificate::new(identity, content, path)?]))
    }

    fn new(all: Vec<Certificate>) -> Self {
        let mut by_name = HashMap::new();
        for certificate in &all {
            for name in &certificate.content.names {
                let key = &certificate.key;
                by_name
                    .entry(name.clone())
                    .or_insert_with(|| Arc::clone(key));
            }
        }
        Self { all, by_name }
    }

    /// Describes the certificates for the log.
    pub(super) fn descriptions(&self) -> impl Iterator<Item = String> {
        self.all.iter().map(|certificate| {
            let Content { names, expires } = &certificate.content;
            format!("{}, until {expires}", names.join(", "))
        })
    }

    /// Returns the certificate for a name. A wildcard stands for one label (RFC 6125, section 6.4.3).
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
