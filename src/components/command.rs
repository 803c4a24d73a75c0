//! A command line, and which of its flags the configuration gave.

use std::collections::{HashMap, VecDeque};

use super::program::Program;
use crate::config::v1beta4::Arg;

/// A flag as it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// Its name, with dashes.
    pub(super) name: String,
    /// Its value.
    pub(super) value: String,
    /// Its place among the user's arguments; none of a flag that is our own.
    index: Option<usize>,
}

/// The command line of a program.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) program: Program,
    pub(super) minor: u64,
    pub(super) flags: Vec<Given>,
}

impl Command {
    /// The command line `words` (without the program), of which `extra` are the user's arguments.
    pub(super) fn new(program: Program, minor: u64, words: &[String], extra: &[Arg]) -> Self {
        // The user's arguments that no word has taken yet, by name.
        let mut open: HashMap<&str, VecDeque<(usize, &str)>> = HashMap::new();
        for (index, arg) in extra.iter().enumerate() {
            open.entry(&arg.name).or_default().push_back((index, &arg.value));
        }
        let flags = words.iter().map(|word| {
            let bare = word.trim_start_matches("--");
            let (name, value) = bare.split_once('=').unwrap_or((bare, "true"));
            let index = open.get_mut(name).and_then(|args| {
                let at = args.iter().position(|(_, given)| *given == value || !bare.contains('='))?;
                args.remove(at).map(|(index, _)| index)
            });
            Given { name: program.spelled(name), value: value.to_owned(), index }
        });
        Self { program, minor, flags: flags.collect() }
    }

    /// The user's arguments alone.
    pub(super) fn of_args(program: Program, minor: u64, extra: &[Arg]) -> Self {
        let words: Vec<String> = extra.iter().map(|arg| format!("--{}={}", arg.name, arg.value)).collect();
        Self::new(program, minor, &words, extra)
    }

    /// Every occurrence of a flag.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Given> {
        self.flags.iter().filter(move |given| given.name == name)
    }

    /// The occurrence of a flag that counts where one does: the last.
    pub(super) fn last(&self, name: &str) -> Option<&Given> {
        self.flags.iter().rev().find(|given| given.name == name)
    }

    /// The value that counts, where it is not empty.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.last(name).map(|given| given.value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether a flag has a value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// A boolean flag, false where it is not given or not a boolean.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| super::kind::boolean(value) == Ok(true))
    }

    /// The items of a list, each with the occurrence that holds it; of a flag that is given several times all count.
    pub(super) fn items<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a Given)> {
        // Go reads such a list as a line of CSV; quoted ones are left to the component.
        let plain = self.all(name).filter(|given| !given.value.is_empty() && !given.value.contains('"'));
        plain.flat_map(|given| given.value.split(',').map(move |item| (item, given)))
    }

    /// Where in the configuration a flag is given.
    pub(super) fn path(&self, given: &Given) -> String {
        let (_, path) = self.program.args();
        given.index.map_or_else(|| path.to_owned(), |index| format!("{path}.{index}.value"))
    }

    /// Whether the user gave this flag.
    pub(super) fn is_users(&self, given: &Given) -> bool {
        given.index.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_flags_keep_their_places() {
        let extra = [("b", "1"), ("a_x", "2"), ("b", "3")]
            .map(|(name, value)| Arg { name: name.into(), value: value.into() });
        let words = ["--own=1", "--b=1", "--b=3", "--a_x=2"].map(str::to_owned);
        let command = Command::new(Program::ApiServer, 36, &words, &extra);
        let paths: Vec<String> = command.flags.iter().map(|given| command.path(given)).collect();
        assert_eq!(
            paths,
            [
                "apiServer.extraArgs",
                "apiServer.extraArgs.0.value",
                "apiServer.extraArgs.2.value",
                "apiServer.extraArgs.1.value"
            ]
        );
        assert_eq!(command.value("b"), Some("3"));
        assert_eq!(command.value("a-x"), Some("2"));
    }
}
