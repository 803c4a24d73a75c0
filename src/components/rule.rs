//! What every rule about flags works with, and the two kinds of rules that are rows: sets of values and ranges.

use super::command::{Command, Given};
use super::kind;
use super::program::Program;
use super::verdict::Verdict;
use crate::config::duration::GoDuration;

/// Collects verdicts about one command line.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) command: &'a Command,
    pub(super) verdicts: Vec<Verdict>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(command: &'a Command) -> Self {
        Self { command, verdicts: vec![] }
    }

    /// The program refuses this flag's value and ends at once.
    pub(super) fn refuse(&mut self, rule: &'static str, given: &Given, why: impl AsRef<str>) {
        let verdict = self.verdict(rule, given, why);
        self.verdicts.push(verdict);
    }

    /// The program takes this flag's value, but it does not do what it says.
    pub(super) fn doubt(&mut self, rule: &'static str, given: &Given, why: impl AsRef<str>) {
        let verdict = self.verdict(rule, given, why).warning();
        self.verdicts.push(verdict);
    }

    fn verdict(&self, rule: &'static str, given: &Given, why: impl AsRef<str>) -> Verdict {
        let program = self.command.program;
        let message = format!("{} `--{}`: {}", program.name(), given.name, why.as_ref());
        let verdict = Verdict::error(rule, program.args().0, self.command.path(given), message);
        if rule == "feature-gate" { verdict.under("FeatureGates") } else { verdict }
    }

    /// Refuses a flag, if it is given, in favour of another.
    pub(super) fn exclude(&mut self, rule: &'static str, name: &str, why: impl AsRef<str>) {
        if let Some(given) = self.command.last(name).filter(|given| !given.value.is_empty()) {
            self.refuse(rule, given, why);
        }
    }
}

/// A flag that takes one of several words, or several of them.
pub(super) struct Words {
    pub(super) program: Program,
    pub(super) flag: &'static str,
    /// What it takes; an empty value is the default.
    pub(super) words: &'static [&'static str],
    /// Whether it takes a list of them.
    pub(super) list: bool,
}

/// Judges flags that take words.
pub(super) fn words(judge: &mut Judge<'_>, rows: &[Words]) {
    let command = judge.command;
    for row in rows.iter().filter(|row| row.program == command.program) {
        let given: Vec<(&str, &Given)> = if row.list {
            command.items(row.flag).collect()
        } else {
            let last = command.last(row.flag).filter(|given| !given.value.is_empty());
            last.iter().map(|given| (given.value.as_str(), *given)).collect()
        };
        for (word, given) in given {
            if !row.words.contains(&word) {
                let why = unknown_word(word, row.words);
                judge.refuse("flag-value", given, why);
            }
        }
    }
}

/// What to say about a word that is not among those known.
pub(super) fn unknown_word(word: &str, known: &[&str]) -> String {
    if word.is_empty() {
        return "an item of the list is empty: remove the extra comma".to_owned();
    }
    if known.contains(&word.trim()) {
        return format!("{word:?} has blanks around it, which are not ignored: write `{}`", word.trim());
    }
    let near = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&k.to_lowercase(), &word.trim().to_lowercase()), *k))
        .min()
        .filter(|(distance, k)| *distance <= 1 + k.len().min(word.len()) / 5);
    match near {
        Some((_, near)) => format!("{word:?} is not known: did you mean `{near}`?"),
        None if known.len() <= 8 => format!("{word:?} is not known: it takes {}", known.join(", ")),
        None => format!("{word:?} is not known"),
    }
}

/// A flag with a least and a most value.
pub(super) struct Range {
    pub(super) program: Program,
    pub(super) flag: &'static str,
    /// A number, or seconds of a duration.
    pub(super) least: f64,
    pub(super) most: f64,
    /// Only where this other flag is given.
    pub(super) with: Option<&'static str>,
}

/// No upper limit.
pub(super) const NO_LIMIT: f64 = f64::INFINITY;

/// A row of a range.
pub(super) const fn range(program: Program, flag: &'static str, least: f64, most: f64) -> Range {
    Range { program, flag, least, most, with: None }
}

/// Judges flags that have a range.
pub(super) fn ranges(judge: &mut Judge<'_>, rows: &[Range]) {
    let command = judge.command;
    for row in rows.iter().filter(|row| row.program == command.program) {
        let Some(given) = command.last(row.flag) else { continue };
        if row.with.is_some_and(|with| !command.has(with)) {
            continue;
        }
        let Some(number) = numeric(&given.value) else { continue };
        // Go's comparison lets what is no number pass.
        if number.is_nan() || (number >= row.least && number <= row.most) {
            continue;
        }
        let unit = if given.value.parse::<f64>().is_err() { "s" } else { "" };
        let why = if row.most == NO_LIMIT {
            format!("{} is too small: the least is {}{unit}", given.value, row.least)
        } else {
            format!("{} is out of range: {}{unit} to {}{unit}", given.value, row.least, row.most)
        };
        judge.refuse("flag-range", given, why);
    }
}

/// Flags with which a program says something about itself, and ends. Source: `component-base/version/verflag`.
pub(super) fn version_and_help(judge: &mut Judge<'_>, patch: Option<u64>) {
    let command = judge.command;
    let ends = format!("{} prints this and exits", command.program.name());
    for name in ["version", "help"] {
        let Some(given) = command.last(name) else { continue };
        // What it is to call itself: its own version, with another suffix at most.
        let own = patch.map_or_else(String::new, |patch| patch.to_string());
        let own = format!("v1.{}.{own}", command.minor);
        let is_own = |value: &str| {
            value
                .strip_prefix(&own)
                .is_some_and(|rest| patch.is_none() || !rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        match kind::boolean(&given.value) {
            Ok(true) => judge.refuse("flag-value", given, &ends),
            Ok(false) => {}
            Err(_) if name == "version" && given.value == "raw" => judge.refuse("flag-value", given, &ends),
            Err(_) if name == "version" && is_own(&given.value) => {}
            Err(_) if name == "version" && given.value.starts_with('v') => {
                judge.refuse("flag-type", given, format!("{:?} is not its own version, {own}", given.value));
            }
            Err(why) => judge.refuse("flag-type", given, why),
        }
    }
}

/// A number, or the seconds of a duration; none where the value is neither, which its kind tells.
pub(super) fn numeric(value: &str) -> Option<f64> {
    if let Some(number) = kind::number(value) {
        return Some(number as f64);
    }
    if let Ok(number) = value.parse::<f64>() {
        return Some(number);
    }
    value.parse::<GoDuration>().ok().map(|duration| duration.0 as f64 / 1e9)
}

/// Judges names and kinds of values of all flags.
pub(super) fn names_and_kinds(judge: &mut Judge<'_>, minor: u64, known_names: bool) {
    let command = judge.command;
    let program = command.program;
    for given in &command.flags {
        match program.knows(&given.name, minor) {
            super::known::Known::Yes(flag) => {
                // The pflag of 1.33 takes no empty address.
                let empty = flag.kind == "ip" && given.value.trim().is_empty() && minor == 33;
                if let Err(why) = kind::check(flag.kind, &given.value) {
                    judge.refuse("flag-type", given, why);
                } else if empty {
                    judge.refuse("flag-type", given, "must not be empty");
                } else if let Some(advice) = flag.deprecated.filter(|_| command.is_users(given)) {
                    let advice = if advice.is_empty() { "it will be removed" } else { advice };
                    judge.doubt("flag-deprecated", given, format!("deprecated: {advice}"));
                }
            }
            super::known::Known::No(why) if known_names => {
                let version = match program {
                    Program::Etcd => "this etcd".to_owned(),
                    _ => format!("{} 1.{}", program.name(), command.minor),
                };
                let message = format!("{version} has no flag `{}`: {why}", given.name);
                let (kind, _) = program.args();
                let path = command.path(given);
                let path = path.strip_suffix(".value").unwrap_or(&path).to_owned();
                // The table of 1.37 is made from its release notes, and does not hold what they leave out. What the user
                // did not give is what kubeadm gives too: to an etcd of another minor than the release's.
                let verdict = Verdict::error("flag-unknown", kind, path, message)
                    .because(format!("{} exits at once when it finds an unknown flag", program.name()));
                judge.verdicts.push(
                    if command.minor > 36 && !why.contains("removed") && !why.contains("last")
                        || !command.is_users(given)
                    {
                        verdict.warning()
                    } else {
                        verdict
                    },
                );
            }
            super::known::Known::No(_) => {}
        }
    }
}
