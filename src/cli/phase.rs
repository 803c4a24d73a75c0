//! `init phase …` and its short form `phase …`: the table of phases as commands.

use std::process::ExitCode;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::init::Init;
use crate::commands::{self, configuration::unusable};
use crate::exit_status::ExitStatus;
use crate::workflow::Phase;
use crate::workflows::init::{Init as State, workflow};

/// `init` itself, with its phases below it.
pub(super) fn init(command: Command) -> Command {
    let init = Init::augment_args(command).subcommand(self::command());
    let examples = init.get_after_help().map(ToString::to_string).unwrap_or_default();
    init.after_long_help(format!("{examples}\n\n{}", tree()))
}

/// The command `phase`, with a command for each phase of init.
pub(super) fn command() -> Command {
    Command::new("phase").about("Run one phase of init").defer(|phase| {
        let phase = phase
            .after_help(example("certs apiserver"))
            .subcommand_required(true)
            .arg_required_else_help(true);
        workflow().phases.iter().fold(phase, |parent, phase| parent.subcommand(phase_command(phase, "")))
    })
}

/// How a phase is run by itself.
fn example(words: &str) -> String {
    format!("Example:\n  kubestrap phase {words} --config kubeadm.yaml")
}

fn phase_command(phase: &Phase<State>, parent: &str) -> Command {
    let id = if parent.is_empty() { phase.name.to_owned() } else { format!("{parent} {}", phase.name) };
    let command = Command::new(phase.name).visible_aliases(phase.aliases).about(phase.about);
    if phase.children().is_empty() {
        return command.after_help(example(&id)).defer(with_flags);
    }
    let all = Command::new("all")
        .about(format!("All of these: {}", phase.about))
        .after_help(example(&format!("{id} all")))
        .defer(with_flags);
    let command = command
        .after_help(example(&format!("{id} all")))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(all);
    phase.children().iter().fold(command, |command, child| command.subcommand(phase_command(child, &id)))
}

/// A phase takes the flags of `init`, and has examples of its own.
fn with_flags(phase: Command) -> Command {
    let examples = phase.get_after_help().cloned();
    Init::augment_args(phase).after_help(examples.unwrap_or_default())
}

/// The phase that the command line names, and its flags.
pub(super) fn selected(matches: &ArgMatches) -> Option<(String, &ArgMatches)> {
    let matches = match matches.subcommand()? {
        ("init", init) => init,
        ("phase", _) => matches,
        _ => return None,
    };
    let (_, mut leaf) = matches.subcommand().filter(|(name, _)| *name == "phase")?;
    let mut id = vec![];
    while let Some((name, next)) = leaf.subcommand() {
        if name != "all" {
            id.push(name);
        }
        leaf = next;
    }
    Some((id.join("/"), leaf))
}

/// Runs the phase `id`.
pub(super) fn run(id: &str, matches: &ArgMatches) -> ExitCode {
    let global = super::Global::from_arg_matches(matches).unwrap_or_default();
    let init = match Init::from_arg_matches(matches) {
        Ok(init) => init,
        Err(error) => {
            let _ = error.print();
            return ExitStatus::Usage.into();
        }
    };
    super::run(&global, init.output.printer(), |out| {
        let request = init.request().map_err(|e| unusable(&e))?;
        commands::init::run(&request, Some(id.to_owned()), out)
    })
}

/// The phases as a tree, for the help of `init`.
pub(super) fn tree() -> String {
    let mut text = String::from(
        "Phases, in order (run one with `kubestrap phase …`, leave some out with --skip-phases):\n",
    );
    for id in workflow().ids() {
        let depth = id.matches('/').count();
        text.push_str(&format!(
            "{}{}\n",
            "  ".repeat(depth + 1),
            if depth == 0 { &id } else { id.rsplit('/').next().unwrap_or(&id) }
        ));
    }
    text
}
