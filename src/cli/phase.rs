//! `init phase …`, `upgrade apply phase …` and the others: a workflow's table of phases as commands. `phase …` is short
//! for `init phase …`.

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::init::Init;
use super::join::Join;
use super::phase_flags;
use super::reset::Reset;
use super::run::{self, Global, Output};
use super::upgrade::{Apply, Node};
use crate::commands::{self, configuration::unusable};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::{Format, Printer};
use crate::program;
use crate::workflow::{Phase, Workflow};
use crate::workflows;

/// A command that runs a workflow, and each of its phases by itself.
pub(super) trait Phased: Args {
    /// The workflow's state.
    type State: 'static;
    /// The words that call the command.
    const WORDS: &'static [&'static str];
    /// How `phase` is called: `phase` alone is short for `init phase`.
    const PHASE: &'static str;
    /// What `phase` does, in one line.
    const ABOUT: &'static str;
    /// A phase and what it needs, as an example.
    const EXAMPLE: &'static str;
    /// The configuration file of the examples.
    const CONFIG: &'static str;

    /// The workflow.
    fn workflow() -> Workflow<Self::State>;

    /// How results are printed.
    fn output(&self) -> Output;

    /// Runs the workflow, or `only` one phase and those in it.
    ///
    /// # Errors
    /// As the command.
    fn run(&self, only: Option<String>, out: &Printer) -> Result<ExitStatus, Error>;
}

impl Phased for Init {
    type State = workflows::init::Init;
    const WORDS: &'static [&'static str] = &["init"];
    const PHASE: &'static str = "phase";
    const ABOUT: &'static str = "Run one phase of init";
    const EXAMPLE: &'static str = "certs apiserver --config kubeadm.yaml";
    const CONFIG: &'static str = "kubeadm.yaml";

    fn workflow() -> Workflow<Self::State> {
        workflows::init::workflow()
    }

    fn output(&self) -> Output {
        self.output
    }

    fn run(&self, only: Option<String>, out: &Printer) -> Result<ExitStatus, Error> {
        commands::init::run(&self.request().map_err(|e| unusable(&e))?, only, out)
    }
}

impl Phased for Join {
    type State = workflows::join::Join;
    const WORDS: &'static [&'static str] = &["join"];
    const PHASE: &'static str = "join phase";
    const ABOUT: &'static str = "Run one phase of join";
    const EXAMPLE: &'static str = "kubelet-start --config join.yaml";
    const CONFIG: &'static str = "join.yaml";

    fn workflow() -> Workflow<Self::State> {
        workflows::join::workflow()
    }

    fn output(&self) -> Output {
        self.output
    }

    fn run(&self, only: Option<String>, out: &Printer) -> Result<ExitStatus, Error> {
        commands::join::run(&self.request(), only, out)
    }
}

impl Phased for Reset {
    type State = workflows::reset::Reset;
    const WORDS: &'static [&'static str] = &["reset"];
    const PHASE: &'static str = "reset phase";
    const ABOUT: &'static str = "Run one phase of reset";
    const EXAMPLE: &'static str = "cleanup-node --config reset.yaml";
    const CONFIG: &'static str = "reset.yaml";

    fn workflow() -> Workflow<Self::State> {
        workflows::reset::workflow()
    }

    fn output(&self) -> Output {
        self.output
    }

    fn run(&self, only: Option<String>, out: &Printer) -> Result<ExitStatus, Error> {
        commands::reset::run(&self.flags(), only, out)
    }
}

impl Phased for Apply {
    type State = workflows::upgrade::Upgrade;
    const WORDS: &'static [&'static str] = &["upgrade", "apply"];
    const PHASE: &'static str = "upgrade apply phase";
    const ABOUT: &'static str = "Run one phase of upgrade apply";
    const EXAMPLE: &'static str = "control-plane v1.36.2";
    const CONFIG: &'static str = "upgrade.yaml";

    fn workflow() -> Workflow<Self::State> {
        workflows::upgrade::apply()
    }

    fn output(&self) -> Output {
        self.output
    }

    fn run(&self, only: Option<String>, out: &Printer) -> Result<ExitStatus, Error> {
        commands::upgrade::apply::run(&self.request().map_err(|e| unusable(&e))?, only, out)
    }
}

impl Phased for Node {
    type State = workflows::upgrade::Upgrade;
    const WORDS: &'static [&'static str] = &["upgrade", "node"];
    const PHASE: &'static str = "upgrade node phase";
    const ABOUT: &'static str = "Run one phase of upgrade node";
    const EXAMPLE: &'static str = "kubelet-config";
    const CONFIG: &'static str = "upgrade.yaml";

    fn workflow() -> Workflow<Self::State> {
        workflows::upgrade::node()
    }

    fn output(&self) -> Output {
        self.output
    }

    fn run(&self, only: Option<String>, out: &Printer) -> Result<ExitStatus, Error> {
        commands::upgrade::node::run(&self.request().map_err(|e| unusable(&e))?, only, out)
    }
}

/// A command with its flags, and its phases below it.
pub(super) fn with_phases<P: Phased>(command: Command) -> Command {
    let command = P::augment_args(command).subcommand(phases::<P>());
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    command.after_long_help(format!("{examples}\n\n{}", tree::<P>()))
}

/// The command `phase`, with a command for each phase.
pub(super) fn phases<P: Phased>() -> Command {
    Command::new("phase").about(P::ABOUT).defer(|phase| {
        let phase = phase
            .after_help(format!("Example:\n  kubestrap {} {}", P::PHASE, P::EXAMPLE))
            .subcommand_required(true)
            .arg_required_else_help(true);
        let shown = P::workflow();
        let shown = shown.phases.iter().filter(|phase| !phase.hidden);
        shown.fold(phase, |parent, phase| parent.subcommand(phase_command::<P>(phase, "")))
    })
}

fn phase_command<P: Phased>(phase: &Phase<P::State>, parent: &str) -> Command {
    let id = if parent.is_empty() { phase.name.to_owned() } else { format!("{parent} {}", phase.name) };
    let needed = if id == "upload-certs" { " --upload-certs" } else { "" };
    let example =
        |id: &str| format!("Example:\n  kubestrap {} {id} --config {}{needed}", P::PHASE, P::CONFIG);
    let command = Command::new(phase.name).visible_aliases(phase.aliases).about(phase.about);
    if phase.children().iter().all(|child| child.hidden) {
        return command.after_help(example(&id)).defer(with_flags::<P>);
    }
    let all_id = format!("{id} all");
    let all = Command::new("all")
        .about(format!("{} (all of these phases)", phase.about))
        .after_help(example(&all_id))
        .defer(with_flags::<P>);
    let command = command
        .after_help(example(&all_id))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(all);
    phase.children().iter().fold(command, |command, child| command.subcommand(phase_command::<P>(child, &id)))
}

/// A phase takes the flags of its command, and has examples of its own.
fn with_flags<P: Phased>(phase: Command) -> Command {
    let (about, examples) = (phase.get_about().cloned(), phase.get_after_help().cloned());
    P::augment_args(phase).about(about.unwrap_or_default()).after_help(examples.unwrap_or_default())
}

/// Runs the phase that the command line names, if it names one.
pub(super) fn run_selected(matches: &ArgMatches) -> Option<ExitStatus> {
    if let Some(("phase", phase)) = matches.subcommand() {
        return Some(run::<Init>(phase));
    }
    run_below::<Init>(matches)
        .or_else(|| run_below::<Join>(matches))
        .or_else(|| run_below::<Reset>(matches))
        .or_else(|| run_below::<Apply>(matches))
        .or_else(|| run_below::<Node>(matches))
}

/// Runs the phase of this command that the command line names, if it names one.
fn run_below<P: Phased>(matches: &ArgMatches) -> Option<ExitStatus> {
    let phase = P::WORDS.iter().chain(&["phase"]);
    let phase = phase.copied().try_fold(matches, |parent, word| parent.subcommand_matches(word))?;
    Some(run::<P>(phase))
}

fn run<P: Phased>(phase: &ArgMatches) -> ExitStatus {
    let mut leaf = phase;
    let mut words = vec![];
    while let Some((name, next)) = leaf.subcommand() {
        words.push(name);
        leaf = next;
    }
    if program::is_kubeadm()
        && let flags = P::augment_args(Command::new(""))
        && let Some(flag) = phase_flags::first_untaken(&P::WORDS.join(" "), &words.join(" "), &flags, leaf)
    {
        let error = Error::new(ExitStatus::Usage, format!("unknown flag: {flag}"));
        return run::report(&error, &Printer::new(Format::Text));
    }
    let id: Vec<&str> = words.into_iter().filter(|word| *word != "all").collect();
    let global = Global::from_arg_matches(leaf).unwrap_or_default();
    let command = match P::from_arg_matches(leaf) {
        Ok(command) => command,
        Err(error) => {
            run::print(&error);
            return ExitStatus::Usage;
        }
    };
    run::run(&global, command.output().printer(), |out| command.run(Some(id.join("/")), out))
}

/// The phases as a tree, for the help of the command.
fn tree<P: Phased>() -> String {
    let mut text = format!(
        "Phases, in order (run one with `kubestrap {} …`, skip some with --skip-phases):\n",
        P::PHASE
    );
    for id in P::workflow().ids() {
        let depth = id.matches('/').count();
        let name = if depth == 0 { &id } else { id.rsplit('/').next().unwrap_or(&id) };
        text.push_str(&format!("{}{name}\n", "  ".repeat(depth + 1)));
    }
    text
}
