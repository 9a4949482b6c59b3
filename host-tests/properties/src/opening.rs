//! Necessary conditions for a head that opens a session, checked by a second, simple parser (RFC 6455, sections 4.1 and
//! 4.2; hostile class 18). The engine may refuse more.

use host_tests::heads;

use crate::case::{self, Case};

/// Checks that the peer of an open server has asked for it.
pub(crate) fn was_asked_for(case: &Case) {
    let said = &case.said[..];
    let said = said.strip_prefix(b"\r\n").unwrap_or(said);
    let (head, _) = Head::read(said).expect("the head has ended");
    let parts: Vec<&str> = head.first_line.split(' ').collect();
    assert!(matches!(parts[..], ["GET", _, "HTTP/1.1"]), "{parts:?}");
    assert_eq!(head.values("Host").len(), 1, "Host");
    assert!(
        head.list("Upgrade").contains(&"websocket".into()),
        "Upgrade"
    );
    assert_eq!(head.values("Sec-WebSocket-Version"), ["13"]);
    let keys = head.values("Sec-WebSocket-Key");
    assert!(
        matches!(keys[..], [key] if key.len() == 24 && key.ends_with("==")),
        "{keys:?}"
    );
    head.is_an_upgrade();
    head.has_no_body();
}

/// Checks that the peer of an open client has accepted it.
pub(crate) fn was_agreed_to(case: &Case) {
    let mut rest = &case.said[..];
    let head = loop {
        let (head, after) = Head::read(rest).expect("the head has ended");
        let (version, status) = head.first_line.split_once(' ').expect("a status");
        let allow_old = case.config.allow_http10_response;
        assert!(version == "HTTP/1.1" || allow_old && version == "HTTP/1.0");
        if status.starts_with("101") {
            break head;
        }
        assert!(status.starts_with('1'), "opened by {status}");
        rest = after;
    };
    let accept = heads::accept_for(&case::key_of_the_client());
    assert_eq!(head.values("Sec-WebSocket-Accept"), [accept]);
    assert_eq!(head.list("Upgrade"), ["websocket"]);
    let subprotocols = head.values("Sec-WebSocket-Protocol");
    assert!(
        matches!(subprotocols[..], [] | ["chat" | "superchat"]),
        "{subprotocols:?}"
    );
    let extensions = head.list("Sec-WebSocket-Extensions");
    assert!(extensions.len() <= 1, "one was offered: {extensions:?}");
    head.is_an_upgrade();
}

struct Head {
    first_line: String,
    fields: Vec<(String, String)>,
}

impl Head {
    /// The head at the start, and what follows it.
    fn read(bytes: &[u8]) -> Option<(Head, &[u8])> {
        let (head, rest) = bytes.split_at(heads::end(bytes)?);
        let text = String::from_utf8_lossy(head.strip_suffix(b"\r\n\r\n")?);
        let mut lines = text.split("\r\n").map(str::to_owned);
        let first_line = lines.next()?;
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(':').expect("a field");
            (name.to_owned(), value.trim_matches([' ', '\t']).to_owned())
        });
        let fields = fields.collect();
        Some((Head { first_line, fields }, rest))
    }

    fn values(&self, name: &str) -> Vec<&str> {
        let named = self
            .fields
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The elements of a list of tokens, in lower case.
    fn list(&self, name: &str) -> Vec<String> {
        let values = self.values(name);
        let elements = values.iter().flat_map(|value| value.split(','));
        let elements = elements.map(|element| element.trim_matches([' ', '\t']));
        let elements = elements.filter(|element| !element.is_empty());
        elements.map(str::to_ascii_lowercase).collect()
    }

    fn is_an_upgrade(&self) {
        assert!(
            self.list("Connection").contains(&"upgrade".into()),
            "Connection"
        );
    }

    fn has_no_body(&self) {
        assert!(
            self.values("Transfer-Encoding").is_empty(),
            "Transfer-Encoding"
        );
        let lengths = self.values("Content-Length");
        assert!(lengths.iter().all(|length| *length == "0"), "{lengths:?}");
    }
}
