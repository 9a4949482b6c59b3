//! JSON with duplicate keys.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde_core::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// 2^64, the first number that is no `u64`.
const BEYOND: f64 = 18_446_744_073_709_551_616.0;

/// A JSON value. Unlike `serde_json::Value` it keeps duplicate keys.
pub(super) enum Json {
    Null,
    Flag(bool),
    /// An integer, in any notation.
    Whole(u64),
    /// Any other number: a fraction, or one that is negative or too big.
    Number(f64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Formats the value for an error.
    pub(super) fn shown(&self) -> String {
        match self {
            Json::Null => "null".to_owned(),
            Json::Flag(true) => "true".to_owned(),
            Json::Flag(false) => "false".to_owned(),
            Json::Whole(number) => number.to_string(),
            Json::Number(number) => decimal(*number),
            Json::Text(text) => ["\"", &excerpt(text), "\""].concat(),
            Json::Array(_) => "an array".to_owned(),
            Json::Object(_) => "an object".to_owned(),
        }
    }
}

/// Returns the start of a text, escaped and on one line.
pub(super) fn excerpt(text: &str) -> String {
    let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut start: String = text.chars().take(60).map(printable).collect();
    if text.chars().nth(60).is_some() {
        start.push_str("...");
    }
    start
}

/// Formats a number with at most nine decimals: the formatting of floats in `core` is much code.
fn decimal(number: f64) -> String {
    let size = number.abs();
    if size >= BEYOND {
        return "out of range".to_owned();
    }
    let whole = size as u64;
    let behind = (((size - whole as f64) * 1e9 + 0.5) as u64).min(999_999_999);
    if (whole, behind) == (0, 0) {
        return "almost 0".to_owned();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    // With a leading one, to keep leading zeros.
    let digits = (1_000_000_000 + behind).to_string();
    let digits = digits.strip_prefix('1').unwrap_or_default();
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    [sign, &whole.to_string(), point, digits].concat()
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Whole(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        // Only negative integers get here.
        Ok(Json::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        // The cast saturates.
        let whole = number as u64;
        Ok(match number < BEYOND && whole as f64 == number {
            true => Json::Whole(whole),
            false => Json::Number(number),
        })
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(json) = from.next_element()? {
            array.push(json);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = from.next_entry()? {
            object.push(entry);
        }
        Ok(Json::Object(object))
    }
}
