//! `upgrade apply phase …` and `upgrade node phase …`: the tables of phases as commands.

use std::process::ExitCode;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::apply::Apply;
use super::node::Node;
use crate::commands::configuration::unusable;
use crate::commands::upgrade;
use crate::exit_status::ExitStatus;
use crate::workflow::{Phase, Workflow};
use crate::workflows::upgrade::{HIDDEN, Upgrade};

/// `apply` with its phases below it.
pub(in super::super) fn apply(command: Command) -> Command {
    let phases = |phase: Command| with_commands::<Apply>(phase, &upgrade::apply::workflow());
    with_phases(Apply::augment_args(command), &upgrade::apply::workflow(), phases)
}

/// `node` with its phases below it.
pub(in super::super) fn node(command: Command) -> Command {
    let phases = |phase: Command| with_commands::<Node>(phase, &upgrade::node::workflow());
    with_phases(Node::augment_args(command), &upgrade::node::workflow(), phases)
}

fn with_phases(command: Command, workflow: &Workflow<Upgrade>, phases: fn(Command) -> Command) -> Command {
    let command = command
        .args_conflicts_with_subcommands(true)
        .subcommand(Command::new("phase").about("Run one phase of this command").defer(phases));
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    command.after_long_help(format!("{examples}\n\n{}", tree(workflow)))
}

fn with_commands<A: Args>(phase: Command, workflow: &Workflow<Upgrade>) -> Command {
    let phase = phase.subcommand_required(true).arg_required_else_help(true);
    let shown = workflow.phases.iter().filter(|p| !HIDDEN.contains(&p.name));
    shown.fold(phase, |parent, phase| parent.subcommand(phase_command::<A>(phase)))
}

fn phase_command<A: Args>(phase: &Phase<Upgrade>) -> Command {
    let command = Command::new(phase.name).visible_aliases(phase.aliases).about(phase.about);
    if phase.children().is_empty() {
        return command.defer(|command| A::augment_args(command).after_help(""));
    }
    let all = Command::new("all")
        .about(format!("All of these: {}", phase.about))
        .defer(|command| A::augment_args(command).after_help(""));
    let command = command.subcommand_required(true).arg_required_else_help(true).subcommand(all);
    phase.children().iter().fold(command, |command, child| command.subcommand(phase_command::<A>(child)))
}

fn tree(workflow: &Workflow<Upgrade>) -> String {
    let mut text = String::from("Phases, in order (run one with `phase …`, skip some with --skip-phases):\n");
    for id in workflow.ids() {
        let depth = id.matches('/').count();
        let name = id.rsplit('/').next().unwrap_or(&id);
        text.push_str(&format!("{}{name}\n", "  ".repeat(depth + 1)));
    }
    text
}

/// The phase of which command the command line names, and its flags.
pub(in super::super) fn selected(matches: &ArgMatches) -> Option<(&'static str, String, &ArgMatches)> {
    let (_, upgrade) = matches.subcommand().filter(|(name, _)| *name == "upgrade")?;
    let (name, command) = upgrade.subcommand()?;
    let name = ["apply", "node"].into_iter().find(|known| *known == name)?;
    let (_, mut leaf) = command.subcommand().filter(|(name, _)| *name == "phase")?;
    let mut id = vec![];
    while let Some((name, next)) = leaf.subcommand() {
        if name != "all" {
            id.push(name);
        }
        leaf = next;
    }
    Some((name, id.join("/"), leaf))
}

/// Runs the phase `id` of a command.
pub(in super::super) fn run(command: &str, id: String, matches: &ArgMatches) -> ExitCode {
    let global = super::super::Global::from_arg_matches(matches).unwrap_or_default();
    let usage = |error: clap::Error| {
        let _ = error.print();
        ExitCode::from(ExitStatus::Usage)
    };
    if command == "apply" {
        return match Apply::from_arg_matches(matches) {
            Err(error) => usage(error),
            Ok(apply) => super::super::run(&global, apply.output.printer(), |out| {
                upgrade::apply::run(&apply.request().map_err(|e| unusable(&e))?, Some(id), out)
            }),
        };
    }
    match Node::from_arg_matches(matches) {
        Err(error) => usage(error),
        Ok(node) => super::super::run(&global, node.output.printer(), |out| {
            upgrade::node::run(&node.request().map_err(|e| unusable(&e))?, Some(id), out)
        }),
    }
}
