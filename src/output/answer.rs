//! What the user answers to a question.

use std::io::BufRead;

/// An answer to "are you sure?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// `y` or `yes`, in any case of letters.
    Yes,
    /// Anything else.
    No,
    /// Nobody is there to answer.
    Nothing,
}

impl Answer {
    /// A line of standard input.
    pub(crate) fn read() -> Self {
        let mut line = String::new();
        // What could not be read is no yes, whatever came before.
        let read = std::io::stdin().lock().read_line(&mut line);
        match Self::of(&line) {
            Self::Yes if read.is_err() => Self::No,
            answer => answer,
        }
    }

    fn of(line: &str) -> Self {
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => Self::Yes,
            _ if line.is_empty() => Self::Nothing,
            _ => Self::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (line, answer) in [
            ("y\n", Answer::Yes),
            (" YES \n", Answer::Yes),
            ("yess\n", Answer::No),
            ("\n", Answer::No),
            ("", Answer::Nothing),
        ] {
            assert_eq!(Answer::of(line), answer, "{line:?}");
        }
    }
}
