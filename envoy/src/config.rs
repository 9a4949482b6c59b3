//! Reads the settings from JSON.

mod json;
mod object;
mod origin;
#[cfg(test)]
mod tests;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use websocket_component::handshake::Negotiated;
use websocket_component::inspector::{Direction, Inspector, OtherCode, Payload, UnknownExtensions};
use websocket_component::{Instant, Timeouts};

use crate::Expression;
use crate::settings::{Content, Pattern, Rate, Settings};
use json::{Json, excerpt};
use object::Object;

/// The maximum frame that may be held, and message that may be checked: Envoy buffers 1 MiB at most.
const MAX_HELD: u32 = 512 << 10;

/// An error in the configuration: one line that names the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for ConfigError {}

impl Settings {
    /// Parses the settings from JSON: an object with the settings that differ from the defaults, or an empty string.
    /// Summaries of messages are always on ([`View::messages`](websocket_component::inspector::View::messages)), and
    /// the write timeout ([`Direction::write`]) is left to the proxy.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not JSON, or has a setting that is unknown, repeated, out of its range, or that
    /// contradicts another one.
    pub fn parse(json: &[u8]) -> Result<Settings, ConfigError> {
        let json = match json.trim_ascii() {
            [] => Json::Object(Vec::new()),
            _ => serde_json::from_slice(json)
                .map_err(|error| ConfigError(format!("not JSON: {error}")))?,
        };
        let mut top = Object::new("", &json)?;
        let mut settings = Settings::default();

        let options = &mut settings.options;
        settings.client_rate = direction(&mut top, "client", &mut options.client)?;
        settings.server_rate = direction(&mut top, "server", &mut options.server)?;

        let timeouts = &mut options.timeouts;
        timeouts.handshake = top.timeout("handshake_seconds", timeouts.handshake)?;
        timeouts.age = top.timeout("age_seconds", timeouts.age)?;
        timeouts.age_code = top.close_code("age_code", timeouts.age_code)?;
        timeouts.close = top.timeout("close_seconds", timeouts.close)?;
        let jitter = top.timeout("age_jitter_seconds", None)?;
        settings.age_jitter = jitter.unwrap_or_default();

        options.other_code = match top.choice("other_code", &["gateway", "same"])? {
            0 => OtherCode::Gateway,
            _ => OtherCode::Same,
        };
        options.unknown_extensions =
            match top.choice("unknown_extensions", &["reject", "opaque"])? {
                0 => UnknownExtensions::Reject,
                _ => UnknownExtensions::Opaque,
            };
        options.strip_extensions = top.choice("deflate", &["pass", "strip"])? == 1;

        let origin =
            "an origin without a path, such as https://example.com or https://*.example.com";
        settings.origins = top.strings("origins", origin, origin::parse)?;
        settings.subprotocols = top.strings("subprotocols", "a token of HTTP", |text| {
            is_token(text).then(|| text.to_owned())
        })?;
        settings.repair = top.flag("http2_repair", settings.repair)?;
        settings.upstream_gone = top.close_code("upstream_gone_code", settings.upstream_gone)?;
        settings.memory = top.whole("memory_bytes", 1 << 20..=u64::MAX, settings.memory)?;
        let content = content(&mut top)?;
        top.finish()?;

        if settings.age_jitter > options.timeouts.age.unwrap_or_default() {
            return Err(top.error(
                "age_jitter_seconds",
                "needs age_seconds, and must not be longer",
            ));
        }
        if let Some((content, closes_longer)) = &content {
            if options.unknown_extensions == UnknownExtensions::Opaque {
                let problem = "must be \"reject\", because content looks inside";
                return Err(top.error("unknown_extensions", problem));
            }
            let sides = [
                ("client.inflate", content.client, &mut options.client),
                ("server.inflate", content.server, &mut options.server),
            ];
            for (inflate, _, side) in sides.into_iter().filter(|(_, is_seen, _)| *is_seen) {
                if !side.view.inflate {
                    return Err(top.error(inflate, "must be true, because content looks inside"));
                }
                side.hold_messages = true;
                side.view.payload = Payload::Messages {
                    up_to: content.up_to,
                };
                if *closes_longer {
                    side.limits.message = side.limits.message.min(content.up_to.into());
                }
            }
        }
        settings.content = content.map(|(content, _)| content);
        for side in [&mut options.client, &mut options.server] {
            side.view.messages = true;
            // The proxy does the writing, and has its own timeouts.
            side.write = None;
        }

        let start = Instant::from_nanos(0);
        match Inspector::open(*options, &[0; 32], &Negotiated::default(), start) {
            Ok(_) => Ok(settings),
            Err(rule) => Err(top.error("", rule.description())),
        }
    }
}

/// Parses the settings for what one side sends.
fn direction(
    top: &mut Object<'_>,
    key: &'static str,
    side: &mut Direction,
) -> Result<Option<Rate>, ConfigError> {
    let Some(mut object) = top.object(key)? else {
        return Ok(None);
    };
    let limits = &mut side.limits;
    limits.message = object.whole("max_message_bytes", 1..=u64::MAX, limits.message)?;
    limits.frame = object.whole("max_frame_bytes", 1..=u64::MAX, limits.frame)?;
    limits.fragments = object.small("max_fragments", 1..=u32::MAX, limits.fragments)?;

    side.idle = object.timeout("idle_seconds", side.idle)?;
    side.message_idle = object.timeout("message_idle_seconds", side.message_idle)?;
    side.message = object.timeout("message_seconds", side.message)?;
    side.pong = object.timeout("pong_seconds", side.pong)?;
    let ping = object.seconds(
        "ping_seconds",
        "0 (none) or seconds from 0.001 to 315360000",
        |time| time.is_zero() || time >= Timeouts::MIN_KEEPALIVE,
    )?;
    side.keepalive = ping.map_or(side.keepalive, |time| (!time.is_zero()).then_some(time));

    side.hold_frame = object.small("hold_frame_bytes", 0..=MAX_HELD, side.hold_frame)?;
    side.view.verify_utf8 = object.flag("check_utf8", side.view.verify_utf8)?;
    side.view.inflate = object.flag("inflate", side.view.inflate)?;

    let messages = object.rate("messages_per_second")?;
    let bytes = object.rate("bytes_per_second")?;
    let burst = object.seconds(
        "burst_seconds",
        "seconds from 0.000000001 to 315360000",
        |time| !time.is_zero(),
    )?;
    let close = object.choice("over_rate", &["hold", "close"])? == 1;
    object.finish()?;

    if messages.is_none() && bytes.is_none() {
        let useless = ["burst_seconds", "over_rate"];
        return match useless.into_iter().find(|key| object.has(key)) {
            None => Ok(None),
            Some(key) => Err(object.error(key, "needs messages_per_second or bytes_per_second")),
        };
    }
    Ok(Some(Rate {
        messages,
        bytes,
        burst: burst.unwrap_or(Duration::from_secs(1)),
        close,
    }))
}

/// Parses the rules for content, and whether messages too long to be checked close the connection.
fn content(top: &mut Object<'_>) -> Result<Option<(Content, bool)>, ConfigError> {
    let Some(mut object) = top.object("content")? else {
        return Ok(None);
    };
    let from = object.choice("from", &["client", "server", "both"])?;
    let up_to = object.small("max_bytes", 1..=MAX_HELD, 65_536)?;
    let content = Content {
        client: from != 1,
        server: from != 0,
        up_to,
        deny: patterns(&mut object, "deny", up_to)?,
        allow: patterns(&mut object, "allow", up_to)?,
    };
    let closes_longer = object.choice("longer", &["pass", "close"])? == 1;
    object.finish()?;
    match content.deny.is_empty() && content.allow.is_empty() {
        true => Err(top.error("content", "must have a pattern in deny or allow")),
        false => Ok(Some((content, closes_longer))),
    }
}

/// Parses the patterns for messages of at most `up_to` bytes.
fn patterns(
    object: &mut Object<'_>,
    key: &'static str,
    up_to: u32,
) -> Result<Vec<Pattern>, ConfigError> {
    let mut patterns = Vec::new();
    for mut entry in object.objects(key)? {
        let text = entry.text("text")?;
        let regex = entry.text("regex")?;
        entry.finish()?;
        patterns.push(match (text, regex) {
            (Some(text), None) => Pattern::Text(text.to_owned()),
            (None, Some(regex)) => {
                Pattern::Regex(Expression::new(regex, up_to).map_err(|reason| {
                    entry.error(
                        "regex",
                        &format!("can't be used ({reason}): {}", excerpt(regex)),
                    )
                })?)
            }
            _ => return Err(entry.error("", "must have either text or regex")),
        });
    }
    Ok(patterns)
}

/// Whether this is a token (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}
