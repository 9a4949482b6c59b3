//! Where a request goes.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Uri;

/// A server to pass connections to: a `ws://` URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upstream {
    /// For the resolver: a name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The Host field: without the port if it is the scheme's own.
    pub(crate) authority: String,
    /// The path, without a slash at its end.
    path: String,
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ws://{}{}", self.authority, self.path)
    }
}

impl FromStr for Upstream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url: Uri = text
            .parse()
            .map_err(|_| format!("{text:?} is not a URL such as ws://127.0.0.1:9001"))?;
        match url.scheme_str() {
            Some("ws") => {}
            Some("wss") => {
                return Err("TLS isn't supported yet: only ws:// upstreams, not wss://".into());
            }
            _ => return Err(format!("{text:?} is not a ws:// URL")),
        }
        if url.query().is_some() || text.contains(['#', '@']) {
            return Err("the URL has a host, a port and a path, and nothing else".into());
        }
        let host = url.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| format!("{text:?} names no host"))?;
        let port = match url.port() {
            Some(port) => port.as_u16(),
            None if text.contains(&format!("{host}:")) => {
                return Err(format!("{text:?} has no valid port"));
            }
            None => 80,
        };
        if port == 0 {
            return Err("an upstream has no port 0".into());
        }
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority: match port {
                80 => host.to_owned(),
                _ => format!("{host}:{port}"),
            },
            path: url.path().trim_end_matches('/').to_owned(),
        })
    }
}

/// An argument: which paths go to which server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The prefix, without a slash at its end.
    prefix: String,
    upstream: Upstream,
}

impl Rule {
    /// Every path goes to this server.
    pub(crate) fn all(upstream: Upstream) -> Self {
        let prefix = String::new();
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
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#".contains(&byte);
        if !prefix.bytes().all(plain) || has_dot_segment(prefix) {
            return Err(format!("{prefix:?} is not the prefix of a path"));
        }
        Ok(Self {
            prefix: prefix.trim_end_matches('/').to_owned(),
            upstream: url.parse()?,
        })
    }
}

/// All the rules.
#[derive(Debug)]
pub(crate) struct Routes {
    /// The longest prefix first.
    routes: Vec<Route>,
}

#[derive(Debug)]
struct Route {
    prefix: String,
    upstreams: Vec<Upstream>,
    /// Whose turn it is.
    turn: AtomicUsize,
}

/// Why a request goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoute {
    /// No prefix matches: 404.
    NotFound,
    /// The path has `.` or `..` segments, which could lead out of a prefix: 400.
    DotSegments,
}

impl Routes {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        let mut routes: Vec<Route> = Vec::new();
        for rule in rules {
            match routes.iter_mut().find(|route| route.prefix == rule.prefix) {
                Some(route) => route.upstreams.push(rule.upstream.clone()),
                None => routes.push(Route {
                    prefix: rule.prefix.clone(),
                    upstreams: vec![rule.upstream.clone()],
                    turn: AtomicUsize::new(0),
                }),
            }
        }
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        Self { routes }
    }

    /// The server for a request, and the target to ask it for.
    pub(crate) fn find(&self, target: &str) -> Result<(&Upstream, String), NoRoute> {
        let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
        if has_dot_segment(path) {
            return Err(NoRoute::DotSegments);
        }
        let (route, rest) = self
            .routes
            .iter()
            .find_map(|route| Some((route, route.rest(path)?)))
            .ok_or(NoRoute::NotFound)?;
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
        Ok((upstream, mapped))
    }
}

impl Route {
    /// What follows the prefix, if the path is below it.
    fn rest<'path>(&self, path: &'path str) -> Option<&'path str> {
        let rest = path.strip_prefix(self.prefix.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }
}

/// Whether a path has a segment `.` or `..`, also with its dots encoded (RFC 3986, section 3.3). A client resolves them
/// before it sends a request.
fn has_dot_segment(path: &str) -> bool {
    path.split(['/', '\\']).any(|segment| {
        let segment = segment.replace("%2e", ".").replace("%2E", ".");
        segment == "." || segment == ".."
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(rules: &[&str]) -> Routes {
        let rules: Vec<Rule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        Routes::new(&rules)
    }

    fn found(routes: &Routes, target: &str) -> String {
        let (upstream, target) = routes.find(target).unwrap();
        format!("{} {target}", upstream.authority)
    }

    #[test]
    fn without_a_prefix_targets_stay_as_they_are() {
        let routes = routes(&["ws://a:9001"]);
        for target in ["/", "/x/y?z=1&w=/../", "//", "/x/", "/%2f"] {
            assert_eq!(found(&routes, target), format!("a:9001 {target}"));
        }
    }

    #[test]
    fn the_path_of_the_url_takes_the_place_of_the_prefix() {
        let routes = routes(&["/chat=ws://a/room/", "/raw/=ws://b"]);
        assert_eq!(found(&routes, "/chat"), "a /room");
        assert_eq!(found(&routes, "/chat/1?k=v"), "a /room/1?k=v");
        assert_eq!(found(&routes, "/chat?k"), "a /room?k");
        assert_eq!(found(&routes, "/raw"), "b /");
        assert_eq!(found(&routes, "/raw/x"), "b /x");
    }

    #[test]
    fn the_longest_prefix_wins_at_the_border_of_a_segment() {
        let routes = routes(&["ws://root", "/a=ws://a", "/a/b=ws://ab"]);
        assert_eq!(found(&routes, "/a/b/c"), "ab /c");
        assert_eq!(found(&routes, "/a/bc"), "a /bc");
        assert_eq!(found(&routes, "/ab"), "root /ab");
    }

    #[test]
    fn servers_of_one_prefix_take_turns() {
        let routes = routes(&["ws://a", "ws://b"]);
        let turns: Vec<String> = (0..4).map(|_| found(&routes, "/")).collect();
        assert_eq!(turns, ["a /", "b /", "a /", "b /"]);
    }

    #[test]
    fn what_matches_nothing_is_not_found() {
        let routes = routes(&["/chat=ws://a"]);
        assert_eq!(routes.find("/chatter"), Err(NoRoute::NotFound));
        assert_eq!(routes.find("/"), Err(NoRoute::NotFound));
    }

    #[test]
    fn nothing_leads_out_of_a_prefix() {
        let routes = routes(&["/chat=ws://a/room"]);
        for target in [
            "/chat/../admin",
            "/chat/%2e%2E/admin",
            "/chat/.",
            "/chat\\..\\x",
            "/./chat",
        ] {
            assert_eq!(routes.find(target), Err(NoRoute::DotSegments), "{target}");
        }
        assert_eq!(found(&routes, "/chat/..."), "a /room/...");
    }

    #[test]
    fn urls_have_a_host_a_port_and_a_path() {
        let upstream: Upstream = "ws://[::1]:9001/x/".parse().unwrap();
        assert_eq!((upstream.host.as_str(), upstream.port), ("::1", 9001));
        assert_eq!(upstream.to_string(), "ws://[::1]:9001/x");
        let upstream: Upstream = "ws://a".parse().unwrap();
        assert_eq!((upstream.port, upstream.authority.as_str()), (80, "a"));
        for text in [
            "",
            "a:1",
            "http://a",
            "ws://",
            "ws://a?q",
            "ws://u@a",
            "ws://a#f",
            "ws://a:0",
            "ws://a:99999",
            "ws://a:",
        ] {
            assert!(text.parse::<Upstream>().is_err(), "{text}");
        }
        assert!("wss://a".parse::<Upstream>().unwrap_err().contains("TLS"));
    }

    #[test]
    fn what_is_no_rule_is_an_error() {
        for text in [
            "/chat",
            "/chat=",
            "/chat=wss://a",
            "/a?b=ws://a",
            "/../a=ws://b",
        ] {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }
}
