//! Extensions: the field that offers and chooses them (RFC 6455, section 9.1), and
//! what may be chosen.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use super::{Header, repeated};
use crate::{
    Rule,
    http::{
        grammar::{self, Cursor},
        header,
    },
};

pub(crate) const FIELD: &str = "Sec-WebSocket-Extensions";

/// An extension with its parameters (RFC 6455, section 9.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Extension {
    /// The registered name, a token. Names are case-sensitive.
    pub name: String,
    /// Name and value of each parameter, in order; both are tokens. Values are without quotes.
    /// A name may be repeated; the extension defines what that means.
    pub parameters: Vec<(String, Option<String>)>,
}

/// Returns the extensions that a head names, in order; none if it has no such field. The
/// field may be repeated, as if its values were one list.
///
/// Fails with [`Rule::ExtensionMalformed`] if a value is not an `extension-list`,
/// which is never empty.
pub(crate) fn parse(headers: &[Header]) -> Result<Vec<Extension>, Rule> {
    let mut extensions = Vec::new();
    for value in header::values(headers, FIELD) {
        parse_list(value, &mut extensions).ok_or(Rule::ExtensionMalformed)?;
    }
    if extensions.is_empty() && header::values(headers, FIELD).next().is_some() {
        return Err(Rule::ExtensionMalformed);
    }
    Ok(extensions)
}

/// `extension-list = 1#extension`, where the elements of a list may be empty and
/// there may be white space between any two words (RFC 2616, section 2.1, which the
/// grammar of RFC 6455 is written in).
fn parse_list(value: &[u8], extensions: &mut Vec<Extension>) -> Option<()> {
    let mut cursor = Cursor::new(value);
    loop {
        while cursor.take(b',') {}
        if cursor.is_at_end() {
            return Some(());
        }
        extensions.push(parse_extension(&mut cursor)?);
        if !cursor.is_at_end() && !cursor.take(b',') {
            return None;
        }
    }
}

/// `extension = extension-token *( ";" extension-param )`
fn parse_extension(cursor: &mut Cursor<'_>) -> Option<Extension> {
    let mut extension = Extension {
        name: cursor.token()?.to_owned(),
        parameters: Vec::new(),
    };
    while cursor.take(b';') {
        let name = cursor.token()?.to_owned();
        let value = if !cursor.take(b'=') {
            None
        } else if cursor.take(b'"') {
            Some(cursor.quoted_token()?)
        } else {
            Some(cursor.token()?.to_owned())
        };
        extension.parameters.push((name, value));
    }
    Some(extension)
}

/// Returns the value of the field for these extensions.
#[inline(never)]
pub(crate) fn write(extensions: &[Extension]) -> String {
    let mut value = String::new();
    for extension in extensions {
        if !value.is_empty() {
            value.push_str(", ");
        }
        value.push_str(&extension.name);
        for (name, argument) in &extension.parameters {
            value.push_str("; ");
            value.push_str(name);
            if let Some(argument) = argument {
                value.push('=');
                value.push_str(argument);
            }
        }
    }
    value
}

/// Checks extensions that a caller offers or chooses.
#[inline(never)]
pub(super) fn check(extensions: &[Extension]) -> Result<(), Rule> {
    let is_token = |text: &str| grammar::is_token(text.as_bytes());
    let is_valid = |extension: &Extension| {
        is_token(&extension.name)
            && extension
                .parameters
                .iter()
                .all(|(name, value)| is_token(name) && value.as_deref().is_none_or(is_token))
    };
    if extensions.iter().all(is_valid) {
        Ok(())
    } else {
        Err(Rule::ExtensionInvalid)
    }
}

/// Returns whether an answer chooses extensions that were offered, each once.
///
/// An extension may be offered several times with other parameters, of which a
/// server chooses one (RFC 6455, section 9.1; RFC 7692, section 5). Whether the
/// chosen parameters answer the offered ones is the extension's to say.
pub(super) fn are_chosen_from(offered: &[Extension], chosen: &[Extension]) -> bool {
    let all = names(offered).chain(names(chosen));
    !repeated(names(chosen)).contains(&true)
        && repeated(all)
            .iter()
            .skip(offered.len())
            .all(|&offered| offered)
}

fn names(extensions: &[Extension]) -> impl Iterator<Item = &[u8]> {
    extensions.iter().map(|extension| extension.name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(values: &[&[u8]]) -> Vec<Header> {
        values
            .iter()
            .map(|&value| Header::new("SEC-WEBSOCKET-EXTENSIONS", value))
            .collect()
    }

    fn parsed(value: &str) -> Result<Vec<Extension>, Rule> {
        parse(&fields(&[value.as_bytes()]))
    }

    fn extension(name: &str, parameters: &[(&str, Option<&str>)]) -> Extension {
        Extension {
            name: name.into(),
            parameters: parameters
                .iter()
                .map(|&(name, value)| (name.into(), value.map(Into::into)))
                .collect(),
        }
    }

    #[test]
    fn the_examples_of_rfc_6455_section_9_1() {
        assert_eq!(parsed("foo"), Ok(vec![extension("foo", &[])]));
        assert_eq!(
            parsed("bar; baz=2"),
            Ok(vec![extension("bar", &[("baz", Some("2"))])])
        );
        assert_eq!(
            parsed("deflate-stream"),
            Ok(vec![extension("deflate-stream", &[])])
        );
        assert_eq!(
            parsed("mux; max-channels=4; flow-control, deflate-stream"),
            Ok(vec![
                extension(
                    "mux",
                    &[("max-channels", Some("4")), ("flow-control", None)]
                ),
                extension("deflate-stream", &[]),
            ])
        );
    }

    #[test]
    fn several_lines_are_one_list_with_empty_elements_ignored() {
        let headers = fields(&[b"foo, ,", b"\t,bar;baz ,", b""]);
        assert_eq!(
            parse(&headers),
            Ok(vec![
                extension("foo", &[]),
                extension("bar", &[("baz", None)])
            ])
        );
        assert_eq!(parse(&[]), Ok(vec![]));
    }

    #[test]
    fn white_space_is_allowed_between_any_two_words() {
        let expected = Ok(vec![extension("foo", &[("bar", Some("2"))])]);
        assert_eq!(parsed("foo;bar=2"), expected);
        assert_eq!(parsed("\tfoo \t; bar = 2 "), expected);
        assert_eq!(parsed("foo;bar= \"2\" ,"), expected);
    }

    #[test]
    fn class_05_a_quoted_parameter_is_what_it_stands_for() {
        let expected = Ok(vec![extension("foo", &[("bar", Some("a1"))])]);
        assert_eq!(parsed("foo; bar=\"a1\""), expected);
        assert_eq!(parsed("foo; bar=\"\\a\\1\""), expected);
    }

    #[test]
    fn class_05_duplicate_and_unknown_parameters_are_passed_on() {
        assert_eq!(
            parsed("foo; a; a=1; a=1; whatever"),
            Ok(vec![extension(
                "foo",
                &[
                    ("a", None),
                    ("a", Some("1")),
                    ("a", Some("1")),
                    ("whatever", None)
                ]
            )])
        );
    }

    #[test]
    fn what_is_no_extension_list_is_malformed() {
        for bad in [
            "",
            ",",
            ";",
            "foo;",
            "foo; ;bar",
            "foo;,",
            "foo bar",
            "foo; bar baz",
            "foo; bar=",
            "foo; bar=;",
            "foo; =2",
            "foo; bar=2=3",
            "foo=2",
            "\"foo\"",
            "foo; \"bar\"",
            "foo; bar=\"\"",
            "foo; bar=\"a b\"",
            "foo; bar=\"a,b\"",
            "foo; bar=\"a\"b",
            "foo; bar=\"a",
            "foo; bar=\"a\\",
            "foo; bar=\"\\\"\"",
            "foo; bar='a b'",
            "foo/1",
            "é",
            "foo; é",
        ] {
            assert_eq!(parsed(bad), Err(Rule::ExtensionMalformed), "{bad:?}");
        }
    }

    #[test]
    fn class_03_floods_of_commas_quotes_and_semicolons_take_linear_time() {
        let many = 1 << 20;
        for bad in [
            ",".repeat(many),
            ", \t".repeat(many),
            format!("foo; bar=\"{}", "a".repeat(many)),
            format!("foo; bar=\"{}", "\\\"".repeat(many)),
            format!("foo; bar={}", "\"".repeat(many)),
            format!("foo{}", ";".repeat(many)),
            format!("foo{}", ";a=\"".repeat(many)),
        ] {
            assert_eq!(parsed(&bad), Err(Rule::ExtensionMalformed));
        }
        let many = parsed(&"a;b=\"c\",".repeat(1 << 16)).unwrap();
        assert_eq!(many.len(), 1 << 16);
        assert!(!are_chosen_from(&many, &many));
        assert!(are_chosen_from(&many, &many[..1]));
        let all: Vec<_> = (0..1 << 16)
            .map(|number| extension(&format!("x{number}"), &[]))
            .collect();
        assert!(are_chosen_from(&all, &all));
        assert!(!are_chosen_from(&all[1..], &all[..1 << 15]));
    }

    #[test]
    fn class_04_high_bytes_anywhere_are_malformed() {
        for byte in 0x80..=0xFF {
            for value in [
                &[byte][..],
                &[b'a', byte],
                &[b'a', b';', byte],
                &[b'a', b';', b'b', b'=', byte],
                &[b'a', b';', b'b', b'=', b'"', byte, b'"'],
                &[b'a', b';', b'b', b'=', b'"', b'\\', byte, b'"'],
                &[b'a', b',', byte],
            ] {
                assert_eq!(parse(&fields(&[value])), Err(Rule::ExtensionMalformed));
            }
        }
    }

    #[test]
    fn what_is_written_is_parsed_as_the_same() {
        let extensions = vec![
            extension("foo", &[]),
            extension("bar", &[("a", None), ("b", Some("2"))]),
            extension("foo", &[("c", Some("x-y"))]),
        ];
        let value = write(&extensions);
        assert_eq!(value, "foo, bar; a; b=2, foo; c=x-y");
        assert_eq!(parsed(&value), Ok(extensions));
    }

    #[test]
    fn a_caller_gives_tokens() {
        assert_eq!(
            check(&[extension("foo", &[("a", Some("1")), ("b", None)])]),
            Ok(())
        );
        for bad in [
            extension("", &[]),
            extension("a b", &[]),
            extension("a", &[("", None)]),
            extension("a", &[("b;", None)]),
            extension("a", &[("b", Some(""))]),
            extension("a", &[("b", Some("c\r\nd"))]),
        ] {
            assert_eq!(check(&[bad]), Err(Rule::ExtensionInvalid));
        }
    }

    #[test]
    fn an_answer_chooses_what_was_offered_each_once() {
        let (foo, bar) = (extension("foo", &[]), extension("bar", &[("a", None)]));
        let offered = [foo.clone(), extension("foo", &[("b", None)]), bar.clone()];
        assert!(are_chosen_from(&offered, &[]));
        assert!(are_chosen_from(&offered, &[bar.clone(), foo.clone()]));
        assert!(are_chosen_from(
            &offered,
            &[extension("foo", &[("x", None)])]
        ));
        assert!(!are_chosen_from(&offered, &[foo.clone(), foo.clone()]));
        assert!(!are_chosen_from(&offered, &[extension("FOO", &[])]));
        assert!(!are_chosen_from(&[], &[foo]));
    }
}
