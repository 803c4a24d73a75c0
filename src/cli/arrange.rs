//! Flags before the sub-command that they belong to, as in `token --kubeconfig FILE create` or
//! `init phase --config FILE upload-certs`.
//!
//! kubeadm gives every flag of a command line to the last command that is named in it. clap gives a flag to the command
//! that it follows. So the words that name the command are put first, and the flags after them.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Id};

/// The arguments with the words that name the command first, and everything else in its order after them. `tree` has
/// been built, with all commands.
pub(super) fn commands_first(tree: &Command, args: &[OsString]) -> Vec<OsString> {
    let mut command = tree;
    let mut args: VecDeque<OsString> = args.iter().cloned().collect();
    let mut words: Vec<OsString> = args.pop_front().into_iter().collect();
    let mut flags = vec![];
    let mut all_known = true;
    while let Some(text) = args.pop_front() {
        if let Some(child) = text.to_str().and_then(|word| command.find_subcommand(word)) {
            command = child;
            words.push(text);
        } else if is_flag(&text) {
            all_known &= is_known(command, &text);
            let value = takes_next(command, &text).then(|| args.pop_front()).flatten();
            flags.push(text);
            flags.extend(value);
        } else {
            // The first argument that is no command, or `--`: no command follows it. Where only a command can stand, it
            // is a mistyped one, which counts more than the flags before it; unless it may be the value of a mistyped flag.
            let mistyped = all_known && text != "--" && command.get_positionals().next().is_none();
            if mistyped { &mut words } else { &mut flags }.push(text);
            break;
        }
    }
    words.into_iter().chain(flags).chain(args).collect()
}

/// Whether a flag was given to a command that is not the last one: it would have no effect there.
pub(super) fn has_flags_left_behind(matches: &ArgMatches) -> bool {
    let Some((_, below)) = matches.subcommand() else { return false };
    let given = |matches: &ArgMatches, id: &Id| {
        matches.try_contains_id(id.as_str()).is_ok()
            && matches.value_source(id.as_str()) == Some(ValueSource::CommandLine)
    };
    // Flags that are of every command below, too, are handed down by clap.
    matches.ids().any(|id| given(matches, id) && !given(below, id)) || has_flags_left_behind(below)
}

fn is_flag(text: &OsStr) -> bool {
    let text = text.as_encoded_bytes();
    text.starts_with(b"-") && text != b"-" && text != b"--"
}

/// Whether the command, or one below it, has this flag.
fn is_known(command: &Command, flag: &OsStr) -> bool {
    let flag = flag.to_string_lossy();
    let known = match flag.strip_prefix("--") {
        Some(long) => find_long(command, long.split('=').next().unwrap_or_default()),
        None => flag.chars().nth(1).and_then(|short| find_short(command, short)),
    };
    known.is_some()
}

/// Whether the argument after this flag is its value.
fn takes_next(command: &Command, flag: &OsStr) -> bool {
    let flag = flag.to_string_lossy();
    if let Some(name) = flag.strip_prefix("--") {
        return !name.contains('=') && find_long(command, name).is_some_and(needs_value);
    }
    // Short flags may stand together, as in `-yf`; the rest after one that takes a value is its value.
    let mut shorts = flag.chars().skip(1);
    while let Some(short) = shorts.next() {
        if find_short(command, short).is_some_and(needs_value) {
            return shorts.next().is_none();
        }
    }
    false
}

fn find_long<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    find(command, &|arg| arg.get_long() == Some(name))
}

fn find_short(command: &Command, short: char) -> Option<&Arg> {
    find(command, &|arg| arg.get_short() == Some(short))
}

/// A flag of the command, or else of any command below it: a flag of one name takes a value in all of them or in none.
fn find<'a>(command: &'a Command, is_it: &dyn Fn(&Arg) -> bool) -> Option<&'a Arg> {
    let own = command.get_arguments().find(|arg| is_it(arg));
    own.or_else(|| command.get_subcommands().find_map(|child| find(child, is_it)))
}

/// Whether a flag needs a value, which may be the next argument.
fn needs_value(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !arg.is_require_equals_set()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn arranged(line: &str) -> String {
        let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let arranged = commands_first(&super::super::command(), &args);
        arranged.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn flags_follow_the_command_that_they_belong_to() {
        for (given, wanted) in [
            ("k --kubeconfig F token create", "k token create --kubeconfig F"),
            ("k token --kubeconfig=F create", "k token create --kubeconfig=F"),
            (
                "k init phase --config F upload-certs --upload-certs",
                "k init phase upload-certs --config F --upload-certs",
            ),
            ("k init --dry-run phase --config F certs all", "k init phase certs all --dry-run --config F"),
            ("k --dry-run join phase --config F preflight", "k join phase preflight --dry-run --config F"),
            ("k upgrade --yes apply v1.36.2 -f", "k upgrade apply --yes v1.36.2 -f"),
            ("k upgrade -yf apply -v 5 v1.36.2", "k upgrade apply -yf -v 5 v1.36.2"),
            ("k -v5 certs --cert-dir D renew all", "k certs renew -v5 --cert-dir D all"),
            ("k config -ojson images -o json list", "k config images list -ojson -o json"),
            ("k certs -h renew", "k certs renew -h"),
            // What is said after the first argument that is no command stays where it is.
            ("k upgrade --yes apply x phase -v 5", "k upgrade apply --yes x phase -v 5"),
            ("k --rootfs D certs -- renew", "k certs --rootfs D -- renew"),
            ("k token --ttl 0 craete", "k token craete --ttl 0"),
            ("k init --pod-network-cdir 10.244.0.0/16", "k init --pod-network-cdir 10.244.0.0/16"),
            ("k token --no-such-flag create", "k token create --no-such-flag"),
            ("k token --kubeconfig", "k token --kubeconfig"),
            (
                "k config migrate --old-config - --new-config F",
                "k config migrate --old-config - --new-config F",
            ),
        ] {
            assert_eq!(arranged(given), wanted);
        }
    }

    #[test]
    fn a_flag_takes_a_value_in_every_command_or_in_none() {
        fn walk(command: &Command, path: &str, known: &mut BTreeMap<String, (bool, String)>) {
            for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
                let names = arg.get_long().map(|long| format!("--{long}"));
                for name in names.into_iter().chain(arg.get_short().map(|short| format!("-{short}"))) {
                    let (value, first) =
                        known.entry(name.clone()).or_insert_with(|| (needs_value(arg), path.to_owned()));
                    assert_eq!(needs_value(arg), *value, "{name} of {path:?} and {first:?}");
                }
            }
            for child in command.get_subcommands() {
                walk(child, &format!("{path} {}", child.get_name()), known);
            }
        }
        walk(&super::super::command(), "", &mut BTreeMap::new());
    }
}
