//! Heads of handshakes as bytes, independent of the engine.

/// The key of the example in RFC 6455, section 1.3.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What accepts it.
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The fields of a request that breaks no rule.
pub const REQUEST: [(&str, &str); 5] = [
    ("Host", "example.org"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
];

/// A head: its first line, its fields, and the empty line.
#[must_use]
pub fn head(first_line: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("{first_line}\r\n");
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into()
}

/// A request that breaks no rule.
#[must_use]
pub fn request() -> Vec<u8> {
    head("GET /chat HTTP/1.1", &REQUEST)
}

/// That request with these fields in place of those of the same name, or added.
#[must_use]
pub fn request_with(fields: &[(&str, &str)]) -> Vec<u8> {
    let replaced = |name: &str| fields.iter().any(|(other, _)| *other == name);
    let kept = REQUEST.into_iter().filter(|(name, _)| !replaced(name));
    let all: Vec<_> = kept.chain(fields.iter().copied()).collect();
    head("GET /chat HTTP/1.1", &all)
}

/// That request without the field of this name.
#[must_use]
pub fn request_without(name: &str) -> Vec<u8> {
    let kept: Vec<_> = REQUEST
        .into_iter()
        .filter(|(other, _)| *other != name)
        .collect();
    head("GET /chat HTTP/1.1", &kept)
}

/// Where the first head in these bytes ends, its empty line included.
#[must_use]
pub fn end(bytes: &[u8]) -> Option<usize> {
    let empty_line = b"\r\n\r\n";
    let at = bytes
        .windows(empty_line.len())
        .position(|window| window == empty_line)?;
    Some(at + empty_line.len())
}

/// The value of a field in a head that was written.
#[must_use]
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.split("\r\n").skip(1).take_while(|l| !l.is_empty());
    fields.find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The value of Sec-WebSocket-Accept for a key: SHA-1 and base64 of key and GUID (RFC 6455, section 4.2.2), the slow
/// way.
#[must_use]
pub fn accept_for(key: &str) -> String {
    let input = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    base64(&sha1(input.as_bytes()))
}

/// A response that accepts a request with this key.
#[must_use]
pub fn response_to(key: &str) -> Vec<u8> {
    response_with(key, &[])
}

/// That response with these fields added.
#[must_use]
pub fn response_with(key: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let accept = accept_for(key);
    let own = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept.as_str()),
    ];
    let all = [&own, fields].concat();
    head("HTTP/1.1 101 Switching Protocols", &all)
}

/// FIPS 180-4, section 6.1.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks(64) {
        let mut words: Vec<u32> = block
            .chunks(4)
            .map(|word| u32::from_be_bytes(word.try_into().unwrap()))
            .collect();
        for t in 16..80 {
            let word = words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16];
            words.push(word.rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (t, word) in words.iter().enumerate() {
            let (f, k) = match t {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a
                .rotate_left(5)
                .wrapping_add(f)
                .wrapping_add(e)
                .wrapping_add(k)
                .wrapping_add(*word);
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (state, add) in state.iter_mut().zip([a, b, c, d, e]) {
            *state = state.wrapping_add(add);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut word = 0u32;
        for index in 0..3 {
            word = word << 8 | u32::from(group.get(index).copied().unwrap_or(0));
        }
        for index in 0..4 {
            let digit = (word >> (18 - 6 * index)) & 0x3f;
            let padding = index > group.len();
            text.push(if padding {
                '='
            } else {
                char::from(ALPHABET[digit as usize])
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455, section 1.3.
    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(accept_for(KEY), ACCEPT);
    }

    #[test]
    fn a_field_is_found_without_regard_to_case_and_only_in_the_head() {
        let text = "GET / HTTP/1.1\r\nA: 1\r\nbB:2\r\n\r\nC: 3";
        assert_eq!(field(text, "a"), Some("1"));
        assert_eq!(field(text, "Bb"), Some("2"));
        assert_eq!(field(text, "C"), None);
    }
}
