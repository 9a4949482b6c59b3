//! Decodes a fuzz input: settings, the start and the splits. The rest is what the peer sends.

use arbitrary::{Arbitrary, Result, Unstructured};
use host_tests::engine::{ENTROPY, START};
use host_tests::{Engine, Native};
use host_tests::{deflate, heads};
use websocket_component::handshake::{Acceptance, Extension, Negotiated, Request};
use websocket_component::{Config, Deflate, Delivery, Instant, PongPolicy, Role};

/// When everything happens.
pub(crate) const NOW: Instant = Instant::from_nanos(7_000_000_000);

/// The longest message that is left in the input, if any is: shorter than some.
pub(crate) const LEFT: u32 = 300;

/// The least payload that is read outside the session, if any is.
pub(crate) const OUTSIDE: u64 = 5;

/// The extension whose frames the host processes.
const EXTENSION: &str = "x-frames";

/// How a session starts.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Open.
    Open,
    /// Open, with an extension of the host.
    OpenWithExtension,
    /// With a handshake in bytes, and a valid head from the peer.
    SoundHead,
    /// With a handshake in bytes, and any head from the peer.
    AnyHead,
    /// The same, and a server's host accepts no request.
    RefusedHead,
}

/// One session, and everything that its peer sends.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) role: Role,
    pub(crate) start: Start,
    pub(crate) config: Config,
    /// The lengths of the parts in which the peer's bytes arrive, repeated.
    pub(crate) cuts: Vec<usize>,
    /// How many bytes an exchange of the cut run takes.
    pub(crate) capacity: u32,
    /// Everything that the peer sends.
    pub(crate) said: Vec<u8>,
}

impl Case {
    pub(crate) fn read(role: Role, input: &[u8]) -> Result<Case> {
        let mut input = Unstructured::new(input);
        let start = input.arbitrary()?;
        let config = config(&mut input)?;
        let mut cuts = Vec::new();
        for _ in 0..3 {
            cuts.push(usize::from(input.arbitrary::<u8>()?).max(1));
        }
        let capacity = *input.choose(&[1, 3, 50, 1000, 65_536])?;
        let mut said = Vec::new();
        if start == Start::SoundHead {
            said = sound_head(role);
        }
        said.extend_from_slice(input.take_rest());
        Ok(Case {
            role,
            start,
            config,
            cuts,
            capacity,
            said,
        })
    }

    /// Creates the session. A client that begins with a handshake has queued its request.
    pub(crate) fn engine<E: Engine>(&self) -> E {
        match self.start {
            Start::Open => {
                let agreed = agreed_with_anyone(self.role, &self.config);
                E::open(self.role, &self.config, &agreed).unwrap()
            }
            Start::OpenWithExtension => {
                let extensions = vec![extension()];
                let negotiated = Negotiated {
                    extensions,
                    ..Negotiated::default()
                };
                E::open(self.role, &self.config, &negotiated).unwrap()
            }
            Start::SoundHead | Start::AnyHead | Start::RefusedHead => {
                let mut engine = E::new(self.role, &self.config).unwrap();
                if self.role == Role::Client {
                    engine.connect(&request(&self.config), NOW).unwrap();
                }
                engine
            }
        }
    }

    pub(crate) fn begins_with_heads(&self) -> bool {
        !matches!(self.start, Start::Open | Start::OpenWithExtension)
    }
}

/// Returns settings within their ranges, including the ends of the ranges.
pub(crate) fn config(input: &mut Unstructured<'_>) -> Result<Config> {
    let mut config = Config::default();
    let [
        pieces,
        shown,
        quiet,
        unanswered,
        unchecked,
        unmasked,
        bad_requests,
    ]: [bool; 7] = input.arbitrary()?;
    if pieces {
        config.delivery = Delivery::Streaming;
    }
    config.report_control_frames = shown;
    config.close_on_failure = !quiet;
    config.reply_to_close = !unanswered;
    config.verify_utf8 = !unchecked;
    config.masking = !unmasked;
    config.expose_invalid_requests = bad_requests;
    config.allow_http10_response = bad_requests;
    config.allow_malformed_host = !bad_requests;
    config.pongs = *input.choose(&[PongPolicy::Each, PongPolicy::Latest, PongPolicy::Manual])?;
    (config.receive_buffer, config.max_whole_frame) = *input.choose(&[
        (65_536, 0),
        (256, 0),
        (300, 0),
        (65_536, 100_000),
        (256, 1000),
        (300, 10),
    ])?;
    config.send_buffer = *input.choose(&[65_536, 16, 100])?;
    let limits = &mut config.limits;
    limits.frame = *input.choose(&[16 << 20, 125, 1000, 0, u64::MAX])?;
    limits.message = *input.choose(&[16 << 20, 200, 2000, 0, u64::MAX])?;
    limits.fragments = *input.choose(&[65_536, 3, 1, u32::MAX])?;
    limits.queued_pongs = *input.choose(&[65_536, 300, 0, u32::MAX])?;
    limits.queued_output = *input.choose(&[32 << 20, 500, u64::MAX])?;
    limits.head = *input.choose(&[65_536, 400, u32::MAX])?;
    limits.refusal_body = *input.choose(&[65_536, 80, 0])?;
    limits.headers = *input.choose(&[256, 6, u32::MAX])?;
    if input.arbitrary()? {
        limits.inflate_per_call = *input.choose(&[1 << 20, 1024, 5000])?;
        // What comes of a few bytes is a thousand times as long, and is heard in pieces of one byte, too.
        limits.message = limits.message.min(100_000);
        config.deflate = Some(compression(input)?);
    }
    Ok(config)
}

fn compression(input: &mut Unstructured<'_>) -> Result<Deflate> {
    let mut deflate = Deflate::default();
    [
        deflate.send_context_takeover,
        deflate.receive_context_takeover,
    ] = input.arbitrary()?;
    deflate.send_window_bits = input.int_in_range(8..=15)?;
    deflate.receive_window_bits = input.int_in_range(8..=15)?;
    deflate.level = input.int_in_range(0..=9)?;
    deflate.memory_level = input.int_in_range(1..=9)?;
    deflate.min_length = *input.choose(&[0, 64])?;
    Ok(deflate)
}

/// Returns what a client and a server negotiate, if both enable permessage-deflate.
pub(crate) fn agreed(client: &Config, server: &Config) -> Negotiated {
    let (Some(client), Some(server)) = (client.deflate, server.deflate) else {
        return Negotiated::default();
    };
    let mut parameters = format!(
        "server_max_window_bits={}; client_max_window_bits={}",
        server.send_window_bits.min(client.receive_window_bits),
        client.send_window_bits.min(server.receive_window_bits),
    );
    if !(server.send_context_takeover && client.receive_context_takeover) {
        parameters += "; server_no_context_takeover";
    }
    if !(client.send_context_takeover && server.receive_context_takeover) {
        parameters += "; client_no_context_takeover";
    }
    deflate::negotiated(&parameters)
}

/// Returns the same for a peer with the session's settings.
pub(crate) fn agreed_with_anyone(role: Role, config: &Config) -> Negotiated {
    let mut peer = Config::default();
    peer.deflate = Some(Deflate::default());
    match role {
        Role::Client => agreed(config, &peer),
        Role::Server => agreed(&peer, config),
    }
}

/// Returns a client's request, with the host's extension or permessage-deflate.
pub(crate) fn request(config: &Config) -> Request {
    let extensions = match config.deflate {
        Some(_) => Vec::new(),
        None => vec![extension()],
    };
    Request {
        subprotocols: vec!["chat".into(), "superchat".into()],
        extensions,
        ..Request::new("example.org", "/chat")
    }
}

/// Returns how a server's host accepts.
pub(crate) fn acceptance() -> Acceptance {
    Acceptance::default()
}

pub(crate) fn extension() -> Extension {
    Extension {
        name: EXTENSION.into(),
        parameters: Vec::new(),
    }
}

/// The key of the client, which is made of its entropy: the same in every case.
pub(crate) fn key_of_the_client() -> String {
    let config = Config::default();
    let mut client = Native::client(&config, &ENTROPY, START).unwrap();
    client.connect(&request(&config), NOW).unwrap();
    let head = client.exchange(b"", &[], NOW, u32::MAX).output;
    let head = String::from_utf8(head).unwrap();
    heads::field(&head, "Sec-WebSocket-Key").unwrap().into()
}

fn sound_head(role: Role) -> Vec<u8> {
    match role {
        Role::Server => heads::request(),
        Role::Client => heads::response_to(&key_of_the_client()),
    }
}
