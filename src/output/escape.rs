//! Text from outside (command lines of other processes, log lines, names in certificates, answers of servers) can
//! hold control characters that move the cursor, and line breaks that forge our own lines. Everything that is printed
//! as text goes through here.

use std::borrow::Cow;
use std::fmt::Write;

/// What continuation lines are indented with, so that only we begin a line with `[area]`.
const INDENT: &str = "    ";

/// Control characters, and those that change the direction of what follows, hide, or break lines.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let wanted = |c: char| hidden(c) && !keep(c);
    if !text.contains(wanted) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if wanted(c) {
            // `\n`, `\r`, `\u{1b}`: writing to a string can't fail.
            let _ = match c {
                '\u{feff}' => write!(shown, "\\u{{feff}}"),
                c if c.is_control() => write!(shown, "{}", c.escape_default()),
                c => write!(shown, "{}", c.escape_unicode()),
            };
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Whether `text` has a character that is not shown as it is.
pub(crate) fn is_needed(text: &str) -> bool {
    text.contains(hidden)
}

/// Text of several lines: control characters are escaped, line breaks and tabs stay.
pub(super) fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// Text that stands inside a line, such as a table's cell: line breaks and tabs are escaped too.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// A message whose first line is ours: a later line that looks like one of ours, `[area] …`, is indented.
pub(crate) fn message(text: &str) -> String {
    let shown = lines(text);
    let mut message = String::with_capacity(shown.len());
    for (i, line) in shown.split('\n').enumerate() {
        if i > 0 {
            message.push('\n');
            if line.starts_with('[') {
                message.push_str(INDENT);
            }
        }
        message.push_str(line);
    }
    message
}

/// Text that begins inside a line, such as a field of a finding: its other lines begin with `prefix`.
pub(crate) fn field(text: &str, prefix: &str) -> String {
    lines(text.trim_end_matches('\n')).replace('\n', &format!("\n{prefix}"))
}

/// JSON as serde writes it escapes ASCII's control characters alone; in JSON all others can be escaped as well.
pub(super) fn json(line: &str) -> Cow<'_, str> {
    if !line.contains(hidden) {
        return Cow::Borrowed(line);
    }
    let mut shown = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// For tests of what prints text from outside.
#[cfg(test)]
pub(crate) mod testing {
    use proptest::prelude::*;

    const FORGED: &str = "[preflight] all checks passed";

    /// Text with many characters that terminals act on.
    pub(crate) fn hostile() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just(FORGED.to_owned()),
            Just("\u{1b}[2J\u{1b}]0;x\u{7}".to_owned()),
            Just("\r".to_owned()),
            Just("\n".to_owned()),
            Just("\u{9b}31m".to_owned()),
            Just("\u{202e}".to_owned()),
            any::<char>().prop_map(String::from),
            "[a-z ]{0,8}",
        ];
        proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    /// Whether hostile text in it has become a line that looks like one of ours.
    pub(crate) fn has_forged_line(shown: &str) -> bool {
        shown.lines().any(|line| line.starts_with(FORGED))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use serde_json::json;

    use super::testing::hostile;
    use super::*;
    use crate::finding::Finding;
    use crate::output::table::columns;
    use crate::output::{Format, LiveView, Printer, finding_text};

    fn harmless(text: &str) -> bool {
        !text.contains(|c: char| hidden(c) && c != '\n' && c != '\t')
    }

    proptest! {
        #[test]
        fn no_control_character_passes_and_no_line_of_ours_is_forged(text in hostile()) {
            let shown = message(&text);
            prop_assert!(harmless(&shown), "{shown:?}");
            prop_assert!(shown.split('\n').skip(1).all(|line| !line.starts_with('[')), "{shown:?}");
            prop_assert!(!one_line(&text).contains(hidden));
        }

        #[test]
        fn every_line_of_a_finding_after_its_first_is_indented(text in hostile()) {
            let finding = Finding::error(&text).evidence(&text).cause(&text).fix(&text);
            let shown = message(&finding_text(&finding));
            prop_assert!(harmless(&shown), "{shown:?}");
            prop_assert!(shown.split('\n').skip(1).all(|line| line.starts_with("    ")), "{shown:?}");
            let evidence = shown.split('\n').filter(|line| line.starts_with("    | ")).count();
            prop_assert_eq!(evidence, text.trim_end_matches('\n').split('\n').count());
        }

        #[test]
        fn no_control_character_passes_by_any_way_out(text in hostile()) {
            for format in [Format::Text, Format::Json] {
                let kept = Arc::new(Mutex::new(String::new()));
                let out = Printer::keeping(format, &kept);
                let data = json!({ "message": text, &*text: [text] });
                out.log("area", &text);
                out.clone().logs_to_stdout().log("area", &text);
                out.warn("area", &text);
                out.findings("area", &[Finding::error(&text).evidence(&text).cause(&text).fix(&text)]);
                out.phase(&text, &text, None);
                out.result(data.clone(), &text);
                out.failure(data, &text);
                out.data(&text);
                out.data(&columns(&[[text.clone(), text.clone()]]));
                out.document(&text, &text);
                LiveView::new(&out, "area").show(&text, &text, true);
                let printed = kept.lock().unwrap();
                prop_assert!(harmless(&printed), "{printed:?}");
            }
        }

        #[test]
        fn json_keeps_its_value(text in hostile()) {
            let line = serde_json::to_string(&text).unwrap();
            let shown = json(&line);
            prop_assert!(!shown.contains(hidden));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }

        #[test]
        fn what_is_harmless_stays(text in "[ -~äß中\n\t]{0,40}") {
            prop_assert_eq!(lines(&text), text.as_str());
        }
    }

    #[test]
    fn escapes_are_readable() {
        assert_eq!(one_line("a\u{1b}[1m\r\nb\u{9b}"), "a\\u{1b}[1m\\r\\nb\\u{9b}");
        assert_eq!(message("x\n[preflight] ok"), "x\n    [preflight] ok");
    }
}
