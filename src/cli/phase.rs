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
        .subcommand_required(true)
        .arg_required_else_help(true);
    phases.iter().fold(parent, |parent, phase| parent.subcommand(phase_command(phase, "")))
}

fn phase_command(phase: &Phase<InitContext>, parent: &str) -> Command {
    let mut command = Command::new(phase.name).about(phase.about).visible_aliases(phase.aliases);
    let id = if parent.is_empty() { phase.name.to_owned() } else { format!("{parent} {}", phase.name) };
    command = command.after_help(format!(
        "Example:\n  kubestrap phase {id}{} --config kubeadm.yaml",
        if phase.children().is_empty() { "" } else { " all" }
    ));
    if phase.children().is_empty() {
        return Init::augment_args(command);
    }
    let all = Command::new("all").about(format!("All of these: {}", phase.about));
    let command =
        command.subcommand_required(true).arg_required_else_help(true).subcommand(Init::augment_args(all));
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
