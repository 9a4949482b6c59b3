//! The upstream of the demo: a WebSocket server that sends back what it gets.
//!
//! It is the shortest server there is on a sandbox: what a session receives it can send as it is, also a close frame,
//! which so answers itself.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tracing::debug;
use websocket_host::protocol::{Acceptance, Config, Delivery};
use websocket_host::{CallError, Clock, Guest, Sandbox};

use crate::buffers::{self, Batch, Buffers};
use crate::handshake::{Outcome, handshake};
use crate::side::Side;
use crate::socket::Socket;
use crate::timer::Timer;

/// Serves until it is dropped.
pub(crate) async fn serve(sandbox: Sandbox, listener: TcpListener) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Too many open files, most likely; some will be closed.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let sandbox = sandbox.clone();
        tokio::spawn(async move {
            match connection(&sandbox, stream).await {
                Ok(socket) => socket.linger().await,
                Err(error) => debug!("echo server: {peer}: {error}"),
            }
        });
    }
}

/// One connection. Gives back its socket when the session has ended.
async fn connection(sandbox: &Sandbox, stream: TcpStream) -> Result<Socket, CallError> {
    let mut guest = sandbox.guest()?;
    let clock = Clock::start();
    let session = guest.server(&config(), clock.now())?;
    let mut echo = Echo {
        guest,
        side: Side::new(Socket::new(stream), session),
        clock,
    };
    if echo.open().await? {
        let mut timer = Timer::new(&echo.clock);
        poll_fn(|cx| echo.poll(&mut timer, cx)).await?;
    }
    Ok(echo.side.socket)
}

fn config() -> Config {
    let mut config = Config::default();
    config.delivery = Delivery::Streaming;
    config.reply_to_close = false;
    // It is the gate that asks whether somebody is there.
    config.timeouts.keepalive = None;
    // And that has the limits.
    config.limits.message = u64::MAX;
    config.limits.frame = u64::MAX;
    config.limits.fragments = u32::MAX;
    config
}

struct Echo {
    guest: Guest,
    side: Side,
    clock: Clock,
}

impl Echo {
    /// Accepts the request, with the subprotocol that the client wants most. Returns whether there was one.
    async fn open(&mut self) -> Result<bool, CallError> {
        let Self { guest, side, clock } = self;
        let outcome = handshake(guest, side, clock).await?;
        if outcome != Outcome::Arrived {
            return Ok(false);
        }
        let request = guest.request(side.session())?;
        let subprotocols = request.map(|request| request.subprotocols);
        let acceptance = Acceptance {
            subprotocol: subprotocols.and_then(|all| all.into_iter().next()),
            ..Acceptance::default()
        };
        guest.accept(side.session(), &acceptance, clock.now())?;
        side.more = true;
        Ok(true)
    }

    fn poll(&mut self, timer: &mut Timer, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        loop {
            self.side.socket.poll_flush(cx);
            if self.side.is_over() {
                return Poll::Ready(Ok(()));
            }
            if self.side.wants_pump() {
                self.pump()?;
                continue;
            }
            if self.poll_input(cx)? {
                continue;
            }
            if timer.poll(cx, &self.clock, self.side.deadline).is_pending() {
                return Poll::Pending;
            }
            self.pump()?;
        }
    }

    fn pump(&mut self) -> Result<(), CallError> {
        let now = self.clock.now();
        buffers::with(|Buffers { batch, .. }| {
            batch.clear();
            let Self { guest, side, .. } = self;
            side.exchange(guest, now, &[], &Batch::default(), batch)?;
            side.deliver(guest, now, batch)
        })
    }

    /// Reads, if what was read before is written. Returns whether anything came.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Result<bool, CallError> {
        let Self { guest, side, clock } = self;
        if !side.listens() || side.is_stuck() {
            return Ok(false);
        }
        buffers::with(|Buffers { input, batch }| {
            batch.clear();
            let kept = std::mem::take(&mut side.kept);
            let count = match kept.is_empty() {
                true => side.socket.poll_read(cx, input),
                false => Poll::Ready(kept.len()),
            };
            let input = match count {
                Poll::Pending => return Ok(false),
                Poll::Ready(0) => {
                    side.end_of_input(guest, clock.now(), batch)?;
                    return Ok(true);
                }
                Poll::Ready(_) if !kept.is_empty() => kept.as_slice(),
                Poll::Ready(count) => input.get(..count).unwrap_or_default(),
            };
            let done = side.exchange(guest, clock.now(), input, &Batch::default(), batch)?;
            side.kept = input.get(done.consumed..).unwrap_or_default().to_vec();
            side.deliver(guest, clock.now(), batch).map(|()| true)
        })
    }
}
