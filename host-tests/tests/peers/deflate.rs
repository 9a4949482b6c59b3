//! permessage-deflate between the component and real peers, directly and through an inspecting gate: each combination
//! of context takeover and windows that the peer supports, offered and answered, with text that compresses and bytes
//! that don't, from nothing to 16 MiB.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{SinkExt, StreamExt};
use host_tests::deflate::{noise, text};
use host_tests::gate::{Gate, component};
use host_tests::process::Process;
use host_tests::tools;
use rstest::rstest;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use websocket_host::protocol::{Config, Deflate};
use websocket_host::stream::{Error, Message, accept_async_with_config, client_async_with_config};
use websocket_host::{Sandbox, SandboxConfig};

use crate::{alone, counted::Counted};

/// The windows of every library built on zlib, which can only read raw streams of 8 bits.
const WINDOWS: RangeInclusive<u8> = 9..=15;

const LENGTHS: [usize; 10] = [
    0,
    1,
    125,
    126,
    1000,
    4096,
    65_535,
    65_536,
    1 << 20,
    16 << 20,
];

/// The longest message for each of many combinations.
const LONG: usize = 65_536;
/// The longest message for a few.
const LONGEST: usize = 16 << 20;

/// The parameters of an offer or an answer.
#[derive(Clone, Copy, Debug)]
struct Parameters {
    server_takeover: bool,
    client_takeover: bool,
    server_bits: u8,
    client_bits: u8,
}

const WIDEST: Parameters = Parameters {
    server_takeover: true,
    client_takeover: true,
    server_bits: 15,
    client_bits: 15,
};

const NARROWEST: Parameters = Parameters {
    server_takeover: false,
    client_takeover: false,
    server_bits: 9,
    client_bits: 9,
};

impl Parameters {
    fn all(windows: RangeInclusive<u8>) -> Vec<Parameters> {
        let mut all = Vec::new();
        for server_bits in windows.clone() {
            for client_bits in windows.clone() {
                for (server_takeover, client_takeover) in
                    [(true, true), (true, false), (false, true), (false, false)]
                {
                    all.push(Parameters {
                        server_takeover,
                        client_takeover,
                        server_bits,
                        client_bits,
                    });
                }
            }
        }
        all
    }

    /// By the names of RFC 7692, section 7.1.
    fn json(list: &[Parameters]) -> String {
        let mut json = String::from("[");
        for parameters in list {
            let _ = write!(
                json,
                r#"{}{{"server_no_context_takeover":{},"client_no_context_takeover":{},"server_max_window_bits":{},"client_max_window_bits":{}}}"#,
                if json.len() > 1 { "," } else { "" },
                !parameters.server_takeover,
                !parameters.client_takeover,
                parameters.server_bits,
                parameters.client_bits,
            );
        }
        json + "]"
    }

    /// As settings of the component's server.
    fn of_server(self) -> Deflate {
        let mut deflate = Deflate::default();
        deflate.send_window_bits = self.server_bits;
        deflate.send_context_takeover = self.server_takeover;
        deflate.receive_window_bits = self.client_bits;
        deflate.receive_context_takeover = self.client_takeover;
        deflate
    }

    /// As settings of the component's client.
    fn of_client(self) -> Deflate {
        let mut deflate = Deflate::default();
        deflate.send_window_bits = self.client_bits;
        deflate.send_context_takeover = self.client_takeover;
        deflate.receive_window_bits = self.server_bits;
        deflate.receive_context_takeover = self.server_takeover;
        deflate
    }
}

/// The component, on both roles' side of the wire.
struct World {
    runtime: Runtime,
    sandbox: Sandbox,
    /// The bytes of all messages that were sent, and of all that was written.
    said: Arc<AtomicU64>,
    written: Arc<AtomicU64>,
}

impl World {
    fn new() -> World {
        let sandbox = Sandbox::load(component(), SandboxConfig::default());
        World {
            runtime: Runtime::new().expect("threads"),
            sandbox: sandbox.expect("the component is built"),
            said: Arc::default(),
            written: Arc::default(),
        }
    }

    fn config(&self, deflate: Deflate) -> Config {
        let mut config = Config::default();
        config.deflate = Some(deflate);
        // Data that doesn't compress gets longer, and peers send it that way.
        config.limits.frame = LONGEST as u64 + (64 << 10);
        config
    }

    /// Starts an echo server, which runs until this is dropped.
    fn server(&self, parameters: Parameters) -> io::Result<SocketAddr> {
        let listener = self.runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let config = self.config(parameters.of_server());
        let sandbox = self.sandbox.clone();
        let (said, written) = (Arc::clone(&self.said), Arc::clone(&self.written));
        self.runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let io = Counted::new(socket, Arc::clone(&written));
                let (sandbox, config, said) = (sandbox.clone(), config, Arc::clone(&said));
                tokio::spawn(async move {
                    let echo = async {
                        let mut stream = accept_async_with_config(io, &sandbox, config).await?;
                        while let Some(message) = stream.next().await.transpose()? {
                            if message.is_data() {
                                said.fetch_add(message.len() as u64, Ordering::Relaxed);
                                stream.send(message).await?;
                            }
                        }
                        Ok::<_, Error>(())
                    };
                    // Printed, since the client only fails for a missing echo.
                    if let Err(error) = echo.await {
                        eprintln!("the component's server: {error}");
                    }
                });
            }
        });
        Ok(address)
    }

    /// Runs a client of an echo server.
    fn client(&self, url: &str, parameters: Parameters, longest: usize) {
        let config = self.config(parameters.of_client());
        self.runtime.block_on(async {
            let (_, rest) = url.split_once("//").expect("a URL");
            let (authority, _) = rest.split_once('/').expect("a path");
            let socket = TcpStream::connect(authority)
                .await
                .expect("the server listens");
            let io = Counted::new(socket, Arc::clone(&self.written));
            let opened = client_async_with_config(url, io, &self.sandbox, config).await;
            let (mut stream, _) = opened.expect("it opens");
            let agreed = &stream.negotiated().extensions;
            assert_eq!(agreed.len(), 1, "nothing was agreed on for {parameters:?}");
            for length in LENGTHS.into_iter().filter(|length| *length <= longest) {
                for message in [Message::text(text(length)), Message::binary(noise(length))] {
                    self.said.fetch_add(length as u64, Ordering::Relaxed);
                    stream.send(message.clone()).await.expect("sent");
                    let echo = stream.next().await.expect("an answer").expect("no error");
                    assert!(echo == message, "{length} with {parameters:?}");
                }
            }
            stream.close(None).await.expect("closed");
        });
    }

    /// Half of what was sent is text, which compresses to almost nothing.
    fn has_compressed(&self) {
        let said = self.said.load(Ordering::Relaxed);
        let written = self.written.load(Ordering::Relaxed);
        assert!(
            said > 0 && written < said / 3 * 2,
            "{written} written for {said}"
        );
    }
}

/// What is between the two ends.
#[derive(Clone, Copy, Debug)]
enum Way {
    Direct,
    Gate,
}

/// Returns a URL for each of these servers, and the gate, which has to be kept.
fn urls(way: Way, servers: &[SocketAddr]) -> io::Result<(Vec<String>, Option<Gate>)> {
    match way {
        Way::Direct => {
            let urls = servers.iter().map(|address| format!("ws://{address}/"));
            Ok((urls.collect(), None))
        }
        Way::Gate => {
            let rules = servers.iter().enumerate();
            let rules = rules.map(|(index, address)| format!("--upstream=/{index}=ws://{address}"));
            // Data that doesn't compress gets longer.
            let arguments: Vec<String> = rules.chain(["--max-message=17MiB".into()]).collect();
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let gate = Gate::start(&component(), &arguments)?;
            let urls = (0..servers.len()).map(|index| format!("ws://{}/{index}", gate.address));
            Ok((urls.collect(), Some(gate)))
        }
    }
}

/// Tests a peer as the client of a server of the component.
fn offers(way: Way, client: Command, parameters: &[Parameters], longest: usize) -> io::Result<()> {
    let _alone = alone();
    let world = World::new();
    let (urls, _gate) = urls(way, &[world.server(WIDEST)?])?;
    let mut client = client;
    client.args(urls);
    client.args([Parameters::json(parameters), longest.to_string()]);
    tools::run("the client", client);
    world.has_compressed();
    Ok(())
}

/// Tests a peer as a server with each of the parameters, with clients of the component.
fn answers(way: Way, server: Command, parameters: &[Parameters], longest: usize) -> io::Result<()> {
    let _alone = alone();
    let world = World::new();
    let mut server = server;
    server.arg(Parameters::json(parameters));
    let server = Process::start("the server", &mut server)?;
    let servers: io::Result<Vec<_>> = parameters.iter().map(|_| server.address()).collect();
    let (urls, _gate) = urls(way, &servers?)?;
    for url in urls {
        world.client(&url, WIDEST, longest);
    }
    world.has_compressed();
    Ok(())
}

/// Tests a peer as a server that accepts what is requested.
fn agrees(way: Way, server: Command, parameters: &[Parameters]) -> io::Result<()> {
    let _alone = alone();
    let world = World::new();
    let mut server = server;
    server.arg("[{}]");
    let server = Process::start("the server", &mut server)?;
    let (urls, _gate) = urls(way, &[server.address()?])?;
    for parameters in parameters {
        world.client(&urls[0], *parameters, LONG);
    }
    world.has_compressed();
    Ok(())
}

#[rstest]
fn ws_offers_every_combination(#[values(Way::Direct, Way::Gate)] way: Way) -> io::Result<()> {
    if tools::skipped("ws_offers_every_combination") {
        return Ok(());
    }
    offers(
        way,
        tools::node("deflate-client.mjs"),
        &Parameters::all(8..=15),
        LONG,
    )
}

#[rstest]
fn ws_answers_with_every_combination(#[values(Way::Direct, Way::Gate)] way: Way) -> io::Result<()> {
    if tools::skipped("ws_answers_with_every_combination") {
        return Ok(());
    }
    answers(
        way,
        tools::node("deflate-server.mjs"),
        &Parameters::all(8..=15),
        LONG,
    )
}

#[rstest]
fn ws_agrees_to_every_combination(#[values(Way::Direct, Way::Gate)] way: Way) -> io::Result<()> {
    if tools::skipped("ws_agrees_to_every_combination") {
        return Ok(());
    }
    agrees(
        way,
        tools::node("deflate-server.mjs"),
        &Parameters::all(8..=15),
    )
}

#[rstest]
fn ws_sends_and_receives_16_mib(#[values(Way::Direct, Way::Gate)] way: Way) -> io::Result<()> {
    if tools::skipped("ws_sends_and_receives_16_mib") {
        return Ok(());
    }
    offers(
        way,
        tools::node("deflate-client.mjs"),
        &[WIDEST, NARROWEST],
        LONGEST,
    )?;
    answers(
        way,
        tools::node("deflate-server.mjs"),
        &[WIDEST, NARROWEST],
        LONGEST,
    )
}

#[rstest]
fn python_websockets_offers_every_combination(
    #[values(Way::Direct, Way::Gate)] way: Way,
) -> io::Result<()> {
    if tools::skipped("python_websockets_offers_every_combination") {
        return Ok(());
    }
    offers(
        way,
        tools::python("deflate_client.py"),
        &Parameters::all(WINDOWS),
        LONG,
    )
}

#[rstest]
fn python_websockets_answers_with_every_combination(
    #[values(Way::Direct, Way::Gate)] way: Way,
) -> io::Result<()> {
    if tools::skipped("python_websockets_answers_with_every_combination") {
        return Ok(());
    }
    answers(
        way,
        tools::python("deflate_server.py"),
        &Parameters::all(WINDOWS),
        LONG,
    )
}

#[rstest]
fn python_websockets_agrees_to_every_combination(
    #[values(Way::Direct, Way::Gate)] way: Way,
) -> io::Result<()> {
    if tools::skipped("python_websockets_agrees_to_every_combination") {
        return Ok(());
    }
    agrees(
        way,
        tools::python("deflate_server.py"),
        &Parameters::all(WINDOWS),
    )
}

#[rstest]
fn python_websockets_sends_and_receives_16_mib(
    #[values(Way::Direct, Way::Gate)] way: Way,
) -> io::Result<()> {
    if tools::skipped("python_websockets_sends_and_receives_16_mib") {
        return Ok(());
    }
    offers(
        way,
        tools::python("deflate_client.py"),
        &[WIDEST, NARROWEST],
        LONGEST,
    )?;
    answers(
        way,
        tools::python("deflate_server.py"),
        &[WIDEST, NARROWEST],
        LONGEST,
    )
}

/// Chromium offers all that it can; the server chooses.
fn chromium(way: Way, parameters: &[Parameters], longest: usize) -> io::Result<()> {
    let _alone = alone();
    let world = World::new();
    let mut browser = tools::node("deflate-browser.mjs");
    browser.arg(tools::chromium()).arg(longest.to_string());
    let servers: io::Result<Vec<_>> = parameters.iter().map(|each| world.server(*each)).collect();
    let (urls, _gate) = urls(way, &servers?)?;
    browser.args(urls);
    tools::run("the browser", browser);
    world.has_compressed();
    Ok(())
}

#[rstest]
fn chromium_is_answered_with_every_combination(
    #[values(Way::Direct, Way::Gate)] way: Way,
) -> io::Result<()> {
    if tools::skipped("chromium_is_answered_with_every_combination") {
        return Ok(());
    }
    chromium(way, &Parameters::all(8..=15), LONG)
}

#[rstest]
fn chromium_sends_and_receives_16_mib(
    #[values(Way::Direct, Way::Gate)] way: Way,
) -> io::Result<()> {
    if tools::skipped("chromium_sends_and_receives_16_mib") {
        return Ok(());
    }
    chromium(way, &[WIDEST, NARROWEST], LONGEST)
}
