//! A relay: each connection that it accepts is passed on to one upstream server, message by message.
//!
//! ```sh
//! cargo run --example relay -- 127.0.0.1:9001 127.0.0.1:9002
//! ```
//!
//! It listens on the second address. Each connection has a thread with two sessions, and for each of their sockets one
//! that reads and one that writes. A socket is read only while what comes of it can be passed on, so what waits in the
//! relay is bounded.

mod side;

use std::error::Error;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant as Clock};
use std::{env, thread};

use websocket_component::handshake::{Acceptance, Refusal, Request};
use websocket_component::{Config, Delivery, Event, Instant, Session, State};

use side::{HIGH_WATER, Happening, Side};

/// More are not accepted.
const MAX_CONNECTIONS: usize = 256;
/// How long what is kept for sessions that have ended may take.
const LINGER: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let Some(upstream) = args.next() else {
        eprintln!("usage: relay UPSTREAM_HOST:PORT [HOST:PORT]");
        return ExitCode::from(2);
    };
    let address = args.next().unwrap_or_else(|| "127.0.0.1:0".into());
    match serve(&address, &upstream) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {address} to {upstream}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(address: &str, upstream: &str) -> Result<(), Box<dyn Error>> {
    let authority: Arc<str> = upstream.into();
    let upstream = upstream.to_socket_addrs()?.next().ok_or("no address")?;
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (socket, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) => {
                eprintln!("relay: {error}");
                thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        let authority = Arc::clone(&authority);
        if Arc::strong_count(&authority) > MAX_CONNECTIONS {
            continue;
        }
        thread::Builder::new().spawn(move || {
            match Relay::new(socket, upstream, authority).and_then(Relay::run) {
                Ok([client, upstream]) => println!("{peer}: closed with {client}, {upstream}"),
                Err(error) => println!("{peer}: {error}"),
            }
        })?;
    }
}

struct Relay {
    /// The client's side, which a server session has, and the upstream's.
    sides: [Side; 2],
    happenings: Receiver<(usize, Happening)>,
    authority: Arc<str>,
    started: Clock,
}

impl Relay {
    fn new(
        client: TcpStream,
        upstream: SocketAddr,
        authority: Arc<str>,
    ) -> Result<Relay, Box<dyn Error>> {
        let upstream = TcpStream::connect_timeout(&upstream, Duration::from_secs(5))?;
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy)?;
        let mut config = Config::default();
        // What comes goes on at once, however long its message is.
        config.delivery = Delivery::Streaming;
        // A close frame goes on, too, and is answered by the other side.
        config.reply_to_close = false;
        let now = Instant::default();
        let (reports, happenings) = channel();
        let server = Session::server(config, now)?;
        let to_upstream = Session::client(config, &entropy, now)?;
        Ok(Relay {
            sides: [
                Side::new(server, client, 0, &reports)?,
                Side::new(to_upstream, upstream, 1, &reports)?,
            ],
            happenings,
            authority,
            started: Clock::now(),
        })
    }

    /// Relays until both sides have closed. Returns their codes.
    fn run(mut self) -> Result<[u16; 2], Box<dyn Error>> {
        let mut ended = None;
        loop {
            let now = Instant::default().after(self.started.elapsed());
            self.step(0, now)?;
            self.step(1, now)?;
            let mut has_more = false;
            for index in [0, 1] {
                let [side, other] = self.pair(index);
                let is_held_up = side.is_held_up_by(other);
                side.drive(is_held_up, now);
                has_more |= side.session.has_more() || (side.more && !is_held_up);
            }
            if has_more {
                continue;
            }
            let outcomes = self.sides.each_ref().map(|side| side.session.outcome());
            if let [Some(client), Some(upstream)] = outcomes {
                let ended = *ended.get_or_insert(now);
                if self.sides.iter().all(Side::is_over) || now.since(ended) > LINGER {
                    return Ok([client.code(), upstream.code()]);
                }
            }
            let deadlines = self
                .sides
                .iter()
                .filter_map(|side| side.session.next_deadline());
            let wait = deadlines
                .min()
                .map_or(LINGER, |deadline| deadline.since(now));
            if let Ok((index, happening)) = self.happenings.recv_timeout(wait.min(LINGER)) {
                let now = Instant::default().after(self.started.elapsed());
                let [side, _] = self.pair(index);
                side.note(happening, now);
            }
        }
    }

    /// One side, and the other.
    fn pair(&mut self, index: usize) -> [&mut Side; 2] {
        let [client, upstream] = &mut self.sides;
        match index {
            0 => [client, upstream],
            _ => [upstream, client],
        }
    }

    /// Passes a session its input, and the messages in it to the other one.
    fn step(&mut self, index: usize, now: Instant) -> Result<(), Box<dyn Error>> {
        let authority = Arc::clone(&self.authority);
        let [from, to] = self.pair(index);
        // Without input the call only passes the time, and returns queued output.
        let length = if from.is_held_up_by(to) {
            0
        } else {
            from.input.len()
        };
        let input = &mut from.input[..length];
        let states = [from.session.state(), to.session.state()];
        let source = match states.contains(&State::Connecting) {
            true => from.session.exchange(input, [], now, HIGH_WATER),
            false => {
                let relayed = from.session.relay(&mut to.session, input, now, HIGH_WATER);
                if let Some(failure) = relayed.target.refused {
                    return Err(failure.into());
                }
                to.output.extend_from_slice(relayed.target.output);
                relayed.source
            }
        };
        from.output.extend_from_slice(source.output);
        from.more = source.more;
        let (mut has_request, mut has_opened, mut close) = (false, false, None);
        for event in source.events() {
            match event {
                Event::Request => has_request = true,
                Event::Opened => has_opened = true,
                Event::Close { code, reason } => close = Some((code, reason.to_vec())),
                _ => {}
            }
        }
        let (consumed, has_failed) = (source.consumed, source.failure.is_some());
        from.input.drain(..consumed);

        if has_request && let Some(head) = from.session.request() {
            let request = Request {
                subprotocols: head.subprotocols.clone(),
                ..Request::new(&*authority, &*head.target)
            };
            match to.session.connect(&request, now) {
                Ok(()) => to.more = true,
                // The upstream has gone already.
                Err(_) => from.session.refuse(&Refusal::new(502), now)?,
            }
            from.more = true;
        }
        if has_opened {
            let negotiated = from.session.negotiated();
            let subprotocol = negotiated.and_then(|negotiated| negotiated.subprotocol.clone());
            let acceptance = Acceptance {
                subprotocol,
                ..Acceptance::default()
            };
            to.session.accept(&acceptance, now)?;
            to.more = true;
        }
        if (close.is_some() || has_failed) && !from.is_passed_on {
            from.is_passed_on = true;
            to.close(close, now);
        }
        Ok(())
    }
}
