//! Go's string literals.

use super::error::TemplateError;

/// The string literal that `text` begins with, in double or single quotes, and what follows it.
pub(super) fn literal(text: &str) -> Result<(String, &str), TemplateError> {
    let fail = |why: &str| TemplateError::syntax(text, why);
    let mut chars = text.char_indices();
    let quote = chars.next().map(|(_, c)| c).filter(|c| matches!(c, '"' | '\'' | '`'));
    let quote = quote.ok_or_else(|| fail("a string in quotes is expected"))?;
    let mut value = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => {
                let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
                return Ok((value, rest));
            }
            '\\' if quote != '`' => {
                let escaped = chars.next().map(|(_, c)| c);
                value.push(match escaped {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some('a') => '\u{7}',
                    Some('b') => '\u{8}',
                    Some('f') => '\u{c}',
                    Some('v') => '\u{b}',
                    Some(c @ ('\\' | '"' | '\'')) => c,
                    Some('x') => code(&mut chars, 2).ok_or_else(|| fail("\\x takes two hex digits"))?,
                    Some('u') => code(&mut chars, 4).ok_or_else(|| fail("\\u takes four hex digits"))?,
                    _ => return Err(fail("an unknown escape")),
                });
            }
            c => value.push(c),
        }
    }
    Err(fail("the string does not end"))
}

/// The character of a code in hex digits.
fn code(chars: &mut std::str::CharIndices<'_>, digits: usize) -> Option<char> {
    let hex: String = chars.take(digits).map(|(_, c)| c).collect();
    if hex.len() == digits { char::from_u32(u32::from_str_radix(&hex, 16).ok()?) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_the_rest() {
        for (text, value, rest) in [
            (r#""a\tb\n" x"#, "a\tb\n", " x"),
            (r#"'it\'s'"#, "it's", ""),
            (r#""\x41\u00e9""#, "A\u{e9}", ""),
            (r"`\n`", r"\n", ""),
        ] {
            assert_eq!(literal(text).unwrap(), (value.to_owned(), rest), "{text}");
        }
        for bad in ["", "a", "\"a", r#""\q""#, r#""\x4""#, "\""] {
            assert!(literal(bad).is_err(), "{bad}");
        }
    }
}
