//! Regular expressions that match in linear time.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::ops::RangeInclusive;

use regex_lite::{Regex, RegexBuilder};

/// The maximum size of a compiled expression, in bytes, times the length of the payload. A byte can take some 300 ns
/// for each KiB of the program, so that a message takes at most a tenth of a second.
const MAX_WORK: usize = 1 << 28;
/// The maximum size for the longest messages, and for the shortest.
const SIZES: RangeInclusive<usize> = 2 << 10..=256 << 10;

/// A regular expression in the syntax of the crate `regex-lite`: classes such as `\w`, and case folding, are ASCII
/// only.
#[derive(Debug)]
pub struct Expression(Box<Regex>);

impl Expression {
    /// Compiles an expression for payloads of at most `up_to` bytes.
    ///
    /// # Errors
    ///
    /// The syntax error, or that the compiled expression is too large.
    pub fn new(expression: &str, up_to: u32) -> Result<Expression, String> {
        let largest = MAX_WORK / usize::try_from(up_to).unwrap_or(usize::MAX).max(1);
        let largest = largest.clamp(*SIZES.start(), *SIZES.end());
        let built = RegexBuilder::new(expression).size_limit(largest).build();
        match built {
            Ok(regex) => Ok(Expression(Box::new(regex))),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Returns whether it matches in a payload. Invalid UTF-8 in binary data counts as U+FFFD.
    pub fn is_match(&self, payload: &[u8]) -> bool {
        self.0.is_match(&String::from_utf8_lossy(payload))
    }
}

#[cfg(test)]
mod tests {
    use super::Expression;

    fn finds(expression: &str, text: &str) -> bool {
        match Expression::new(expression, 65_536) {
            Ok(expression) => expression.is_match(text.as_bytes()),
            Err(error) => panic!("{expression}: {error}"),
        }
    }

    #[test]
    fn an_expression_is_found_anywhere_unless_it_is_anchored() {
        assert!(finds("b+c", "aabbbc"));
        assert!(!finds("^b+c", "aabbbc"));
        assert!(finds("(?i)DROP\\s+table", "; drop  TABLE x"));
        assert!(finds("é$", "café"));
        assert!(finds("\\bcard: [0-9]{16}\\b", "card: 4111111111111111."));
        assert!(!finds("\\bcard: [0-9]{16}\\b", "card: 41111111111111111"));
    }

    #[test]
    fn an_expression_is_found_beside_what_is_no_text() {
        let expression = Expression::new("card: [0-9]{4}", 65_536).unwrap();
        assert!(expression.is_match(b"\xff\x00card: 4111\xc3"));
        assert!(!expression.is_match(b"card: 41\xff11"));
    }

    #[test]
    fn an_expression_that_would_backtrack_takes_linear_time() {
        assert!(!finds("(a+)+$", &("a".repeat(1 << 16) + "b")));
    }

    #[test]
    fn an_expression_may_be_the_larger_the_shorter_what_it_looks_at_is() {
        let large = "(?i)select.{1,200}from";
        assert!(Expression::new(large, 65_536).is_err());
        assert!(Expression::new(large, 8192).is_ok());
        for usual in [
            "\\bcard: [0-9]{16}\\b",
            "(?i)(password|secret|token)\\s*[:=]",
        ] {
            assert!(Expression::new(usual, 524_288).is_ok(), "{usual}");
        }
    }

    #[test]
    fn what_is_wrong_or_too_large_is_refused_with_the_reason() {
        for wrong in ["(", "a{1000}{1000}", "[z-a]"] {
            assert!(
                Expression::new(wrong, 1).is_err_and(|error| !error.is_empty()),
                "{wrong}"
            );
        }
    }
}
