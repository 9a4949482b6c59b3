//! A message, and what messages hold.

/// What the payloads hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Random bytes.
    Binary,
    /// ASCII, as in most JSON.
    Text,
    /// Text in several scripts. Validation takes another path than for ASCII, in every library.
    Unicode,
}

impl Content {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Text => "text",
            Self::Unicode => "unicode",
        }
    }
}

/// One message. It lives as long as the program, so that libraries which take payloads by reference count or by value
/// get them without a copy: their cheapest way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Text(&'static str),
    Binary(&'static [u8]),
}

impl Message {
    pub(crate) const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Text(_))
    }
}
