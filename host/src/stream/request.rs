//! Requests and responses, between the types of the `http` crate and those of the engine.

use bytes::Bytes;
use http::header::{
    CONNECTION, HOST, HeaderName, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, ToStrError, UPGRADE,
};
use http::{HeaderMap, Method, Uri};

use websocket_component::handshake::{
    self, Acceptance, Header, Refusal, RequestHead, ResponseHead,
};

use super::error::{Error, ErrorResponse};

/// A request, without a body.
pub type Request = http::Request<()>;
/// A response, without a body.
pub type Response = http::Response<()>;

/// A client's request, or what it can be made from: a URL, or a request with additional headers.
///
/// The fields of the handshake itself (Host, Connection, Upgrade, Sec-WebSocket-Key, Sec-WebSocket-Version) may be
/// missing, and are ignored. Sec-WebSocket-Protocol lists the subprotocols to offer.
pub trait IntoRequest {
    /// Makes the request.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] if the request is invalid.
    fn into_request(self) -> Result<Request, Error>;
}

impl IntoRequest for Request {
    fn into_request(self) -> Result<Request, Error> {
        Ok(self)
    }
}

impl IntoRequest for Uri {
    fn into_request(self) -> Result<Request, Error> {
        Request::builder()
            .uri(self)
            .body(())
            .map_err(Error::request)
    }
}

impl IntoRequest for &str {
    fn into_request(self) -> Result<Request, Error> {
        self.parse::<Uri>().map_err(Error::request)?.into_request()
    }
}

impl IntoRequest for &String {
    fn into_request(self) -> Result<Request, Error> {
        self.as_str().into_request()
    }
}

impl IntoRequest for String {
    fn into_request(self) -> Result<Request, Error> {
        self.as_str().into_request()
    }
}

/// Where a request goes (RFC 6455, section 3).
pub(super) struct Address<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) is_secure: bool,
}

#[cfg(feature = "client")]
impl<'a> Address<'a> {
    /// Returns the host for name resolution: an IPv6 address without its brackets.
    pub(super) fn name(&self) -> &'a str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}

pub(super) fn address(uri: &Uri) -> Result<Address<'_>, Error> {
    let (is_secure, own_port) = match uri.scheme_str() {
        Some("ws" | "http") => (false, 80),
        Some("wss" | "https") => (true, 443),
        Some(other) => {
            return Err(Error::request(format_args!(
                "the scheme {other} is not ws or wss"
            )));
        }
        None => return Err(Error::request("the URL names no scheme")),
    };
    let host = uri.host().filter(|host| !host.is_empty());
    Ok(Address {
        host: host.ok_or_else(|| Error::request("the URL names no host"))?,
        port: uri.port_u16().unwrap_or(own_port),
        is_secure,
    })
}

/// Converts a request for the engine.
pub(super) fn outgoing(request: &Request) -> Result<handshake::Request, Error> {
    if request.method() != Method::GET {
        return Err(Error::request(format_args!(
            "its method is {}, not GET",
            request.method()
        )));
    }
    let address = address(request.uri())?;
    let own_port = if address.is_secure { 443 } else { 80 };
    let authority = match address.port {
        port if port == own_port => address.host.to_owned(),
        port => format!("{}:{port}", address.host),
    };
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    Ok(handshake::Request {
        target: match target {
            query if query.starts_with('?') => format!("/{query}"),
            target => target.to_owned(),
        },
        authority,
        subprotocols: subprotocols(request.headers())?,
        extensions: Vec::new(),
        headers: fields(request.headers()),
    })
}

/// Returns the subprotocols in `Sec-WebSocket-Protocol`.
fn subprotocols(headers: &HeaderMap) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for value in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        let listed = listed(value).map_err(|_| Error::request("a subprotocol is not ASCII"))?;
        names.extend(listed.map(str::to_owned));
    }
    Ok(names)
}

/// Returns the names in one field.
pub(crate) fn listed(value: &HeaderValue) -> Result<impl Iterator<Item = &str>, ToStrError> {
    Ok(value.to_str()?.split(',').map(str::trim))
}

/// Returns the fields that the session doesn't write itself.
fn fields(headers: &HeaderMap) -> Vec<Header> {
    let own = [
        HOST,
        CONNECTION,
        UPGRADE,
        SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_VERSION,
        SEC_WEBSOCKET_PROTOCOL,
    ];
    let others = headers.iter().filter(|(name, _)| !own.contains(name));
    others.map(|(name, value)| header(name, value)).collect()
}

/// Returns all fields.
#[cfg(feature = "hyper")]
pub(crate) fn all_fields(headers: &HeaderMap) -> Vec<Header> {
    let header = |(name, value)| header(name, value);
    headers.iter().map(header).collect()
}

fn header(name: &HeaderName, value: &HeaderValue) -> Header {
    Header::new(name.as_str(), value.as_bytes())
}

/// Returns how a server accepts, from the response that its callback returned.
pub(super) fn acceptance(response: &Response) -> Result<Acceptance, Error> {
    let mut subprotocols = subprotocols(response.headers())?;
    if subprotocols.len() > 1 {
        return Err(Error::request(
            "the response names more than one subprotocol",
        ));
    }
    Ok(Acceptance {
        subprotocol: subprotocols.pop(),
        extensions: Vec::new(),
        headers: fields(response.headers()),
    })
}

/// Returns how a server refuses.
pub(super) fn refusal(response: ErrorResponse) -> Refusal {
    let (head, body) = response.into_parts();
    Refusal {
        status: head.status.as_u16(),
        headers: fields(&head.headers),
        body: body.into(),
    }
}

/// Converts a received request for the callback. It has passed the session's checks, but it is an error if the `http`
/// crate can't express it.
pub(super) fn incoming(head: RequestHead) -> Result<Request, Error> {
    let mut request = Request::new(());
    *request.method_mut() = head.method.parse().map_err(Error::request)?;
    *request.uri_mut() = head.target.parse().map_err(Error::request)?;
    *request.headers_mut() = header_map(head.headers)?;
    Ok(request)
}

/// Converts a response that refuses, with what was received of its body.
pub(super) fn error_response(mut head: ResponseHead) -> Result<ErrorResponse, Error> {
    let body = Bytes::from(std::mem::take(&mut head.body));
    Ok(response(head)?.map(|()| body))
}

/// Converts a received response, without its body.
pub(super) fn response(head: ResponseHead) -> Result<Response, Error> {
    let mut response = Response::new(());
    *response.status_mut() = head.status.try_into().map_err(Error::request)?;
    *response.headers_mut() = header_map(head.headers)?;
    Ok(response)
}

pub(super) fn header_map(headers: Vec<Header>) -> Result<HeaderMap, Error> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for Header { name, value } in headers {
        let name: HeaderName = name.parse().map_err(Error::request)?;
        let value = HeaderValue::from_maybe_shared(Bytes::from(value)).map_err(Error::request)?;
        map.append(name, value);
    }
    Ok(map)
}
