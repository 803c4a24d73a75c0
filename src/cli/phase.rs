//! `init phase …` and its short form `phase …`: the table of phases as commands.

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::init::Init;
use crate::phases::runner::ids;
use crate::phases::{self, InitContext, Phase, PhaseError};

/// The command `phase`, with a command for each phase of init.
pub(super) fn command() -> Command {
    let phases = phases::init();
    let parent = Command::new("phase")
        .about("Run one phase of init")
        .after_help(format!("Example:\n{}", example("certs apiserver")))
        .subcommand_required(true)
        .arg_required_else_help(true);
    phases.iter().fold(parent, |parent, phase| parent.subcommand(phase_command(phase, "")))
}

/// How a phase is run by itself.
fn example(words: &str) -> String {
    format!("  kubestrap phase {words} --config kubeadm.yaml")
}

fn phase_command(phase: &Phase<InitContext>, parent: &str) -> Command {
    let command = Command::new(phase.name).visible_aliases(phase.aliases);
    let id = if parent.is_empty() { phase.name.to_owned() } else { format!("{parent} {}", phase.name) };
    // After the flags, which bring the help of `init` with them.
    let described = |command: Command, about: &str, what: &str| {
        command
            .about(about.to_owned())
            .long_about(None)
            .after_help(format!("Example:\n{}", example(&format!("{id}{what}"))))
    };
    if phase.children().is_empty() {
        return described(Init::augment_args(command), phase.about, "");
    }
    let all = format!("All of these: {}", phase.about);
    let all = described(Init::augment_args(Command::new("all")), &all, " all");
    let command = described(command, phase.about, " all")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(all);
    phase.children().iter().fold(command, |command, child| command.subcommand(phase_command(child, &id)))
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
pub(super) fn run(id: &str, matches: &ArgMatches) -> Result<(), PhaseError> {
    let global = super::Global::from_arg_matches(matches).unwrap_or_default();
    super::prepare(&global)?;
    let init = Init::from_arg_matches(matches).map_err(|e| PhaseError::new(phases::Failure::Usage, e))?;
    init.run_phase(id)
}

/// The phases as a tree, for the help of `init`.
pub(super) fn tree() -> String {
    let mut text = String::from(
        "Phases, in order (run one with `kubestrap phase …`, leave some out with --skip-phases):\n",
    );
    for id in ids(&phases::init()) {
        let depth = id.matches('/').count();
        text.push_str(&format!(
            "{}{}\n",
            "  ".repeat(depth + 1),
            if depth == 0 { &id } else { id.rsplit('/').next().unwrap_or(&id) }
        ));
    }
    text
}
