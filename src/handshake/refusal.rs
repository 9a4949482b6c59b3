//! Responses that refuse a request (RFC 6455, sections 4.2.2 and 4.4).

use alloc::{format, string::ToString, vec, vec::Vec};

use super::{Header, Refusal, VERSION, check_extra};
use crate::{
    Rule,
    http::{header, write},
};

/// The response, head and body, that refuses a request as the host says. `head_request` says
/// that the request's method was HEAD, whose answer has no body.
///
/// The connection ends with it, because a body that the request may have had was
/// never read. A host that names other protocols in an Upgrade field gets the
/// Connection option that belongs to it (RFC 9110, section 7.8).
///
/// Fails with the rule that a value of the refusal breaks.
pub(crate) fn refusal_head(refusal: &Refusal, head_request: bool) -> Result<Vec<u8>, Rule> {
    if !matches!(refusal.status, 200..=999) {
        return Err(Rule::StatusInvalid);
    }
    check_extra(
        &refusal.headers,
        &["Connection", "Content-Length", "Transfer-Encoding"],
    )?;
    Ok(write_refusal(refusal, head_request))
}

/// The response that refuses a request which breaks a rule, with the fields that let
/// a client do better.
pub(crate) fn refusal_for(rule: Rule, head_request: bool) -> Vec<u8> {
    refusal_with(rule.status().unwrap_or(400), rule, head_request)
}

/// The response that takes the place of a server's which breaks a rule (RFC 9110, section
/// 15.6.3), or of one that doesn't come (15.6.5).
pub(crate) fn gateway_error(rule: Rule) -> Vec<u8> {
    let status = match rule {
        Rule::HandshakeTimeout => 504,
        _ => 502,
    };
    refusal_with(status, rule, false)
}

fn refusal_with(status: u16, rule: Rule, head_request: bool) -> Vec<u8> {
    let mut headers = vec![Header::new("Content-Type", "text/plain; charset=utf-8")];
    if matches!(rule, Rule::VersionMissing | Rule::VersionUnsupported) {
        headers.push(Header::new("Sec-WebSocket-Version", VERSION));
    }
    match status {
        405 => headers.push(Header::new("Allow", "GET")),
        426 => headers.push(Header::new("Upgrade", "websocket")),
        _ => {}
    }
    let refusal = Refusal {
        status,
        headers,
        body: format!("{rule}\n").into(),
    };
    write_refusal(&refusal, head_request)
}

fn write_refusal(refusal: &Refusal, head_request: bool) -> Vec<u8> {
    let mut headers = refusal.headers.clone();
    // RFC 9110, sections 8.6 (204 has no length), 15.3.6 (205 has an empty body) and
    // 15.4.5 (304 has no body, and its length would be that of the body elsewhere).
    let length = match refusal.status {
        204 | 304 => None,
        205 => Some(0),
        _ => Some(refusal.body.len()),
    };
    if let Some(length) = length {
        headers.push(Header::new("Content-Length", length.to_string()));
    }
    let connection = match header::values(&headers, "Upgrade").next() {
        Some(_) => "Upgrade, close",
        None => "close",
    };
    headers.push(Header::new("Connection", connection));
    let fields: Vec<write::Field<'_>> = write::fields(&headers).collect();
    let mut response = write::response(refusal.status, &fields);
    if !head_request && !matches!(refusal.status, 204 | 205 | 304) {
        response.extend_from_slice(&refusal.body);
    }
    response
}

#[cfg(test)]
mod tests;
