//! The TLS options of the command line.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::address::Address;
use crate::net::tls::{BackFiles, Demo, FrontFiles, IdentityFiles};

#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsArgs {
    /// Certificate chain (PEM): --listen has TLS then; repeatable
    #[arg(long, value_name = "FILE")]
    tls_certificate: Vec<PathBuf>,

    /// Its key, unless it is in the same file; for each or none
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Vec<PathBuf>,

    /// Take only clients with a certificate of these issuers
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_client_ca: Option<PathBuf>,

    /// With --demo: TLS, with a certificate made for the demo
    #[arg(long, conflicts_with = "tls_certificate")]
    tls: bool,

    /// Where to listen without TLS, beside --listen; repeatable
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen_plain: Vec<Address>,

    /// Issuers that wss:// upstreams have [default: system's]
    #[arg(long, value_name = "FILE")]
    upstream_ca: Option<PathBuf>,

    /// Certificate chain for wss:// upstreams that ask for one
    #[arg(long, value_name = "FILE")]
    upstream_certificate: Option<PathBuf>,

    /// Its key, unless it is in the same file
    #[arg(long, value_name = "FILE", requires = "upstream_certificate")]
    upstream_key: Option<PathBuf>,
}

impl TlsArgs {
    /// Returns what is wrong if the options don't fit together.
    pub(super) fn wrong(&self, is_demo: bool) -> Option<&'static str> {
        if self.tls && !is_demo {
            return Some("--tls is for --demo: a gate has TLS by --tls-certificate");
        }
        if !self.tls_key.is_empty() && self.tls_key.len() != self.tls_certificate.len() {
            return Some(
                "--tls-key is given as often as --tls-certificate, in the same order, or not at all",
            );
        }
        if !self.listen_plain.is_empty() && !self.is_secure() {
            return Some("--listen-plain is for a gate with TLS: --listen has none here");
        }
        None
    }

    /// Whether listeners use TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls || !self.tls_certificate.is_empty()
    }

    /// Returns the certificates of listeners, if they use TLS.
    ///
    /// # Errors
    ///
    /// The demo's certificate can't be created.
    pub(crate) fn front(&self) -> Result<Option<FrontFiles>, String> {
        if self.tls {
            return Ok(Some(FrontFiles::Demo(Arc::new(Demo::new()?))));
        }
        let mut keys = self.tls_key.iter();
        let certificates = self
            .tls_certificate
            .iter()
            .map(|certificate| IdentityFiles {
                certificate: certificate.clone(),
                key: keys.next().cloned(),
            });
        Ok(self.is_secure().then(|| FrontFiles::Files {
            certificates: certificates.collect(),
            client_ca: self.tls_client_ca.clone(),
        }))
    }

    /// Returns the trusted roots and the client certificate for upstreams.
    pub(crate) fn back(&self) -> BackFiles {
        let certificate = self.upstream_certificate.clone();
        BackFiles {
            ca: self.upstream_ca.clone(),
            identity: certificate.map(|certificate| IdentityFiles {
                certificate,
                key: self.upstream_key.clone(),
            }),
        }
    }
}
