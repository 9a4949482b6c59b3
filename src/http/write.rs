//! Writing heads (RFC 9112, sections 3 and 4).
//!
//! What is written was checked before, see [`super::header::validate`]: here nothing
//! can fail.

use alloc::vec::Vec;

use super::header::Header;

/// A name and a value, where they are.
pub(crate) type Field<'a> = (&'a str, &'a [u8]);

/// Fields that are kept as headers, where they are.
pub(crate) fn fields(headers: &[Header]) -> impl Iterator<Item = Field<'_>> {
    headers
        .iter()
        .map(|Header { name, value }| (name.as_str(), value.as_slice()))
}

/// The head of a request.
pub(crate) fn request(method: &str, target: &str, fields: &[Field<'_>]) -> Vec<u8> {
    head(&[method, " ", target, " HTTP/1.1\r\n"], fields)
}

/// The head of a response, whose status is 100 to 999.
pub(crate) fn response(status: u16, fields: &[Field<'_>]) -> Vec<u8> {
    let digits = [status / 100, status / 10, status].map(|number| b'0' + (number % 10) as u8);
    let digits = str::from_utf8(&digits).unwrap_or_default();
    // The space after the status is required even if no reason phrase follows (RFC 9112,
    // section 4).
    let first_line = ["HTTP/1.1 ", digits, " ", reason_phrase(status), "\r\n"];
    head(&first_line, fields)
}

fn head(first_line: &[&str], fields: &[Field<'_>]) -> Vec<u8> {
    let first: usize = first_line.iter().map(|part| part.len()).sum();
    let rest: usize = fields
        .iter()
        .map(|(name, value)| name.len() + value.len() + ": \r\n".len())
        .sum();
    let mut bytes = Vec::with_capacity(first + rest + "\r\n".len());
    for part in first_line {
        bytes.extend_from_slice(part.as_bytes());
    }
    for (name, value) in fields {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// The phrase for a status (RFC 9110, section 15; RFC 6585), empty for one that has
/// no common name.
fn reason_phrase(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        205 => "Reset Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        511 => "Network Authentication Required",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_its_line_its_fields_and_an_empty_line() {
        let headers = [
            Header::new("Host", "a"),
            Header::new("X", b"\xFF".as_slice()),
        ];
        let fields: Vec<Field<'_>> = fields(&headers).collect();
        assert_eq!(
            request("GET", "/b", &fields),
            b"GET /b HTTP/1.1\r\nHost: a\r\nX: \xFF\r\n\r\n"
        );
    }

    #[test]
    fn a_response_has_the_phrase_of_its_status_if_there_is_one() {
        assert_eq!(
            response(101, &[]),
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
        );
        assert_eq!(response(799, &[]), b"HTTP/1.1 799 \r\n\r\n");
    }
}
