//! Handshakes over a transport.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite};
use websocket_component::handshake::{Acceptance, Negotiated};
use websocket_component::{Config, Delivery, Role, Rule, State};

use super::engine::{Engine, Made};
use super::error::{Error, ErrorResponse};
use super::request::{self, IntoRequest, Request, Response};
use super::socket::WebSocketStream;
use crate::clock::Clock;
use crate::sizes::LONG;

/// How long the program has to answer the messages before a broken rule, unless the configuration sets it.
const ANSWER_TIME: Duration = Duration::from_millis(1);

/// Makes the handshake as a client over a transport to the server.
///
/// # Errors
///
/// [`Error::Http`] if the server refused, [`Error::Failure`] if one side broke a rule, [`Error::Request`] if the
/// request is invalid, [`Error::Sandbox`] if there is no guest, or it has ended.
pub async fn client_async<R, IO>(
    request: R,
    io: IO,
    engine: &impl Engine,
) -> Result<(WebSocketStream<IO>, Response), Error>
where
    R: IntoRequest,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    client_async_with_config(request, io, engine, Config::default()).await
}

/// Makes the handshake as a client, with the given settings.
///
/// # Errors
///
/// As for [`client_async`].
pub async fn client_async_with_config<R, IO>(
    request: R,
    io: IO,
    engine: &impl Engine,
    config: Config,
) -> Result<(WebSocketStream<IO>, Response), Error>
where
    R: IntoRequest,
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let request = request::outgoing(&request.into_request()?)?;
    let settings = for_session(&config);
    let clock = Clock::start();
    let made = Made::Client(&entropy()?);
    let mut endpoint = engine.endpoint(made, &settings, clock.now())?;
    endpoint.0.connect(request, clock.now())?;
    let (state, role) = (State::Connecting, Role::Client);
    let mut stream = WebSocketStream::new(io, endpoint, clock, state, role, &config);

    stream
        .wait_until(|stream| stream.conversation.state != State::Connecting)
        .await;
    let endpoint = &mut stream.conversation.endpoint;
    let (head, negotiated) = match endpoint.is_gone() {
        false => (endpoint.response()?, endpoint.negotiated()?),
        true => (None, None),
    };
    // The session may have ended since: that is reported after the messages received before.
    let head = match (head, negotiated) {
        (Some(head), Some(negotiated)) => {
            stream.agreed(negotiated);
            return Ok((stream, request::response(head)?));
        }
        (head, _) => head,
    };
    let error = stream.outcome().await;
    // A response that didn't open the session is a refusal, even if the connection was lost after its head.
    let is_refusal = match &error {
        Error::Failure(failure) => failure.rule == Rule::HandshakeRefused,
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
/// [`Error::Failure`] if the client broke a rule, after the response with the rule's status was sent.
/// [`Error::Sandbox`] if there is no guest, or it has ended.
pub async fn accept_async<IO>(io: IO, engine: &impl Engine) -> Result<WebSocketStream<IO>, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    accept_async_with_config(io, engine, Config::default()).await
}

/// Makes the handshake as a server, with the given settings.
///
/// Of [`Config`], `delivery`, `verify_utf8`, `reply_to_close`, `leave_payloads` and `leave_unfinished` have no effect on
/// a stream, which delivers whole messages and valid text.
///
/// # Errors
///
/// As for [`accept_async`].
pub async fn accept_async_with_config<IO>(
    io: IO,
    engine: &impl Engine,
    config: Config,
) -> Result<WebSocketStream<IO>, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = requested(io, engine, config).await?;
    stream.accept(Acceptance::default()).await?;
    Ok(stream)
}

/// Makes the handshake as a server, with a callback that decides on the request.
///
/// The callback is passed the request and a response that accepts it. To accept, it returns that response, with a
/// subprotocol in `Sec-WebSocket-Protocol` and further fields if needed. To refuse, it returns a response with a
/// status, fields and a body.
///
/// ```no_run
/// use websocket_host::Native;
/// use websocket_host::stream::http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL};
/// use websocket_host::stream::{Error, accept_hdr_async};
///
/// # async fn serve(io: tokio::net::TcpStream) -> Result<(), Error> {
/// let socket = accept_hdr_async(io, &Native, |request, mut response| {
///     let lists = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter();
///     let names = lists.filter_map(|list| list.to_str().ok());
///     let mut names = names.flat_map(|list| list.split(',').map(str::trim));
///     if names.any(|name| name == "chat") {
///         let chat = HeaderValue::from_static("chat");
///         response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, chat);
///     }
///     Ok(response)
/// });
/// let mut socket = socket.await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As for [`accept_async`]; [`Error::Refused`] if the callback refused.
pub async fn accept_hdr_async<IO, C>(
    io: IO,
    engine: &impl Engine,
    callback: C,
) -> Result<WebSocketStream<IO>, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: FnOnce(&Request, Response) -> Result<Response, Box<ErrorResponse>>,
{
    accept_hdr_async_with_config(io, engine, callback, Config::default()).await
}

/// Makes the handshake as a server with a callback, and with the given settings.
///
/// # Errors
///
/// As for [`accept_hdr_async`].
pub async fn accept_hdr_async_with_config<IO, C>(
    io: IO,
    engine: &impl Engine,
    callback: C,
    config: Config,
) -> Result<WebSocketStream<IO>, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: FnOnce(&Request, Response) -> Result<Response, Box<ErrorResponse>>,
{
    let mut stream = requested(io, engine, config).await?;
    let head = stream.conversation.endpoint.request()?;
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
            stream.accept(acceptance).await?;
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

/// Creates a WebSocket over a transport on which the handshake was made elsewhere, from what was negotiated and the
/// bytes that were read after it.
///
/// # Errors
///
/// [`Error::Failure`] if the settings are out of range, [`Error::Sandbox`] if there is no guest.
pub fn from_upgraded<IO>(
    io: IO,
    role: Role,
    negotiated: Negotiated,
    already_read: Vec<u8>,
    engine: &impl Engine,
    config: Config,
) -> Result<WebSocketStream<IO>, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let settings = for_session(&config);
    let clock = Clock::start();
    let entropy = entropy()?;
    let made = match role {
        Role::Client => Made::OpenClient(&entropy, &negotiated),
        Role::Server => Made::OpenServer(&negotiated),
    };
    let endpoint = engine.endpoint(made, &settings, clock.now())?;
    let stream = WebSocketStream::new(io, endpoint, clock, State::Open, role, &config);
    Ok(stream.opened(negotiated, already_read))
}

/// Creates a server, and waits until it has received a valid request.
async fn requested<IO>(
    io: IO,
    engine: &impl Engine,
    config: Config,
) -> Result<WebSocketStream<IO>, Error>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut settings = for_session(&config);
    // The callbacks can't distinguish invalid requests from valid ones.
    settings.expose_invalid_requests = false;
    let clock = Clock::start();
    let endpoint = engine.endpoint(Made::Server, &settings, clock.now())?;
    let (state, role) = (State::Connecting, Role::Server);
    let mut stream = WebSocketStream::new(io, endpoint, clock, state, role, &config);
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
    async fn accept(&mut self, acceptance: Acceptance) -> Result<(), Error> {
        let now = self.conversation.clock.now();
        match self.conversation.endpoint.accept(acceptance, now) {
            Ok(negotiated) => self.agreed(negotiated),
            Err(error) => {
                let response = status(StatusCode::INTERNAL_SERVER_ERROR);
                return Err(self.refuse(response, error).await);
            }
        }
        self.conversation.answered();
        self.wait_until(Self::is_flushed).await;
        self.error().map_or(Ok(()), Err)
    }

    /// Refuses the request and ends the connection. Returns `error`, or why the refusal failed.
    async fn refuse(&mut self, response: ErrorResponse, error: Error) -> Error {
        let now = self.conversation.clock.now();
        let refusal = request::refusal(response);
        if let Err(error) = self.conversation.endpoint.refuse(refusal, now) {
            return error;
        }
        self.conversation.answered();
        self.outcome().await;
        error
    }

    /// Waits for the end of a connection that never opened, and returns why.
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

/// Returns the settings for the session of a stream. The stream reads long payloads itself, takes no chunks, and
/// answers a close frame itself once the program has taken the messages before it.
pub(super) fn for_session(config: &Config) -> Config {
    let mut config = *config;
    config.delivery = Delivery::Messages;
    config.reply_to_close = false;
    config.timeouts.answer.get_or_insert(ANSWER_TIME);
    config.leave_payloads = Some(LONG as u64);
    // The stream keeps unconsumed input, and reads more only when all of it was consumed.
    config.leave_unfinished = 0;
    // A text is a `ByteString`.
    config.verify_utf8 = true;
    config
}

/// Returns the entropy for a client's key and masks.
fn entropy() -> Result<[u8; 32], Error> {
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(entropy)
}
