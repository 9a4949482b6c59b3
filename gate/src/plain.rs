//! Responses to plain HTTP requests: health checks, the page for browsers, and refusals.

use websocket_host::protocol::{Failure, Refusal, RequestHead, Rule};

use crate::fields::header;
use crate::report::End;

/// The responses to plain requests, other than refusals.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    /// The page for browsers at `/`.
    pub(crate) page: Option<Vec<u8>>,
    /// The path of health checks, which get 200.
    pub(crate) health: Option<String>,
}

impl Plain {
    /// Whether any plain request is answered.
    pub(crate) fn answers_any(&self) -> bool {
        self.page.is_some() || self.health.is_some()
    }

    /// Returns the response to a request that breaks a rule of the handshake, and its log event.
    pub(crate) fn answer(
        &self,
        request: &RequestHead,
        violation: &Failure,
    ) -> (Refusal, Option<End>) {
        let (path, _) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        let is_health = self.health.as_deref() == Some(path);
        if is_health && is_health_check(violation.rule(), &request.method) {
            let mut answer = text(200, "ok");
            answer.headers.push(header("Cache-Control", "no-store"));
            return (answer, None);
        }
        let Some(page) = &self.page else {
            let methods = if is_health { "GET, HEAD" } else { "GET" };
            return refusal(violation, methods);
        };
        if !is_for_page(violation.rule(), &request.method) {
            return refusal(violation, "GET, HEAD");
        }
        let answer = match path {
            "/" => shown(page),
            _ => text(404, "there is no page here but /"),
        };
        let end = End::Answered(answer.status);
        (answer, Some(end))
    }
}

/// Two rules distinguish a plain request from one for a WebSocket; a HEAD breaks the one about the method first.
fn is_for_page(rule: Option<Rule>, method: &str) -> bool {
    match rule {
        Some(Rule::UpgradeMissing) => true,
        Some(Rule::MethodNotGet) => method == "HEAD",
        _ => false,
    }
}

/// Load balancers also send HTTP/1.0, in which `Upgrade` is ignored (RFC 9110, section 7.8).
fn is_health_check(rule: Option<Rule>, method: &str) -> bool {
    let is_old = rule == Some(Rule::HttpVersion) && matches!(method, "GET" | "HEAD");
    is_old || is_for_page(rule, method)
}

fn shown(page: &[u8]) -> Refusal {
    Refusal {
        status: 200,
        headers: vec![
            header("Content-Type", "text/html; charset=utf-8"),
            header("Cache-Control", "no-store"),
            header("Content-Security-Policy", POLICY),
            header("X-Content-Type-Options", "nosniff"),
            header("Referrer-Policy", "no-referrer"),
        ],
        body: page.into(),
    }
}

/// The page has inline styles and scripts, and connects to its own origin.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; connect-src 'self' ws: wss:; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Returns the response that a session makes itself without `expose_invalid_requests`.
fn refusal(violation: &Failure, methods: &str) -> (Refusal, Option<End>) {
    let status = violation.status.unwrap_or(400);
    let mut refusal = text(
        status,
        &format!("{} ({})", violation.description, violation.section),
    );
    if matches!(
        violation.rule(),
        Some(Rule::VersionMissing | Rule::VersionUnsupported)
    ) {
        refusal.headers.push(header("Sec-WebSocket-Version", "13"));
    }
    match status {
        405 => refusal.headers.push(header("Allow", methods)),
        426 => refusal.headers.push(header("Upgrade", "websocket")),
        _ => {}
    }
    let end = End::BadRequest(Box::new(violation.clone()), status);
    (refusal, Some(end))
}

fn text(status: u16, text: &str) -> Refusal {
    Refusal {
        status,
        headers: vec![header("Content-Type", "text/plain; charset=utf-8")],
        body: format!("{text}\n").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_checks_are_gets_and_heads_also_in_http_1_0() {
        for method in ["GET", "HEAD"] {
            assert!(is_health_check(Some(Rule::HttpVersion), method));
        }
        assert!(is_health_check(Some(Rule::UpgradeMissing), "GET"));
        assert!(is_health_check(Some(Rule::MethodNotGet), "HEAD"));
        assert!(!is_health_check(Some(Rule::HttpVersion), "POST"));
        assert!(!is_health_check(Some(Rule::MethodNotGet), "POST"));
        // These are invalid requests for a WebSocket.
        assert!(!is_health_check(Some(Rule::VersionUnsupported), "GET"));
        assert!(!is_health_check(Some(Rule::HostMissing), "GET"));
    }

    #[test]
    fn a_page_is_not_for_http_1_0() {
        assert!(is_for_page(Some(Rule::UpgradeMissing), "GET"));
        assert!(is_for_page(Some(Rule::MethodNotGet), "HEAD"));
        assert!(!is_for_page(Some(Rule::HttpVersion), "GET"));
    }
}
