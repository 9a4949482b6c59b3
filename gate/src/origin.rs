//! Which web pages may connect (RFC 6455, section 10.2).

use std::str::FromStr;

use websocket_host::protocol::Header;

/// An Origin that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// None at all: what is no browser sends none.
    Absent,
    /// This one.
    Is(String),
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::Absent);
        }
        let wrong = || {
            "an origin is a scheme and a host, such as https://example.com, or `none`".to_owned()
        };
        // A browser sends `null` for pages of no site; whoever wants those has to say so.
        if text == "null" {
            return Ok(Self::Is(text.into()));
        }
        let (scheme, host) = text.split_once("://").ok_or_else(wrong)?;
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if scheme.is_empty() || host.is_empty() || host.contains(['/', '?', '#', '@']) || !visible {
            return Err(wrong());
        }
        Ok(Self::Is(text.into()))
    }
}

/// Whether a request with these fields may connect. Any may, if nothing was listed.
pub(crate) fn accepts(list: &[Origin], headers: &[Header]) -> bool {
    if list.is_empty() {
        return true;
    }
    let mut origins = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("Origin"));
    match (origins.next(), origins.next()) {
        (None, _) => list.contains(&Origin::Absent),
        (Some(origin), None) => list.iter().any(|accepted| match accepted {
            Origin::Absent => false,
            Origin::Is(accepted) => origin.value.eq_ignore_ascii_case(accepted.as_bytes()),
        }),
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

    #[test]
    fn what_is_no_origin_is_an_error() {
        for text in [
            "",
            "example.com",
            "https://",
            "https://a/",
            "://a",
            "https://a b",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
