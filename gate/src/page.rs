//! The page for browsers, and what other plain requests get on a port that has one.

use websocket_host::protocol::{Refusal, RequestHead, Rule};

use crate::fields::header;

/// The answer to a request that is not for a WebSocket; nothing, if it is.
pub(crate) fn answer(page: &[u8], request: &RequestHead) -> Option<Refusal> {
    let violation = request.violation.as_ref()?;
    // Two rules tell a request for a page from one for a WebSocket; a HEAD breaks the one about the method first.
    let for_a_page = match violation.rule {
        Rule::UpgradeMissing => true,
        Rule::MethodNotGet => request.method == "HEAD",
        _ => false,
    };
    if !for_a_page {
        return Some(refusal(
            violation.status.unwrap_or(400),
            violation.rule,
            &violation.description,
        ));
    }
    let path = request.target.split('?').next().unwrap_or_default();
    Some(match path {
        "/" => Refusal {
            status: 200,
            headers: vec![
                header("Content-Type", "text/html; charset=utf-8"),
                header("Cache-Control", "no-store"),
                header("Content-Security-Policy", POLICY),
                header("X-Content-Type-Options", "nosniff"),
                header("Referrer-Policy", "no-referrer"),
            ],
            body: page.into(),
        },
        _ => text(404, "there is no page here but /"),
    })
}

/// The page has its style and script in itself, and connects to where it came from.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; connect-src 'self' ws: wss:; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What a session says by itself where there is no page.
fn refusal(status: u16, rule: Rule, description: &str) -> Refusal {
    let mut refusal = text(status, description);
    if matches!(rule, Rule::VersionMissing | Rule::VersionUnsupported) {
        refusal.headers.push(header("Sec-WebSocket-Version", "13"));
    }
    match status {
        405 => refusal.headers.push(header("Allow", "GET, HEAD")),
        426 => refusal.headers.push(header("Upgrade", "websocket")),
        _ => {}
    }
    refusal
}

fn text(status: u16, text: &str) -> Refusal {
    Refusal {
        status,
        headers: vec![header("Content-Type", "text/plain; charset=utf-8")],
        body: format!("{text}\n").into(),
    }
}
