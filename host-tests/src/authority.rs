//! Certificates for tests and benchmarks, in files.

use std::fs;
use std::io;
use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// A certificate authority, with a temporary folder for certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate and its key, in PEM files.
#[derive(Debug)]
pub struct Issued {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Issued {
    /// The path of the certificate.
    #[must_use]
    pub fn certificate(&self) -> &str {
        self.certificate.to_str().unwrap_or_default()
    }

    /// The path of its key.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.to_str().unwrap_or_default()
    }

    /// Returns the settings of a server with this certificate, which asks for no client certificate.
    ///
    /// # Errors
    ///
    /// The files can't be read, or don't belong to each other.
    pub fn server_config(&self) -> io::Result<ServerConfig> {
        let chain = CertificateDer::from_pem_file(&self.certificate).map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(io::Error::other)?;
        ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                let config = config.with_no_client_auth();
                config.with_single_cert(vec![chain], key)
            })
            .map_err(io::Error::other)
    }

    /// Returns the gate's arguments for this certificate.
    #[must_use]
    pub fn arguments(&self) -> [&str; 4] {
        [
            "--tls-certificate",
            self.certificate(),
            "--tls-key",
            self.key(),
        ]
    }
}

impl Authority {
    /// Creates an authority with its own name and key.
    ///
    /// # Errors
    ///
    /// Its folder can't be written.
    pub fn new() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name = named(&folder.path().display().to_string());
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        fs::write(folder.path().join("ca.pem"), issuer.pem())?;
        Ok(Self { issuer, folder })
    }

    /// The path of the certificate by which it is trusted.
    #[must_use]
    pub fn path(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// Returns the roots of a client that trusts only this authority.
    ///
    /// # Errors
    ///
    /// Its certificate can't be a root.
    pub fn roots(&self) -> io::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let own = self.issuer.der().clone();
        roots.add(own).map_err(io::Error::other)?;
        Ok(roots)
    }

    /// Issues a certificate for these DNS names and addresses, in files of this name: over those that were there.
    ///
    /// # Errors
    ///
    /// They can't be written.
    pub fn issue(&self, file: &str, names: &[&str]) -> io::Result<Issued> {
        self.issue_for(file, names, Duration::days(90))
    }

    /// One that has expired.
    ///
    /// # Errors
    ///
    /// As for [`issue`](Self::issue).
    pub fn issue_expired(&self, file: &str, names: &[&str]) -> io::Result<Issued> {
        self.issue_for(file, names, -Duration::hours(1))
    }

    fn issue_for(&self, file: &str, names: &[&str], time: Duration) -> io::Result<Issued> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        let now = OffsetDateTime::now_utc();
        params.not_before = now - Duration::days(1);
        params.not_after = now + time;
        params.distinguished_name = named(file);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.issuer);
        let certificate = certificate.map_err(io::Error::other)?;
        let path = |end| self.folder.path().join(format!("{file}.{end}"));
        let issued = Issued {
            certificate: path("crt"),
            key: path("key"),
        };
        fs::write(&issued.certificate, certificate.pem())?;
        fs::write(&issued.key, key.serialize_pem())?;
        Ok(issued)
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut all = DistinguishedName::new();
    all.push(DnType::CommonName, name);
    all
}
