//! The settings in one object of the configuration.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use core::time::Duration;

use websocket_component::Instant;
use websocket_component::inspector::{Inspector, Options};

use super::ConfigError;
use super::json::{Json, excerpt};

/// Ten years.
const MAX_TIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// The rates that a token bucket can count without overflow.
const RATES: RangeInclusive<f64> = 0.000_001..=1e15;

/// An object whose settings are read one by one. Those that were never read are unknown settings.
pub(super) struct Object<'a> {
    /// The key of the object itself. Empty at the top.
    path: String,
    entries: &'a [(String, Json)],
    /// The keys that were read.
    known: Vec<&'static str>,
}

impl<'a> Object<'a> {
    /// Takes the object at a path. Fails if it isn't an object, or has a duplicate key.
    pub(super) fn new(path: &str, json: &'a Json) -> Result<Self, ConfigError> {
        let mut object = Object {
            path: path.to_owned(),
            entries: &[],
            known: Vec::new(),
        };
        let Json::Object(entries) = json else {
            return Err(object.wrong("", "an object", json));
        };
        let mut rest = entries.iter();
        while let Some((key, _)) = rest.next() {
            if rest.clone().any(|(other, _)| other == key) {
                return Err(object.error(&excerpt(key), "appears twice"));
            }
        }
        object.entries = entries;
        Ok(object)
    }

    /// Fails if there is a setting that was not read.
    pub(super) fn finish(&self) -> Result<(), ConfigError> {
        let unknown = |key: &&String| !self.known.contains(&key.as_str());
        let Some(key) = self.entries.iter().map(|(key, _)| key).find(unknown) else {
            return Ok(());
        };
        let mut problem = "no such setting".to_owned();
        if let Some(similar) = similar(key, &self.known) {
            problem.push_str("; did you mean ");
            problem.push_str(similar);
            problem.push('?');
        }
        Err(self.error(&excerpt(key), &problem))
    }

    /// Whether there is a setting.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name == key)
    }

    /// Returns an integer in a range.
    pub(super) fn whole(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Result<u64, ConfigError> {
        match self.value(key) {
            None => Ok(default),
            Some(Json::Whole(number)) if range.contains(number) => Ok(*number),
            Some(json) => {
                let expected = format!("a whole number from {} to {}", range.start(), range.end());
                Err(self.wrong(key, &expected, json))
            }
        }
    }

    /// Returns a 32-bit integer in a range.
    pub(super) fn small(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        default: u32,
    ) -> Result<u32, ConfigError> {
        let range = u64::from(*range.start())..=u64::from(*range.end());
        // The range is of 32 bits.
        Ok(self.whole(key, range, default.into())? as u32)
    }

    /// Returns a close code that the engine may send.
    pub(super) fn close_code(
        &mut self,
        key: &'static str,
        default: u16,
    ) -> Result<u16, ConfigError> {
        let Some(json) = self.value(key) else {
            return Ok(default);
        };
        let code = match json {
            Json::Whole(number) => u16::try_from(*number).ok(),
            _ => None,
        };
        let allowed = code.filter(|code| {
            let mut options = Options::default();
            options.timeouts.age_code = *code;
            Inspector::new(options, &[0; 32], Instant::from_nanos(0)).is_ok()
        });
        let expected = "a close code that may be sent (1000 to 1003, 1007 to 1014, 3000 to 4999)";
        allowed.ok_or_else(|| self.wrong(key, expected, json))
    }

    /// Returns a time that passes a check, if it was set.
    pub(super) fn seconds(
        &mut self,
        key: &'static str,
        expected: &str,
        is_allowed: fn(Duration) -> bool,
    ) -> Result<Option<Duration>, ConfigError> {
        let Some(json) = self.value(key) else {
            return Ok(None);
        };
        let time = match json {
            Json::Whole(seconds) => Some(Duration::from_secs(*seconds)),
            // Rounded to the nanosecond. 0 has a special meaning, and is an integer.
            Json::Number(seconds) => Duration::try_from_secs_f64(*seconds)
                .ok()
                .filter(|time| !time.is_zero()),
            _ => None,
        };
        match time.filter(|time| *time <= MAX_TIME && is_allowed(*time)) {
            None => Err(self.wrong(key, expected, json)),
            time => Ok(time),
        }
    }

    /// Returns a deadline. 0 turns it off.
    pub(super) fn timeout(
        &mut self,
        key: &'static str,
        default: Option<Duration>,
    ) -> Result<Option<Duration>, ConfigError> {
        let expected = "0 (none) or seconds from 0.000000001 to 315360000";
        let time = self.seconds(key, expected, |_| true)?;
        Ok(time.map_or(default, |time| (!time.is_zero()).then_some(time)))
    }

    /// Returns a rate per second, if it was set.
    pub(super) fn rate(&mut self, key: &'static str) -> Result<Option<f64>, ConfigError> {
        let Some(json) = self.value(key) else {
            return Ok(None);
        };
        let number = match json {
            Json::Whole(number) => Some(*number as f64),
            Json::Number(number) => Some(*number),
            _ => None,
        };
        match number.filter(|number| RATES.contains(number)) {
            None => Err(self.wrong(key, "a number from 0.000001 to 1000000000000000", json)),
            rate => Ok(rate),
        }
    }

    /// Returns a flag.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> Result<bool, ConfigError> {
        match self.value(key) {
            None => Ok(default),
            Some(Json::Flag(flag)) => Ok(*flag),
            Some(json) => Err(self.wrong(key, "true or false", json)),
        }
    }

    /// Returns the index of a choice. The first is the default.
    pub(super) fn choice(
        &mut self,
        key: &'static str,
        words: &[&str],
    ) -> Result<usize, ConfigError> {
        let Some(json) = self.value(key) else {
            return Ok(0);
        };
        let index = match json {
            Json::Text(text) => words.iter().position(|word| word == text),
            _ => None,
        };
        index.ok_or_else(|| {
            let expected = ["\"", &words.join("\" or \""), "\""].concat();
            self.wrong(key, &expected, json)
        })
    }

    /// Returns a string that is not empty, if it was set.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, ConfigError> {
        match self.value(key) {
            None => Ok(None),
            Some(Json::Text(text)) if !text.is_empty() => Ok(Some(text)),
            Some(json) => Err(self.wrong(key, "a string that is not empty", json)),
        }
    }

    /// Returns an array, if it was set.
    pub(super) fn array(&mut self, key: &'static str) -> Result<Option<&'a [Json]>, ConfigError> {
        match self.value(key) {
            None => Ok(None),
            Some(Json::Array(array)) => Ok(Some(array)),
            Some(json) => Err(self.wrong(key, "an array", json)),
        }
    }

    /// Returns the parsed strings of an array, if it was set.
    pub(super) fn strings<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, ConfigError> {
        let Some(array) = self.array(key)? else {
            return Ok(None);
        };
        let parsed = array.iter().enumerate().map(|(index, json)| {
            let parsed = match json {
                Json::Text(text) => parse(text),
                _ => None,
            };
            parsed.ok_or_else(|| self.wrong(&element(key, index), expected, json))
        });
        parsed.collect::<Result<_, _>>().map(Some)
    }

    /// Returns an object in this one, if it was set.
    pub(super) fn object(&mut self, key: &'static str) -> Result<Option<Object<'a>>, ConfigError> {
        let Some(json) = self.value(key) else {
            return Ok(None);
        };
        Object::new(&self.path_of(key), json).map(Some)
    }

    /// Returns the objects of an array, if it was set.
    pub(super) fn objects(&mut self, key: &'static str) -> Result<Vec<Object<'a>>, ConfigError> {
        let array = self.array(key)?.unwrap_or_default();
        let objects = array.iter().enumerate();
        let objects =
            objects.map(|(index, json)| Object::new(&self.path_of(&element(key, index)), json));
        objects.collect()
    }

    /// Returns an error for a setting, or for the object itself if the key is empty.
    pub(super) fn error(&self, key: &str, problem: &str) -> ConfigError {
        let path = self.path_of(key);
        let path = if path.is_empty() { "settings" } else { &path };
        ConfigError([path, ": ", problem].concat())
    }

    fn wrong(&self, key: &str, expected: &str, given: &Json) -> ConfigError {
        let problem = ["must be ", expected, ", and is ", &given.shown()].concat();
        self.error(key, &problem)
    }

    fn path_of(&self, key: &str) -> String {
        let is_inside = !self.path.is_empty() && !key.is_empty();
        [self.path.as_str(), if is_inside { "." } else { "" }, key].concat()
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Json> {
        self.known.push(key);
        let entry = self.entries.iter().find(|(name, _)| name == key);
        entry.map(|(_, json)| json)
    }
}

/// Returns the key of one element of an array.
fn element(key: &str, index: usize) -> String {
    [key, "[", &index.to_string(), "]"].concat()
}

/// Returns the most similar known key, if it may have been meant.
fn similar(key: &str, known: &[&'static str]) -> Option<&'static str> {
    // All known keys are shorter, and the time is quadratic.
    if key.len() > 40 {
        return None;
    }
    let candidates = known.iter().map(|known| (distance(key, known), *known));
    let (distance, known) = candidates.min_by_key(|(distance, _)| *distance)?;
    (distance <= 2.max(known.len() / 4)).then_some(known)
}

/// Returns the Levenshtein distance of two texts, in bytes.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (1..=to.len()).collect();
    for (index, a) in from.bytes().enumerate() {
        let (mut diagonal, mut left) = (index, index + 1);
        for (cell, b) in row.iter_mut().zip(to.bytes()) {
            let replaced = diagonal + usize::from(a != b);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(from.len())
}
