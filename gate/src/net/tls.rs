//! TLS configurations for listeners and upstreams, which are reloaded when their files change.

mod certificates;
mod demo;
mod reload;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::{TlsAcceptor, TlsStream};
use tracing::info;
use websocket_host::tls::rustls::pki_types::CertificateDer;
use websocket_host::tls::rustls::pki_types::pem::PemObject;
use websocket_host::tls::rustls::server::WebPkiClientVerifier;
use websocket_host::tls::rustls::{self, InvalidMessage, RootCertStore, ServerConfig};
use websocket_host::tls::{ALPN, Connector, MaybeTlsStream, provider, system_roots};

use self::certificates::Certificates;
pub(crate) use self::certificates::IdentityFiles;
pub(crate) use self::demo::Demo;
pub(crate) use self::reload::keep_up_to_date;
use self::reload::{Reload, Reloadable};
use super::socket::Socket;

/// The capacity of the session cache for resumption in TLS 1.2.
const SESSIONS: usize = 10_000;

/// The TLS configuration of listeners.
#[derive(Debug)]
pub(crate) struct Front(Reloadable<Arc<ServerConfig>>);

/// The certificates of listeners, and the issuers of client certificates.
#[derive(Clone, Debug)]
pub(crate) enum FrontFiles {
    /// A generated certificate for the demo.
    Demo(Arc<Demo>),
    Files {
        /// One or more certificates for different names; the first is also the default.
        certificates: Vec<IdentityFiles>,
        /// The issuers of client certificates. If set, clients must have one.
        client_ca: Option<PathBuf>,
    },
}

impl Front {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// One of them can't be read, or what it has can't be used; with its name.
    pub(crate) fn load(files: FrontFiles) -> Result<Self, String> {
        let paths = match &files {
            FrontFiles::Demo(_) => Vec::new(),
            FrontFiles::Files {
                certificates,
                client_ca,
            } => {
                let certificates = certificates.iter().flat_map(IdentityFiles::paths);
                certificates.chain(client_ca).cloned().collect()
            }
        };
        let load = move || server_config(&files).map(Arc::new);
        Reloadable::load("certificates", paths, load).map(Self)
    }

    /// Makes the TLS handshake with a client.
    ///
    /// # Errors
    ///
    /// `InvalidData` with a [`rustls::Error`], or the socket's.
    pub(crate) async fn accept(&self, mut socket: Socket) -> io::Result<MaybeTlsStream<Socket>> {
        socket.read_ahead();
        let acceptor = TlsAcceptor::from(self.0.current());
        Ok(TlsStream::from(acceptor.accept(socket).await?).into())
    }

    /// Returns the configuration, to reload it.
    pub(crate) fn reloadable(&self) -> &dyn Reload {
        &self.0
    }
}

/// Why a client's TLS handshake failed, for the log.
pub(crate) fn why_refused(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "no TLS handshake: plain HTTP on a listener with TLS, most likely".into()
        }
        _ => format!("no TLS handshake: {error}"),
    }
}

fn server_config(files: &FrontFiles) -> Result<ServerConfig, String> {
    let (certificates, client_ca) = match files {
        FrontFiles::Demo(demo) => (demo.certificates()?, None),
        FrontFiles::Files {
            certificates,
            client_ca,
        } => (Certificates::load(certificates)?, client_ca.as_deref()),
    };
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let config = match client_ca {
        None => config.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(roots(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
            config.with_client_cert_verifier(verifier.map_err(|error| about(path, error))?)
        }
    };
    for line in certificates.descriptions() {
        info!("certificate for {line}");
    }
    let mut config = config.with_cert_resolver(Arc::new(certificates));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = rustls::server::ServerSessionMemoryCache::new(SESSIONS);
    // A new ticket key: sessions resume only with the configuration that verified the client's certificate.
    config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(|error| error.to_string())?;
    Ok(config)
}

/// The TLS configuration for upstreams.
#[derive(Debug)]
pub(crate) struct Back(Reloadable<Connector>);

/// The trusted issuers of upstreams, and the client certificate for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct BackFiles {
    /// The issuers of upstreams' certificates; by default the system's roots.
    pub(crate) ca: Option<PathBuf>,
    pub(crate) identity: Option<IdentityFiles>,
}

impl Back {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// One of them can't be read, or what it has can't be used; with its name.
    pub(crate) fn load(files: BackFiles) -> Result<Self, String> {
        let identity = files.identity.iter().flat_map(IdentityFiles::paths);
        let paths = files.ca.iter().chain(identity).cloned().collect();
        let load = move || connector(&files);
        Reloadable::load("roots and certificate for upstreams", paths, load).map(Self)
    }

    /// Makes the TLS handshake with an upstream of this name or address.
    ///
    /// # Errors
    ///
    /// As for [`Connector::connect`].
    pub(crate) async fn connect(
        &self,
        host: &str,
        mut socket: Socket,
    ) -> io::Result<MaybeTlsStream<Socket>> {
        socket.read_ahead();
        self.0.current().connect(host, socket).await
    }

    /// Returns the configuration, to reload it.
    pub(crate) fn reloadable(&self) -> &dyn Reload {
        &self.0
    }
}

fn connector(files: &BackFiles) -> Result<Connector, String> {
    let roots = match &files.ca {
        Some(path) => roots(path)?,
        None => system_roots().map_err(|error| error.to_string())?,
    };
    let Some(own) = &files.identity else {
        return Connector::trusting(roots, None).map_err(|error| error.to_string());
    };
    let (identity, _) = own.load()?;
    let connector = Connector::trusting(roots, Some(identity));
    connector.map_err(|error| about(&own.certificate, format_args!("with its key: {error}")))
}

/// Reads the certificates of issuers.
fn roots(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        roots.add(certificate).map_err(|error| about(path, error))?;
    }
    Ok(roots)
}

/// Reads the certificates of a file.
fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let chain: Vec<_> = read.map_err(|error| about(path, error))?;
    match chain.is_empty() {
        true => Err(about(path, "there is no certificate in it")),
        false => Ok(chain),
    }
}

fn about(path: &Path, error: impl std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}
