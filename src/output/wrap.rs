//! Lines for a terminal: broken between words, with what follows indented; commands in backticks stay whole, so that
//! they can be copied, and evidence stays as it was written.

use std::io::IsTerminal;

use textwrap::core::Word;
use textwrap::{Options, WordSeparator, WordSplitter};

/// What evidence lines begin with.
const EVIDENCE: &str = "    | ";
/// How much further than its line what is broken off is indented.
const HANGING: &str = "  ";
/// Narrower terminals break lines themselves.
const NARROWEST: usize = 40;

/// The width of the terminal that stderr is, if it is one.
pub(super) fn terminal_width() -> Option<usize> {
    let stderr = std::io::stderr();
    let size = stderr.is_terminal().then(|| rustix::termios::tcgetwinsize(&stderr).ok())??;
    Some(usize::from(size.ws_col)).filter(|width| *width >= NARROWEST)
}

/// `text` with no line wider than `width`, as far as that can be.
pub(super) fn wrapped(text: &str, width: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| wrapped_line(line, width)).collect();
    lines.join("\n")
}

fn wrapped_line(line: &str, width: usize) -> String {
    if line.starts_with(EVIDENCE) {
        return line.to_owned();
    }
    let text = line.trim_start();
    let indent = line.get(..line.len() - text.len()).unwrap_or_default();
    let hanging = format!("{indent}{HANGING}");
    let options = Options::new(width)
        .initial_indent(indent)
        .subsequent_indent(&hanging)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation)
        .word_separator(WordSeparator::Custom(words));
    textwrap::fill(text, options)
}

/// The words of a line, each with the blanks after it; what stands in backticks is one word.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut found = vec![];
    let (mut start, mut quoted, mut blank) = (0, false, false);
    for (at, c) in line.char_indices() {
        if blank && c != ' ' {
            found.push(start..at);
            start = at;
        }
        quoted ^= c == '`';
        blank = c == ' ' && !quoted;
    }
    found.push(start..line.len());
    Box::new(found.into_iter().filter_map(|range| line.get(range).map(Word::from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_commands_stay_whole() {
        let text = "[x] some words that are too many\n    fix: run `a command of words` then go on";
        let want =
            "[x] some words that are\n  too many\n    fix: run\n      `a command of words`\n      then go on";
        assert_eq!(wrapped(text, 26), want);
    }

    #[test]
    fn evidence_and_what_fits_are_left_alone() {
        let evidence = format!("{EVIDENCE}{}", "word ".repeat(40));
        assert_eq!(wrapped(&evidence, 40), evidence);
        assert_eq!(wrapped("  short ", 40), "  short");
        let word = "x".repeat(99);
        assert_eq!(wrapped(&word, 40), word);
        assert_eq!(
            wrapped("a `never closed and long enough to be broken", 20),
            "a\n  `never closed and long enough to be broken"
        );
        assert_eq!(wrapped("", 40), "");
    }
}
