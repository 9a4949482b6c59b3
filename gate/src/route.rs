//! Routing.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};

use url::Url;

use crate::address::socket_path;
use crate::path::{Path, PathError, Prefix};

/// The prefix of the URL of a server at a Unix socket.
const UNIX: &str = "ws+unix:";

/// A server to pass connections to: a `ws://`, `wss://` or `ws+unix:` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upstream {
    pub(crate) place: Place,
    /// With TLS.
    pub(crate) is_secure: bool,
    /// The Host field, without the scheme's default port.
    pub(crate) authority: String,
    /// The path, without a slash at its end.
    path: String,
}

/// The address of an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Host {
        /// A name or an address, without brackets.
        name: String,
        port: u16,
    },
    Unix(PathBuf),
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Unix(path) => {
                write!(f, "{UNIX}{}", path.display())?;
                match self.path.is_empty() {
                    true => Ok(()),
                    false => write!(f, ":{}", self.path),
                }
            }
            Place::Host { .. } => {
                let scheme = if self.is_secure { "wss" } else { "ws" };
                write!(f, "{scheme}://{}{}", self.authority, self.path)
            }
        }
    }
}

impl FromStr for Upstream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix(UNIX) {
            return Self::at_socket(path);
        }
        let url = Url::parse(text)
            .map_err(|error| format!("{text:?} is no URL such as ws://127.0.0.1:9001: {error}"))?;
        let is_secure = match url.scheme() {
            "ws" => false,
            "wss" => true,
            _ => return Err(format!("{text:?} is not a ws://, wss:// or ws+unix: URL")),
        };
        if url.authority().contains('@') || url.query().is_some() || url.fragment().is_some() {
            return Err("the URL has a host, a port and a path, and nothing else".into());
        }
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        if port == 0 {
            return Err("an upstream has no port 0".into());
        }
        Ok(Self {
            place: Place::Host {
                name: host.trim_matches(['[', ']']).to_owned(),
                port,
            },
            is_secure,
            authority: url.authority().to_owned(),
            path: url.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl Upstream {
    /// Parses the path of a Unix socket, and after a colon the path of the request, as in npm's ws.
    fn at_socket(text: &str) -> Result<Self, String> {
        let (socket, path) = text.split_once(':').unwrap_or((text, ""));
        let is_path = path.is_empty() || path.starts_with('/');
        if !is_path || path.contains(['?', '#']) {
            return Err(format!("{text:?} is not SOCKET or SOCKET:/PATH"));
        }
        let url = Url::parse("ws://localhost/").and_then(|base| base.join(path));
        let url = url.map_err(|error| format!("{path:?} is no path: {error}"))?;
        Ok(Self {
            place: Place::Unix(socket_path(socket)?),
            is_secure: false,
            authority: "localhost".to_owned(),
            path: url.path().trim_end_matches('/').to_owned(),
        })
    }
}

/// An argument: a path prefix and its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    prefix: Prefix,
    upstream: Upstream,
}

impl Rule {
    /// Routes all paths to this server.
    pub(crate) fn all(upstream: Upstream) -> Self {
        let prefix = Prefix::default();
        Self { prefix, upstream }
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Ok(Self::all(text.parse()?));
        }
        let (prefix, url) = text.split_once('=').ok_or_else(|| {
            format!("{text:?} is not PREFIX=URL, such as /chat=ws://127.0.0.1:9001")
        })?;
        Ok(Self {
            prefix: prefix.parse()?,
            upstream: url.parse()?,
        })
    }
}

/// What the gate does with the connections of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Checks frames, and forwards them unchanged.
    #[default]
    Inspect,
    /// Terminates the WebSocket of each side, and relays messages between them.
    Terminate,
}

/// An argument: the mode of a prefix's routes, or of all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModeRule {
    prefix: Option<Prefix>,
    mode: Mode,
}

impl FromStr for ModeRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (prefix, mode) = match text.split_once('=') {
            Some((prefix, mode)) => (Some(prefix.parse()?), mode),
            None => (None, text),
        };
        let mode = match mode {
            "inspect" => Mode::Inspect,
            "terminate" => Mode::Terminate,
            _ => return Err("it is inspect or terminate, with or without PREFIX=".into()),
        };
        Ok(Self { prefix, mode })
    }
}

/// All routes.
#[derive(Debug)]
pub(crate) struct Routes {
    /// The longest prefix first.
    routes: Vec<Route>,
}

#[derive(Debug)]
struct Route {
    prefix: Prefix,
    mode: Mode,
    upstreams: Vec<Upstream>,
    /// The next upstream.
    turn: AtomicUsize,
}

/// The route of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    /// The prefix of the route.
    pub(crate) prefix: &'a Prefix,
    pub(crate) mode: Mode,
    pub(crate) upstream: &'a Upstream,
    /// The request target for the upstream.
    pub(crate) target: String,
}

/// Why a request has no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoute {
    /// No prefix matches: 404.
    NotFound,
    /// Servers may parse the path in different ways: 400.
    Path(PathError),
}

impl From<PathError> for NoRoute {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

impl Routes {
    /// Whether any upstream uses TLS.
    pub(crate) fn any_secure(rules: &[Rule]) -> bool {
        rules.iter().any(|rule| rule.upstream.is_secure)
    }

    /// Fails if a mode is for a prefix without a route.
    pub(crate) fn new(rules: &[Rule], modes: &[ModeRule]) -> Result<Self, String> {
        let all = modes.iter().rev().find(|rule| rule.prefix.is_none());
        let all = all.map_or_else(Mode::default, |rule| rule.mode);
        let mut routes: Vec<Route> = Vec::new();
        for rule in rules {
            match routes.iter_mut().find(|route| route.prefix == rule.prefix) {
                Some(route) => route.upstreams.push(rule.upstream.clone()),
                None => routes.push(Route {
                    prefix: rule.prefix.clone(),
                    mode: all,
                    upstreams: vec![rule.upstream.clone()],
                    turn: AtomicUsize::new(0),
                }),
            }
        }
        for ModeRule { prefix, mode } in modes {
            let Some(prefix) = prefix else { continue };
            let route = routes.iter_mut().find(|route| route.prefix == *prefix);
            let route =
                route.ok_or_else(|| format!("--mode: there is no upstream for {prefix}"))?;
            route.mode = *mode;
        }
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        Ok(Self { routes })
    }

    /// Returns the route of a request.
    pub(crate) fn find(&self, target: &str) -> Result<Found<'_>, NoRoute> {
        let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
        let path = Path::parse(path)?;
        let route = self.route(&path).ok_or(NoRoute::NotFound)?;
        let rest = path.after(&route.prefix).ok_or(PathError::Spelling)?;
        if let Some(reference) = path.as_reference()
            && self.route(&reference?).map(|other| &other.prefix) != Some(&route.prefix)
        {
            return Err(PathError::Spelling.into());
        }
        let turn = route.turn.fetch_add(1, Ordering::Relaxed);
        let upstream = route
            .upstreams
            .get(turn % route.upstreams.len().max(1))
            .ok_or(NoRoute::NotFound)?;
        let mut mapped = format!("{}{rest}", upstream.path);
        if mapped.is_empty() {
            mapped.push('/');
        }
        mapped.push_str(query);
        Ok(Found {
            prefix: &route.prefix,
            mode: route.mode,
            upstream,
            target: mapped,
        })
    }

    /// Returns the route with the longest prefix that the path is below.
    fn route(&self, path: &Path<'_>) -> Option<&Route> {
        self.routes
            .iter()
            .find(|route| path.is_below(&route.prefix))
    }
}

#[cfg(test)]
mod readings;

#[cfg(test)]
mod tests;
