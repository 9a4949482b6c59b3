//! Clients and servers of HTTP/2 (RFC 8441): WebSockets as streams of a connection.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::ext::Protocol;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Method, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use websocket_component::Role::{self, Client, Server};

use crate::side::{Frames, Side};

const PATIENCE: Duration = Duration::from_secs(20);

/// A client with one connection of HTTP/2, for any number of streams.
pub(crate) struct Http2Client {
    runtime: Runtime,
    requests: SendRequest<Bytes>,
}

/// The answer to a request.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    pub(crate) client: Side,
}

/// A request in flight.
pub(crate) struct Asked(JoinHandle<Answer>);

impl Http2Client {
    pub(crate) fn connect(address: SocketAddr) -> Http2Client {
        let runtime = runtime();
        let requests = runtime.block_on(async {
            let socket = TcpStream::connect(address).await.expect("Envoy listens");
            socket.set_nodelay(true).expect("a socket");
            let (requests, connection) = h2::client::handshake(socket).await.expect("HTTP/2");
            tokio::spawn(connection);
            let mut requests = requests.ready().await.expect("HTTP/2");
            while !requests.is_extended_connect_protocol_enabled() {
                tokio::time::sleep(Duration::from_millis(1)).await;
                requests = requests.ready().await.expect("HTTP/2");
            }
            requests
        });
        Http2Client { runtime, requests }
    }

    /// Asks for a WebSocket with these fields, and sends these bytes without waiting for the answer.
    pub(crate) fn ask(&mut self, fields: &[(&str, &str)], early: &[u8]) -> Asked {
        let mut request = Request::builder()
            .method(Method::CONNECT)
            .uri("http://example.org/chat")
            .header("sec-websocket-version", "13")
            .extension(Protocol::from_static("websocket"));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a request");
        let _inside = self.runtime.enter();
        let sent = self.requests.send_request(request, false);
        let (answer, mut stream) = sent.expect("a stream");
        if !early.is_empty() {
            let early = Bytes::copy_from_slice(early);
            stream.send_data(early, false).expect("bytes");
        }
        Asked(self.runtime.spawn(async move {
            let (head, body) = answer.await.expect("an answer").into_parts();
            let client = bridge(Client, stream, body);
            Answer {
                status: head.status.as_u16(),
                fields: head.headers,
                client,
            }
        }))
    }

    #[track_caller]
    pub(crate) fn answer(&self, asked: Asked) -> Answer {
        let answer = async { tokio::time::timeout(PATIENCE, asked.0).await };
        let answer = self.runtime.block_on(answer);
        answer.expect("an answer in time").expect("an answer")
    }
}

/// A server of HTTP/2 that accepts each stream.
pub(crate) struct Http2Server {
    pub(crate) address: SocketAddr,
    accepted: Receiver<(HeaderMap, Side)>,
    _runtime: Runtime,
}

impl Http2Server {
    /// A server that answers requests with these fields.
    pub(crate) fn start(answer: fn(&HeaderMap) -> HeaderMap) -> Http2Server {
        let runtime = runtime();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (sender, accepted) = channel();
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let sender = sender.clone();
                tokio::spawn(async move {
                    let mut builder = h2::server::Builder::new();
                    builder.enable_connect_protocol();
                    let mut connection = builder.handshake::<_, Bytes>(socket).await?;
                    while let Some(stream) = connection.accept().await.transpose()? {
                        let (request, mut respond) = stream;
                        let (head, body) = request.into_parts();
                        let protocol = head.extensions.get::<Protocol>();
                        assert_eq!(protocol.map(Protocol::as_str), Some("websocket"));
                        let mut response = Response::new(());
                        *response.headers_mut() = answer(&head.headers);
                        let stream = respond.send_response(response, false)?;
                        let _ = sender.send((head.headers, bridge(Server, stream, body)));
                    }
                    Ok::<_, h2::Error>(())
                });
            }
        });
        Http2Server {
            address,
            accepted,
            _runtime: runtime,
        }
    }

    /// The fields of a request, and its stream.
    #[track_caller]
    pub(crate) fn accept(&self) -> (HeaderMap, Side) {
        self.accepted.recv_timeout(PATIENCE).expect("a stream")
    }
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).enable_all();
    builder.build().expect("a thread")
}

/// A side whose bytes are sent and received on a stream.
fn bridge(role: Role, mut stream: SendStream<Bytes>, mut body: RecvStream) -> Side {
    let (mine, its) = UnixStream::pair().expect("sockets");
    its.set_nonblocking(true).expect("a socket");
    let its = tokio::net::UnixStream::from_std(its).expect("a socket");
    let (mut from_side, mut to_side) = its.into_split();
    let frames = Arc::new(Frames::default());
    let side = Side::stream(role, mine, Arc::clone(&frames));
    tokio::spawn(async move {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let count = tokio::select! {
                biased;
                () = frames.reset.notified() => return stream.send_reset(Reason::CANCEL),
                () = frames.empty.notified() => {
                    let _ = stream.send_data(Bytes::new(), false);
                    continue;
                }
                count = from_side.read(&mut buffer) => count.unwrap_or(0),
            };
            if count == 0 {
                // It may have been reset by the other side.
                let _ = stream.send_data(Bytes::new(), true);
                return;
            }
            stream.reserve_capacity(count);
            while stream.capacity() < count {
                match poll_fn(|context| stream.poll_capacity(context)).await {
                    Some(Ok(_)) => {}
                    _ => return,
                }
            }
            let bytes = Bytes::copy_from_slice(&buffer[..count]);
            if stream.send_data(bytes, false).is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some(Ok(bytes)) = body.data().await {
            if to_side.write_all(&bytes).await.is_err() {
                return;
            }
            let _ = body.flow_control().release_capacity(bytes.len());
        }
        let _ = to_side.shutdown().await;
    });
    side
}
