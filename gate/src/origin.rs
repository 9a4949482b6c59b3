//! Which web pages may connect (RFC 6455, section 10.2).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::Url;
use websocket_host::protocol::Header;

use crate::fields::values;

/// An accepted Origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// No Origin: programs other than browsers send none.
    Absent,
    /// `null`: an opaque origin.
    Opaque,
    /// This site.
    Is(Site),
    /// All subdomains of this site.
    Below(Site),
}

/// An origin that isn't opaque (RFC 6454, section 4). The host is empty for files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    scheme: String,
    host: String,
    /// `None` if it is the scheme's default port.
    port: Option<u16>,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Site {
    fn is_below(&self, parent: &Self) -> bool {
        let labels = self.host.strip_suffix(&parent.host);
        (&self.scheme, self.port) == (&parent.scheme, parent.port)
            && labels.is_some_and(|labels| labels.ends_with('.') && labels.len() > 1)
    }
}

impl FromStr for Site {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "an origin is a scheme and a host, such as https://example.com".to_owned();
        let (_, rest) = text.split_once("://").ok_or_else(wrong)?;
        let url = Url::parse(text).map_err(|error| format!("{}: {error}", wrong()))?;
        let site = Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str().unwrap_or_default().to_ascii_lowercase(),
            port: url.port(),
        };
        if rest.contains(['/', '\\', '?', '#', '@']) {
            return Err(format!("an origin has no path: the right form is {site}"));
        }
        Ok(site)
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::Absent),
            "null" => Ok(Self::Opaque),
            _ => match text.split_once("://*.") {
                Some((scheme, parent)) if !parent.contains('*') => {
                    let parent: Site = format!("{scheme}://{parent}").parse()?;
                    let bare = parent.host.trim_matches(['[', ']']);
                    match bare.is_empty() || bare.parse::<IpAddr>().is_ok() {
                        true => Err(format!("{parent} has no subdomains")),
                        false => Ok(Self::Below(parent)),
                    }
                }
                None if !text.contains('*') => text.parse().map(Self::Is),
                _ => Err("a * must be the first label: https://*.example.com".into()),
            },
        }
    }
}

impl Origin {
    fn includes(&self, site: &Site) -> bool {
        match self {
            Self::Absent | Self::Opaque => false,
            Self::Is(accepted) => site == accepted,
            Self::Below(parent) => site.is_below(parent),
        }
    }
}

/// Whether a request with these fields may connect. If the list is empty, any may.
pub(crate) fn accepts(list: &[Origin], headers: &[Header]) -> bool {
    if list.is_empty() {
        return true;
    }
    let mut origins = values(headers, "Origin");
    match (origins.next(), origins.next()) {
        (None, _) => list.contains(&Origin::Absent),
        (Some(b"null"), None) => list.contains(&Origin::Opaque),
        (Some(origin), None) => {
            let site = str::from_utf8(origin)
                .ok()
                .and_then(|origin| origin.parse().ok());
            site.is_some_and(|site| list.iter().any(|accepted| accepted.includes(&site)))
        }
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use websocket_host::protocol::Header;

    use super::{Origin, accepts};

    fn list(origins: &[&str]) -> Vec<Origin> {
        origins.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn request(origins: &[&str]) -> Vec<Header> {
        let header = |origin: &&str| Header {
            name: "origin".into(),
            value: origin.as_bytes().into(),
        };
        origins.iter().map(header).collect()
    }

    #[test]
    fn class_24_without_a_list_every_origin_is_accepted() {
        assert!(accepts(&[], &request(&["https://evil.example"])));
        assert!(accepts(&[], &request(&[])));
    }

    #[test]
    fn class_24_with_a_list_only_those_on_it_are() {
        let list = list(&["https://example.com", "http://localhost:3000"]);
        assert!(accepts(&list, &request(&["https://EXAMPLE.com"])));
        assert!(accepts(&list, &request(&["http://localhost:3000"])));
        for origin in [
            "https://example.com.evil.example",
            "http://example.com",
            "https://example.com:8443",
            "null",
            "none",
            "",
        ] {
            assert!(!accepts(&list, &request(&[origin])), "{origin}");
        }
        assert!(!accepts(&list, &request(&[])));
        let two = request(&["https://example.com", "https://example.com"]);
        assert!(!accepts(&list, &two));
    }

    #[test]
    fn class_24_requests_without_an_origin_are_accepted_if_that_was_said() {
        let list = list(&["https://example.com", "none"]);
        assert!(accepts(&list, &request(&[])));
        assert!(!accepts(&list, &request(&["none"])));
    }

    fn is_accepted(listed: &str, origin: &str) -> bool {
        accepts(&list(&[listed]), &request(&[origin]))
    }

    #[test]
    fn files_and_opaque_origins_are_accepted_if_listed() {
        for origin in ["file://", "null", "capacitor://localhost", "app://"] {
            assert!(is_accepted(origin, origin), "{origin}");
            assert!(!is_accepted("https://example.com", origin), "{origin}");
        }
        assert!(!is_accepted("null", "file://"));
        assert!(!is_accepted("file://", "null"));
        assert!(!is_accepted("file://", "file://server"));
    }

    #[test]
    fn the_port_of_the_scheme_is_the_same_as_none() {
        for (scheme, port) in [("http", 80), ("https", 443)] {
            let (without, with) = (format!("{scheme}://a"), format!("{scheme}://a:{port}"));
            assert!(is_accepted(&without, &with), "{with}");
            assert!(is_accepted(&with, &without), "{with}");
        }
        assert!(!is_accepted("https://a:80", "https://a"));
        assert!(!is_accepted("https://a", "https://a:444"));
    }

    #[test]
    fn names_and_addresses_are_compared_as_browsers_write_them() {
        assert!(is_accepted(
            "https://b\u{fc}cher.example",
            "https://xn--bcher-kva.example"
        ));
        assert!(is_accepted("http://[0:0::1]:3000", "http://[::1]:3000"));
    }

    #[test]
    fn an_asterisk_stands_for_one_label_or_more_in_front() {
        let accepted = |origin| is_accepted("https://*.example.com", origin);
        for origin in [
            "https://a.example.com",
            "https://a.b.example.com",
            "https://A.Example.com:443",
        ] {
            assert!(accepted(origin), "{origin}");
        }
        for origin in [
            "https://example.com",
            "https://.example.com",
            "https://evilexample.com",
            "https://a.example.com.evil.example",
            "https://a.example.com:8443",
            "http://a.example.com",
            "null",
            "file://",
        ] {
            assert!(!accepted(origin), "{origin}");
        }
        assert!(is_accepted("https://*.a:8443", "https://b.a:8443"));
    }

    #[test]
    fn an_asterisk_anywhere_else_is_an_error() {
        for text in [
            "*",
            "*://example.com",
            "https://*",
            "https://*.",
            "https://*example.com",
            "https://a.*.com",
            "https://*.*.com",
            "https://example.*",
            "https://example.com:*",
            "https://*.10.0.0.1",
            "https://*.[::1]",
            "file://*.",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_an_error() {
        for text in [
            "",
            "example.com",
            "https://",
            "https:example.com",
            "://a",
            "https://a b",
            "https://a:99999",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_about_a_path_names_the_right_form() {
        for text in [
            "https://example.com/",
            "https://EXAMPLE.com:443/a?b#c",
            "https://example.com?b",
            "https://user@example.com",
            "https://example.com\\a",
        ] {
            let error = text.parse::<Origin>().unwrap_err();
            assert!(error.ends_with(" https://example.com"), "{error}");
        }
        let error = "file:///".parse::<Origin>().unwrap_err();
        assert!(error.ends_with(" file://"), "{error}");
    }
}
