//! The handshake, in header fields.

use alloc::string::String;
use alloc::vec::Vec;

use websocket_component::handshake::{HandshakeKind, Header, new_key};
use websocket_component::inspector::Inspector;
use websocket_component::{Instant, Rule};

use super::Env;
use crate::host::{Head, text};
use crate::{Origin, Settings};

/// A request that asks for a WebSocket, as the proxy sees it.
pub(super) struct Asked {
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// It is an extended CONNECT, which the proxy has converted to an upgrade without a key.
    pub(super) is_connect: bool,
}

/// Why a request is refused before it reaches the server.
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) why: &'static str,
}

const KEY: &str = "sec-websocket-key";
pub(super) const ACCEPT: &str = "sec-websocket-accept";
const EXTENSIONS: &str = "sec-websocket-extensions";
const PROTOCOL: &str = "sec-websocket-protocol";

impl Asked {
    /// Returns a request if it asks for a WebSocket: over HTTP/1.1, or over HTTP/2 as the proxy presents it.
    pub(super) fn read(env: &mut Env<'_>) -> Option<Asked> {
        let fields = env.host.headers(Head::Request);
        let upgrade = values(&fields, "upgrade").any(|value| {
            let mut tokens = value.split(|byte| *byte == b',');
            tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"websocket"))
        });
        let has_key = values(&fields, KEY).next().is_some();
        let protocol = env.host.property("request\0protocol");
        let is_http1 = protocol.is_some_and(|protocol| protocol.starts_with(b"HTTP/1"));
        upgrade.then_some(Asked {
            fields,
            is_connect: !has_key && !is_http1,
        })
    }

    /// Checks what the settings allow, and removes subprotocols and extensions that they don't.
    pub(super) fn admit(&mut self, env: &mut Env<'_>) -> Result<(), Refused> {
        // The proxy presents an extended CONNECT as a GET, too.
        if values(&self.fields, ":method").next() != Some(b"GET") {
            return Err(Refused {
                status: 405,
                why: Rule::MethodNotGet.name(),
            });
        }
        if let Some(origins) = &env.settings.origins {
            let origin = values(&self.fields, "origin").next().map(text);
            if !origin.is_some_and(|origin| allows(origins, &origin)) {
                return Err(Refused {
                    status: 403,
                    why: "origin",
                });
            }
        }
        if let Some(allowed) = &env.settings.subprotocols {
            let offered =
                values(&self.fields, PROTOCOL).flat_map(|value| value.split(|byte| *byte == b','));
            let mut kept: Vec<String> = offered.map(|name| text(name.trim_ascii())).collect();
            let offered = kept.len();
            kept.retain(|name| allowed.contains(name));
            if kept.is_empty() && offered > 0 {
                return Err(Refused {
                    status: 403,
                    why: "subprotocol",
                });
            }
            if kept.len() < offered {
                self.set(PROTOCOL, kept.join(", ").as_bytes(), env);
            }
        }
        if env.settings.options.strip_extensions
            && values(&self.fields, EXTENSIONS).next().is_some()
        {
            env.host.remove_header(Head::Request, EXTENSIONS);
            self.drop_fields(EXTENSIONS);
        }
        Ok(())
    }

    /// Adds a key to an extended CONNECT, so that an HTTP/1.1 server accepts it.
    pub(super) fn add_key(&mut self, entropy: &[u8], env: &mut Env<'_>) {
        if let Ok(key) = new_key(entropy) {
            self.set(KEY, key.as_bytes(), env);
            self.is_connect = false;
        }
    }

    fn set(&mut self, name: &str, value: &[u8], env: &mut Env<'_>) {
        env.host.set_header(Head::Request, name, value);
        self.drop_fields(name);
        self.fields.push((name.into(), value.into()));
    }

    fn drop_fields(&mut self, name: &str) {
        self.fields
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name.as_bytes()));
    }

    /// Returns the request for the engine.
    pub(super) fn request(&self) -> (HandshakeKind, Vec<Header>) {
        let plain = self
            .fields
            .iter()
            .filter(|(name, _)| !name.starts_with(b":"));
        let pseudo = |name: &str| {
            values(&self.fields, name)
                .next()
                .unwrap_or_default()
                .to_vec()
        };
        if !self.is_connect {
            let mut headers: Vec<Header> = plain.map(header).collect();
            headers.push(Header::new("Host", pseudo(":authority")));
            return (HandshakeKind::Upgrade, headers);
        }
        let mut headers: Vec<Header> = [":scheme", ":authority", ":path"]
            .into_iter()
            .map(|name| Header::new(name, pseudo(name)))
            .collect();
        headers.push(Header::new(":method", "CONNECT"));
        headers.push(Header::new(":protocol", "websocket"));
        headers.extend(plain.filter(|(name, _)| !is_of_upgrade(name)).map(header));
        (HandshakeKind::ExtendedConnect, headers)
    }
}

/// Returns the status and the fields of the response. For an extended CONNECT, which the proxy has converted to an
/// upgrade, they are converted back.
pub(super) fn response(is_connect: bool, env: &mut Env<'_>) -> (u16, Vec<Header>) {
    let fields = env.host.headers(Head::Response);
    let status = values(&fields, ":status").next().map(text);
    let status = status.and_then(|status| status.parse().ok()).unwrap_or(0);
    let plain = fields.iter().filter(|(name, _)| !name.starts_with(b":"));
    if is_connect && status == 101 {
        let headers = plain.filter(|(name, _)| !is_of_upgrade(name)).map(header);
        return (200, headers.collect());
    }
    (status, plain.map(header).collect())
}

fn is_of_upgrade(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"upgrade") || name.eq_ignore_ascii_case(b"connection")
}

/// Returns bytes that outsiders can't predict: the proxy's random id of the request, with the time and the connection
/// to make them unique.
pub(super) fn entropy(connection: u32, env: &mut Env<'_>) -> Vec<u8> {
    let mut entropy = env.host.property("request\0id").unwrap_or_default();
    entropy.extend(env.host.now().to_le_bytes());
    entropy.extend(connection.to_le_bytes());
    entropy.extend(env.host.property("connection\0id").unwrap_or_default());
    entropy.extend([0; 32]);
    entropy
}

/// Creates the inspector of a connection, with the maximum age shortened at random, so that not all end at once.
pub(super) fn inspector(
    settings: &Settings,
    entropy: &[u8],
    now: Instant,
) -> Result<Inspector, Rule> {
    let mut options = settings.options;
    if let Some(age) = &mut options.timeouts.age {
        let mixed = entropy.iter().fold(now.as_nanos() | 1, |mixed, byte| {
            (mixed ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let share = (mixed >> 32) as u32;
        let jitter = settings.age_jitter.as_nanos() as u64;
        let less = (u128::from(jitter) * u128::from(share)) >> 32;
        *age = age.saturating_sub(core::time::Duration::from_nanos(less as u64));
    }
    Inspector::new(options, entropy, now)
}

fn allows(origins: &[Origin], origin: &str) -> bool {
    let origin = origin.trim().to_ascii_lowercase();
    origins.iter().any(|allowed| match allowed {
        Origin::Exact(exact) => *exact == origin,
        Origin::Below { scheme, domain } => origin
            .strip_prefix(&scheme[..])
            .and_then(|rest| rest.strip_suffix(&domain[..]))
            .is_some_and(|name| !name.is_empty() && !name.contains(['/', '@', ':'])),
    })
}

fn values<'a>(fields: &'a [(Vec<u8>, Vec<u8>)], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let is_name = move |field: &&(Vec<u8>, Vec<u8>)| field.0.eq_ignore_ascii_case(name.as_bytes());
    fields.iter().filter(is_name).map(|(_, value)| &value[..])
}

fn header((name, value): &(Vec<u8>, Vec<u8>)) -> Header {
    Header::new(text(name), value.clone())
}
