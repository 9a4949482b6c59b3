//! The target of a request and its Host field: the resource that the WebSocket is asked of
//! (RFC 6455, section 3; RFC 9112, section 3.2).

use alloc::string::String;

use super::Header;
use crate::{
    Rule,
    http::{
        authority::is_authority,
        header::{self, Occurrence},
    },
};

/// A request target in origin form or absolute form (RFC 9112, section 3.2).
pub(super) struct Target<'a> {
    /// Of an absolute form: it takes the place of the Host field (section 3.2.2).
    pub(super) authority: Option<&'a str>,
    path_and_query: &'a str,
}

impl<'a> Target<'a> {
    /// `None` for what is neither: the forms of CONNECT and OPTIONS, other schemes,
    /// and anything with a fragment (RFC 6455, section 3).
    ///
    /// Visible characters that RFC 3986 would have escaped are let pass, as browsers
    /// send them in queries.
    pub(super) fn parse(target: &'a str) -> Option<Self> {
        if target
            .bytes()
            .any(|byte| !byte.is_ascii_graphic() || byte == b'#')
        {
            return None;
        }
        if target.starts_with('/') {
            return Some(Target {
                authority: None,
                path_and_query: target,
            });
        }
        let (scheme, rest) = target.split_once(':')?;
        let rest = rest.strip_prefix("//")?;
        // The scheme of the resource (RFC 6455, section 3), or that of the request for it.
        let known = ["ws", "wss", "http", "https"];
        if !known.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path_and_query) = rest.split_at(end);
        is_authority(authority.as_bytes()).then_some(Target {
            authority: Some(authority),
            path_and_query,
        })
    }

    /// The `resource-name` (RFC 6455, section 3), whose path is `/` if empty.
    pub(super) fn resource_name(&self) -> String {
        let mut name = String::with_capacity(1 + self.path_and_query.len());
        if !self.path_and_query.starts_with('/') {
            name.push('/');
        }
        name.push_str(self.path_and_query);
        name
    }
}

/// Whether a target is a path and query: in origin form.
pub(super) fn is_path(target: &str) -> bool {
    Target::parse(target).is_some_and(|target| target.authority.is_none())
}

/// Returns the value of the one Host field: a host and port, or nothing, which is what a
/// client sends whose target has no authority (RFC 9112, section 3.2).
///
/// Fails with [`Rule::HostMissing`], [`Rule::HostDuplicate`] or [`Rule::HostMalformed`].
pub(super) fn host(headers: &[Header]) -> Result<&str, Rule> {
    match header::single(headers, "Host") {
        Occurrence::Missing => Err(Rule::HostMissing),
        Occurrence::Repeated => Err(Rule::HostDuplicate),
        Occurrence::Once(value) if value.is_empty() || is_authority(value) => {
            core::str::from_utf8(value).map_err(|_| Rule::HostMalformed)
        }
        Occurrence::Once(_) => Err(Rule::HostMalformed),
    }
}

/// Checks that there is one Host field, and its form unless that may be malformed.
pub(super) fn check_host(headers: &[Header], allow_malformed: bool) -> Result<(), Rule> {
    match host(headers) {
        Err(Rule::HostMalformed) if allow_malformed => Ok(()),
        host => host.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_in_origin_form_is_its_own_resource_name() {
        for target in ["/", "//a", "/a?b=/c", "/http://a", "/%zz|{}"] {
            let parsed = Target::parse(target).unwrap();
            assert_eq!((parsed.authority, &*parsed.resource_name()), (None, target));
            assert!(is_path(target));
        }
    }

    #[test]
    fn a_target_in_absolute_form_has_an_authority() {
        for (target, authority, name) in [
            ("http://a", "a", "/"),
            ("http://a?b", "a", "/?b"),
            ("HTTPS://a:1/b?c", "a:1", "/b?c"),
            ("http://[::1]/", "[::1]", "/"),
            ("ws://a/b", "a", "/b"),
            ("WSS://a:1?b", "a:1", "/?b"),
        ] {
            let parsed = Target::parse(target).unwrap();
            assert_eq!(parsed.authority, Some(authority));
            assert_eq!(parsed.resource_name(), name);
            assert!(!is_path(target));
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for bad in [
            "",
            "*",
            "a:80",
            "?a",
            "a/b",
            "/a b",
            "/a#b",
            "/\u{e9}",
            "/a\r\n",
            "/\0",
            "/\u{7f}",
            "ftp://a/",
            "wsss://a/",
            "ws:/a",
            "ws://",
            "wss://u@a/",
            "http:/a",
            "http://",
            "http:///a",
            "http://u@a/",
            "http://a/#b",
            "://a/",
        ] {
            assert!(Target::parse(bad).is_none(), "{bad:?}");
        }
    }
}
