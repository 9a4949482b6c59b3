//! How a connection begins: the request and the response.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;

use websocket_component::{Role, Rule};

use super::{Connection, SOON, Stage};
use crate::Settings;
use crate::filter::handshake::{self, ACCEPT, Asked};
use crate::filter::rate::Buckets;
use crate::filter::{Env, metrics};
use crate::host::{Action, Carrier, Head, Level};

impl Connection {
    /// Handles the client's request.
    pub(in crate::filter) fn request(&mut self, env: &mut Env<'_>) -> Action {
        let Some(mut asked) = Asked::read(env) else {
            return Action::Continue;
        };
        env.metrics.count(metrics::CONNECTIONS, 1, env.host);
        if let Err(refused) = asked.admit(env) {
            return self.refuse(refused.status, refused.why.into(), env);
        }
        let entropy = handshake::entropy(self.id, env);
        if asked.is_connect && env.settings.repair {
            asked.add_key(&entropy, env);
            self.is_repaired = !asked.is_connect;
        }
        self.is_connect = asked.is_connect;
        let made = handshake::inspector(env.settings, &entropy, env.now);
        let made = made.and_then(|mut inspector| {
            let (kind, headers) = asked.request();
            inspector.request_headers(kind, &headers, env.now)?;
            Ok(inspector)
        });
        match made {
            Ok(inspector) => {
                self.inspector = Some(Box::new(inspector));
                self.stage = Stage::Asked;
                Action::Continue
            }
            Err(rule) => {
                let status = rule.status().unwrap_or(400);
                self.refuse(status, rule.name().into(), env)
            }
        }
    }

    pub(super) fn refuse(
        &mut self,
        status: u16,
        why: Cow<'static, str>,
        env: &mut Env<'_>,
    ) -> Action {
        env.metrics.count(metrics::REFUSED, 1, env.host);
        env.metrics
            .count(&format!("websocket.refused.{why}"), 1, env.host);
        self.warn(&format!("refused with {status}: {why}"), env);
        env.host.respond(status, &why);
        self.verdict = Some(why);
        self.inspector = None;
        self.stage = Stage::Unseen;
        Action::Pause
    }

    /// Handles a new connection whose request comes in bytes.
    pub(in crate::filter) fn accept(&mut self, env: &mut Env<'_>) {
        self.carrier = Carrier::Tcp;
        env.metrics.count(metrics::CONNECTIONS, 1, env.host);
        if let Some(setting) = needs_http(env.settings) {
            let line = format!("{setting} needs the HTTP filter: the connection is refused");
            env.host.log(Level::Error, &line);
            self.stage = Stage::Gone;
            self.verdict = Some("configuration".into());
            return env.host.reset();
        }
        let entropy = handshake::entropy(self.id, env);
        match handshake::inspector(env.settings, &entropy, env.now) {
            Ok(inspector) => {
                self.inspector = Some(Box::new(inspector));
                self.look(env);
            }
            Err(rule) => {
                self.verdict = Some(rule.name().into());
                self.stage = Stage::Gone;
                env.host.reset();
            }
        }
    }

    /// Handles the server's response.
    pub(in crate::filter) fn response(&mut self, env: &mut Env<'_>) -> Action {
        let (Stage::Asked, Some(inspector)) = (self.stage, &mut self.inspector) else {
            return Action::Continue;
        };
        let (status, headers) = handshake::response(self.is_connect, env);
        // An interim response (RFC 9110, section 15.2).
        if (100..200).contains(&status) && status != 101 {
            return Action::Continue;
        }
        match inspector.response_headers(status, &headers, env.now) {
            Ok(_) => {
                if self.is_repaired {
                    env.host.remove_header(Head::Response, ACCEPT);
                }
                self.opened(env);
                self.look(env);
                Action::Continue
            }
            // The refusal is forwarded unchanged.
            Err(Rule::HandshakeRefused) => {
                env.metrics.count(metrics::REFUSED, 1, env.host);
                self.verdict = Some(Rule::HandshakeRefused.name().into());
                self.inspector = None;
                self.stage = Stage::Unseen;
                Action::Continue
            }
            Err(rule) => self.refuse(502, rule.name().into(), env),
        }
    }

    /// Handles the completed handshake.
    pub(super) fn opened(&mut self, env: &mut Env<'_>) {
        self.opened = Some(env.now);
        env.metrics.change(metrics::OPEN, 1, env.host);
    }

    /// Starts to inspect what both sides send.
    fn look(&mut self, env: &mut Env<'_>) {
        self.stage = Stage::Open;
        let rates = [&env.settings.client_rate, &env.settings.server_rate];
        for (from, rate) in Role::BOTH.into_iter().zip(rates) {
            self.lines[from].rate = rate.as_ref().map(|rate| Buckets::new(rate, env.now));
        }
        if self.carrier == Carrier::Http
            && let Some(inspector) = &mut self.inspector
        {
            for to in Role::BOTH {
                if !self.lines[to.peer()].is_armed {
                    inspector.output_blocked(to, env.now);
                }
            }
        }
        // Input that arrived before the response is buffered.
        if self.lines.client.unread > 0 {
            self.wake = Some(env.now.after(SOON));
        }
    }
}

/// Returns the first setting that a network filter can't enforce: it can write in a direction only during its
/// callbacks.
fn needs_http(settings: &Settings) -> Option<&'static str> {
    let directions = [&settings.options.client, &settings.options.server];
    let rates = [&settings.client_rate, &settings.server_rate];
    let needs = [
        (settings.origins.is_some(), "origins"),
        (settings.subprotocols.is_some(), "subprotocols"),
        (
            directions
                .iter()
                .any(|direction| direction.keepalive.is_some()),
            "ping_seconds",
        ),
        (
            rates.into_iter().flatten().any(|rate| !rate.close),
            "over_rate \"hold\"",
        ),
    ];
    needs
        .into_iter()
        .find_map(|(is_set, name)| is_set.then_some(name))
}
