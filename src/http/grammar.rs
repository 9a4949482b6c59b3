//! The words that field values are made of (RFC 9110, section 5.6).
//!
//! Every function looks at each byte a fixed number of times, so that no value,
//! however many commas or quotes it holds, takes more than linear time.

use alloc::string::String;

/// A set of bytes.
pub(crate) struct ByteSet([bool; 256]);

impl ByteSet {
    /// The letters and digits of ASCII, and `others`.
    pub(crate) const fn alphanumeric_and(others: &[u8]) -> ByteSet {
        let mut set = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            set[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        let mut index = 0;
        while index < others.len() {
            set[others[index] as usize] = true;
            index += 1;
        }
        ByteSet(set)
    }

    #[inline]
    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0[byte as usize]
    }
}

/// Whether a byte may be part of a token: `tchar` (RFC 9110, section 5.6.2).
#[inline]
pub(crate) fn is_tchar(byte: u8) -> bool {
    static TCHARS: ByteSet = ByteSet::alphanumeric_and(b"!#$%&'*+-.^_`|~");
    TCHARS.contains(byte)
}

/// Whether bytes are a `token`, which is never empty (RFC 9110, section 5.6.2).
#[inline(never)]
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_tchar(byte))
}

/// Whether a byte may be part of a field value: `field-content` and the white space
/// within it (RFC 9110, section 5.5). CR, LF and NUL are what splits a head in two.
#[inline]
pub(crate) const fn is_field_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// Bytes without the optional white space around them (RFC 9110, section 5.6.3).
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The elements of a `#token` list, in order. Empty elements are passed over
/// (RFC 9110, section 5.6.1.2); that the others are tokens is left to the caller.
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(trim)
        .filter(|element| !element.is_empty())
}

/// Reads a field value from its start to its end.
///
/// Each method takes what it names from the front of what is left, or leaves it as
/// it is and says that it isn't there.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Self {
        Cursor { rest: value }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Passes over white space, and says whether what follows is `byte`, which it
    /// takes.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn skip_space(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Passes over white space and takes a token.
    pub(crate) fn token(&mut self) -> Option<&'a str> {
        self.skip_space();
        let length = self
            .rest
            .iter()
            .position(|&byte| !is_tchar(byte))
            .unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at_checked(length)?;
        if token.is_empty() {
            return None;
        }
        self.rest = rest;
        core::str::from_utf8(token).ok()
    }

    /// Takes the rest of a quoted string whose opening quote was taken, and returns
    /// what it stands for if that is a token. `None` too if the quote never closes.
    ///
    /// RFC 9110, section 5.6.4, allows any byte in a quoted string; the fields that
    /// are read with this allow the bytes of a token only (RFC 6455, section 9.1),
    /// so that reading stops at the first other byte.
    pub(crate) fn quoted_token(&mut self) -> Option<String> {
        let mut token = String::new();
        let mut bytes = self.rest.iter();
        loop {
            match *bytes.next()? {
                b'"' => break,
                b'\\' => token.push(tchar(*bytes.next()?)?),
                byte => token.push(tchar(byte)?),
            }
        }
        if token.is_empty() {
            return None;
        }
        self.rest = bytes.as_slice();
        Some(token)
    }
}

fn tchar(byte: u8) -> Option<char> {
    is_tchar(byte).then(|| char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_no_separators_spaces_controls_or_high_bytes() {
        let separators = b"()<>@,;:\\\"/[]?={} \t";
        for byte in 0..=u8::MAX {
            let expected = matches!(byte, 0x21..=0x7E) && !separators.contains(&byte);
            assert_eq!(is_tchar(byte), expected, "{byte:#04x}");
            assert_eq!(is_token(&[b'a', byte]), expected, "{byte:#04x}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn a_field_byte_is_no_control_character_but_the_tab() {
        for byte in 0..=u8::MAX {
            let expected = byte == b'\t' || !byte.is_ascii_control();
            assert_eq!(is_field_byte(byte), expected, "{byte:#04x}");
        }
    }

    #[test]
    fn a_list_has_elements_between_commas_and_ignores_empty_ones() {
        let value = b", a,b ,\t, c d ,,";
        let found: Vec<&[u8]> = elements(value).collect();
        assert_eq!(found, [b"a".as_slice(), b"b", b"c d"]);
        assert_eq!(elements(b"").count(), 0);
        assert_eq!(elements(b" , ,").count(), 0);
    }

    #[test]
    fn class_03_a_comma_flood_is_an_empty_list() {
        assert_eq!(elements(&vec![b','; 1 << 20]).count(), 0);
    }

    #[test]
    fn a_cursor_takes_tokens_and_delimiters_over_white_space() {
        let mut cursor = Cursor::new(b" a \t; b");
        assert_eq!(cursor.token(), Some("a"));
        assert!(!cursor.take(b','));
        assert!(cursor.take(b';'));
        assert_eq!(cursor.token(), Some("b"));
        assert!(cursor.is_at_end());
        assert_eq!(cursor.token(), None);
        assert!(!cursor.take(b','));
    }

    #[test]
    fn a_quoted_string_stands_for_its_unescaped_content() {
        let unquoted = |value: &[u8]| Cursor::new(value).quoted_token();
        assert_eq!(unquoted(b"abc\" rest").as_deref(), Some("abc"));
        assert_eq!(unquoted(b"a\\b\\c\"").as_deref(), Some("abc"));
        assert_eq!(unquoted(b"\""), None, "empty");
        assert_eq!(unquoted(b"a b\""), None, "a space is not of a token");
        assert_eq!(unquoted(b"a\\\"b\""), None, "nor is an escaped quote");
    }

    #[test]
    fn class_03_a_quote_that_never_closes_is_no_token() {
        let mut long = vec![b'a'; 1 << 20];
        assert_eq!(Cursor::new(&long).quoted_token(), None);
        long.push(b'\\');
        assert_eq!(Cursor::new(&long).quoted_token(), None);
    }
}
