//! From a transport to an open WebSocket.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use websocket_component::Role;

use super::conversation::Conversation;
use super::error::Error;
use super::request::{self, ErrorResponse, IntoRequest, Request, Response};
use super::socket::WebSocketStream;
use crate::clock::Clock;
use crate::outside::LONG;
use crate::protocol::{Acceptance, Config, Delivery, Negotiated, Rule, State};
use crate::sandbox::Sandbox;
use crate::tls::{Connector, MaybeTlsStream};

/// How long a program has to answer the messages in front of a broken rule, unless the configuration has another time.
const ANSWER_TIME: Duration = Duration::from_millis(1);

/// Connects to a URL with the scheme `ws` or `wss`; with the latter the roots of the system are trusted.
///
/// # Errors
///
/// As for [`client_async`]; [`Error::Io`] if the server can't be reached, [`Error::Tls`] if it can't be trusted.
pub async fn connect_async<R>(
    request: R,
    sandbox: &Sandbox,
) -> Result<(WebSocketStream<MaybeTlsStream<TcpStream>>, Response), Error>
where
    R: IntoRequest,
{
    connect_async_with_config(request, sandbox, Config::default()).await
}

/// Connects to a URL with the scheme `ws` or `wss`, with the given settings.
///
/// # Errors
///
/// As for [`connect_async`].
pub async fn connect_async_with_config<R>(
    request: R,
    sandbox: &Sandbox,
    config: Config,
) -> Result<(WebSocketStream<MaybeTlsStream<TcpStream>>, Response), Error>
where
    R: IntoRequest,
{
    connect_async_tls_with_config(request, sandbox, config, None).await
}

/// Connects to a URL with the scheme `ws` or `wss`, with the given settings, and with the connector's roots.
///
/// ```no_run
/// use websocket_host::Sandbox;
/// use websocket_host::protocol::Config;
/// use websocket_host::stream::connect_async_tls_with_config;
/// use websocket_host::tls::Connector;
/// use websocket_host::tls::rustls::RootCertStore;
/// use websocket_host::tls::rustls::pki_types::{CertificateDer, pem::PemObject};
///
/// # async fn run(sandbox: &Sandbox) -> Result<(), Box<dyn std::error::Error>> {
/// let mut roots = RootCertStore::empty();
/// roots.add(CertificateDer::from_pem_file("ca.pem")?)?;
/// let connector = Connector::trusting(roots, None)?;
/// let (url, config) = ("wss://localhost:9001/", Config::default());
/// let (socket, _) = connect_async_tls_with_config(url, sandbox, config, Some(&connector)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As for [`connect_async`].
pub async fn connect_async_tls_with_config<R>(
    request: R,
    sandbox: &Sandbox,
    config: Config,
    connector: Option<&Connector>,
) -> Result<(WebSocketStream<MaybeTlsStream<TcpStream>>, Response), Error>
where
    R: IntoRequest,
{
    let request = request.into_request()?;
    let address = request::address(request.uri())?;
    let host = address.host.trim_start_matches('[').trim_end_matches(']');
    let io = TcpStream::connect((host, address.port)).await?;
    io.set_nodelay(true)?;
    let io = match (address.is_secure, connector) {
        (false, _) => MaybeTlsStream::Plain(io),
        (true, Some(connector)) => connector.connect(host, io).await?,
        (true, None) => Connector::system()?.connect(host, io).await?,
    };
    client_async_with_config(request, io, sandbox, config).await
}

/// Makes the handshake as a client over a transport to the server.
///
/// # Errors
///
/// [`Error::Http`] if the server declined, [`Error::Failure`] if one side broke a rule, [`Error::Request`] if the
/// request is invalid.
pub async fn client_async<R, IO>(
    request: R,
    io: IO,
    sandbox: &Sandbox,
) -> Result<(WebSocketStream<IO>, Response), Error>
where
    R: IntoRequest,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    client_async_with_config(request, io, sandbox, Config::default()).await
}

/// Makes the handshake as a client, with the given settings.
///
/// # Errors
///
/// As for [`client_async`].
pub async fn client_async_with_config<R, IO>(
    request: R,
    io: IO,
    sandbox: &Sandbox,
    config: Config,
) -> Result<(WebSocketStream<IO>, Response), Error>
where
    R: IntoRequest,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let request = request::outgoing(&request.into_request()?)?;
    let settings = for_session(&config);
    let mut guest = sandbox.guest()?;
    let clock = Clock::start();
    let session = guest.client(&settings, &entropy()?, clock.now())?;
    guest.connect(&session, &request, clock.now())?;
    let conversation = Conversation::new(
        guest,
        session,
        clock,
        State::Connecting,
        config.limits.message,
    );
    let mut stream = WebSocketStream::new(io, conversation, Role::Client, &config);

    stream
        .wait_until(|stream| stream.conversation.state != State::Connecting)
        .await;
    let Conversation { guest, session, .. } = &mut stream.conversation;
    let (head, negotiated) = match guest.fault() {
        None => (guest.response(session)?, guest.negotiated(session)?),
        Some(_) => (None, None),
    };
    // It may have ended since: that is told behind the messages that came before.
    let head = match (head, negotiated) {
        (Some(head), Some(negotiated)) => {
            stream.agreed(negotiated);
            return Ok((stream, request::response(head)?));
        }
        (head, _) => head,
    };
    let error = stream.outcome().await;
    // With a head that didn't open the session, it is a refusal also if the connection was lost behind that.
    let is_refusal = match &error {
        Error::Failure(failure) => failure.rule() == Some(Rule::HandshakeRefused),
        Error::Io(_) => true,
        _ => false,
    };
    match head {
        Some(head) if is_refusal => Err(Error::Http(request::error_response(head)?.into())),
        _ => Err(error),
    }
}

/// Makes the handshake as a server, and accepts every valid request.
///
/// # Errors
///
/// [`Error::Failure`] if the client broke a rule. The response with the status was sent.
pub async fn accept_async<IO>(io: IO, sandbox: &Sandbox) -> Result<WebSocketStream<IO>, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    accept_async_with_config(io, sandbox, Config::default()).await
}

/// Makes the handshake as a server, with the given settings.
///
/// # Errors
///
/// As for [`accept_async`].
pub async fn accept_async_with_config<IO>(
    io: IO,
    sandbox: &Sandbox,
    config: Config,
) -> Result<WebSocketStream<IO>, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = requested(io, sandbox, config).await?;
    stream.accept(&Acceptance::default()).await?;
    Ok(stream)
}

/// Makes the handshake as a server, and has the callback decide on the request.
///
/// The callback is passed a response that accepts. It returns it, with a subprotocol in `Sec-WebSocket-Protocol` and
/// further fields if it likes; or it returns one that refuses, with a status, fields and a body.
///
/// # Errors
///
/// As for [`accept_async`]; [`Error::Refused`] if the callback refused.
pub async fn accept_hdr_async<IO, C>(
    io: IO,
    sandbox: &Sandbox,
    callback: C,
) -> Result<WebSocketStream<IO>, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: FnOnce(&Request, Response) -> Result<Response, Box<ErrorResponse>>,
{
    accept_hdr_async_with_config(io, sandbox, callback, Config::default()).await
}

/// Makes the handshake as a server with a callback, and with the given settings.
///
/// # Errors
///
/// As for [`accept_hdr_async`].
pub async fn accept_hdr_async_with_config<IO, C>(
    io: IO,
    sandbox: &Sandbox,
    callback: C,
    config: Config,
) -> Result<WebSocketStream<IO>, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: FnOnce(&Request, Response) -> Result<Response, Box<ErrorResponse>>,
{
    let mut stream = requested(io, sandbox, config).await?;
    let Conversation { guest, session, .. } = &mut stream.conversation;
    let head = guest.request(session)?;
    let request = match head
        .ok_or_else(|| Error::request("it has no head"))
        .and_then(request::incoming)
    {
        Ok(request) => request,
        Err(error) => return Err(stream.refuse(status(StatusCode::BAD_REQUEST), error).await),
    };
    let mut plain = Response::new(());
    *plain.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    match callback(&request, plain).map(|response| request::acceptance(&response)) {
        Ok(Ok(acceptance)) => {
            stream.accept(&acceptance).await?;
            Ok(stream)
        }
        Ok(Err(error)) => Err(stream
            .refuse(status(StatusCode::INTERNAL_SERVER_ERROR), error)
            .await),
        Err(response) => {
            let error = Error::Refused(response.status());
            Err(stream.refuse(*response, error).await)
        }
    }
}

/// Creates a WebSocket over a transport on which something else made the handshake, with what was negotiated and the
/// bytes that were read after it.
///
/// # Errors
///
/// [`Error::Failure`] if the settings are out of range, or the guest can't be had.
pub fn from_upgraded<IO>(
    io: IO,
    role: Role,
    negotiated: Negotiated,
    already_read: Vec<u8>,
    sandbox: &Sandbox,
    config: Config,
) -> Result<WebSocketStream<IO>, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let settings = for_session(&config);
    let mut guest = sandbox.guest()?;
    let clock = Clock::start();
    let now = clock.now();
    let session = match role {
        Role::Client => guest.open_client(&settings, &entropy()?, &negotiated, now)?,
        Role::Server => guest.open_server(&settings, &negotiated, now)?,
    };
    let mut conversation =
        Conversation::new(guest, session, clock, State::Open, config.limits.message);
    conversation.give(already_read);
    let mut stream = WebSocketStream::new(io, conversation, role, &config);
    stream.agreed(negotiated);
    Ok(stream)
}

/// A server to which a valid request has come.
async fn requested<IO>(
    io: IO,
    sandbox: &Sandbox,
    config: Config,
) -> Result<WebSocketStream<IO>, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut settings = for_session(&config);
    // The callbacks have no way to tell a bad request from a good one.
    settings.expose_invalid_requests = false;
    let mut guest = sandbox.guest()?;
    let clock = Clock::start();
    let session = guest.server(&settings, clock.now())?;
    let conversation = Conversation::new(
        guest,
        session,
        clock,
        State::Connecting,
        config.limits.message,
    );
    let mut stream = WebSocketStream::new(io, conversation, Role::Server, &config);
    stream
        .wait_until(|stream| stream.conversation.requested)
        .await;
    if stream.conversation.requested {
        Ok(stream)
    } else {
        Err(stream.outcome().await)
    }
}

impl<IO> WebSocketStream<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    async fn accept(&mut self, acceptance: &Acceptance) -> Result<(), Error> {
        let Conversation {
            guest,
            session,
            clock,
            ..
        } = &mut self.conversation;
        match guest.accept(session, acceptance, clock.now()) {
            Ok(negotiated) => self.agreed(negotiated),
            Err(error) => {
                let response = status(StatusCode::INTERNAL_SERVER_ERROR);
                return Err(self.refuse(response, error.into()).await);
            }
        }
        self.conversation.answered();
        self.wait_until(Self::is_flushed).await;
        self.error().map_or(Ok(()), Err)
    }

    /// Refuses the request, and ends the connection, because of `error`.
    async fn refuse(&mut self, response: ErrorResponse, error: Error) -> Error {
        let Conversation {
            guest,
            session,
            clock,
            ..
        } = &mut self.conversation;
        let refused = guest.refuse(session, &request::refusal(response), clock.now());
        if let Err(error) = refused {
            return error.into();
        }
        self.conversation.answered();
        self.outcome().await;
        error
    }

    /// Waits for the end of a connection that never opened, and says why it never did.
    async fn outcome(&mut self) -> Error {
        self.wait_until(Self::is_over).await;
        self.error().unwrap_or(Error::Closed)
    }
}

fn status(status: StatusCode) -> ErrorResponse {
    let mut response = ErrorResponse::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// The settings of a stream's session: it has no use for chunks, reads long payloads itself, and answers a close frame
/// itself, when the program has taken the messages before it.
pub(super) fn for_session(config: &Config) -> Config {
    let mut config = *config;
    config.delivery = Delivery::Messages;
    config.reply_to_close = false;
    config.timeouts.answer.get_or_insert(ANSWER_TIME);
    config.leave_payloads = Some(LONG as u64);
    config
}

/// What a client's key and masks are made from.
fn entropy() -> Result<[u8; 32], Error> {
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(entropy)
}
