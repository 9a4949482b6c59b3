//! TLS, with rustls.
//!
//! [`connect_async`](crate::stream::connect_async) does TLS itself for a `wss` URL. Use this module to trust other
//! roots than the system's, to present a client certificate, or to run a [`PairDriver`](crate::driver::PairDriver) over
//! TLS.

use std::io;
use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, TlsStream};

use self::rustls::client::WebPkiServerVerifier;
use self::rustls::crypto::{CryptoProvider, ring};
use self::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use self::rustls::{ClientConfig, RootCertStore};
pub use tokio_rustls::rustls;

pub use crate::transport::MaybeTlsStream;

/// The ALPN protocol of WebSockets: the handshake of RFC 6455 is an HTTP/1.1 request (RFC 7301, section 6).
pub const ALPN: &[u8] = b"http/1.1";

/// Returns the crypto provider that this module uses, for configurations that are made elsewhere.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(ring::default_provider())))
}

/// A certificate chain with its private key.
#[derive(Debug)]
pub struct Identity {
    /// The certificates: the end entity's first, then those of its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key.
    pub key: PrivateKeyDer<'static>,
}

/// Connects to servers with TLS. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Connector {
    config: Arc<ClientConfig>,
}

impl Connector {
    /// Trusts the roots of the system, which are loaded once: those of `SSL_CERT_FILE` and `SSL_CERT_DIR` if they are set.
    ///
    /// # Errors
    ///
    /// The system has no roots, or none of them can be read.
    pub fn system() -> io::Result<Self> {
        static SYSTEM: OnceLock<Connector> = OnceLock::new();
        if let Some(connector) = SYSTEM.get() {
            return Ok(connector.clone());
        }
        let connector = Self::trusting(system_roots()?, None)?;
        Ok(SYSTEM.get_or_init(|| connector).clone())
    }

    /// Trusts these roots, and presents a certificate to servers that ask for one.
    ///
    /// # Errors
    ///
    /// There are no roots, or the certificate and its key don't fit.
    pub fn trusting(roots: RootCertStore, identity: Option<Identity>) -> io::Result<Self> {
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_webpki_verifier(verifier.map_err(io::Error::other)?);
        let mut config = match identity {
            None => config.with_no_client_auth(),
            Some(Identity { chain, key }) => config
                .with_client_auth_cert(chain, key)
                .map_err(io::Error::other)?,
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(config.into())
    }

    /// Makes the TLS handshake over a transport to `host`, whose certificate must be valid for that name or address.
    ///
    /// # Errors
    ///
    /// * `InvalidInput`: `host` is neither a name nor an address.
    /// * `InvalidData`: the server's certificate isn't trusted, or the server violated TLS. The inner error is a
    ///   [`rustls::Error`].
    /// * Errors of the transport.
    pub async fn connect<IO>(&self, host: &str, io: IO) -> io::Result<MaybeTlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(host)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(name.to_owned(), io).await?;
        Ok(TlsStream::from(stream).into())
    }
}

impl From<ClientConfig> for Connector {
    fn from(config: ClientConfig) -> Self {
        Self {
            config: Arc::new(config),
        }
    }
}

/// Reads the roots that the system trusts. One that can't be read is skipped.
///
/// # Errors
///
/// The system has none, or none of them can be read.
pub fn system_roots() -> io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    match (roots.is_empty(), found.errors.into_iter().next()) {
        (false, _) => Ok(roots),
        (true, Some(error)) => Err(io::Error::other(error)),
        (true, None) => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the system has no root certificates (Debian: ca-certificates)",
        )),
    }
}
