//! The command line: clap's types, a file a command. Flags and configuration become settings here; nothing else does.

mod arrange;
mod backup;
mod care;
mod certs;
mod completion;
mod config;
mod diagnose;
mod diff;
mod etcd;
mod flags;
mod init;
mod join;
mod kubeconfig;
mod manual;
mod nodes;
mod output_api;
mod phase;
mod phase_flags;
mod preflight;
mod reset;
mod restore;
mod run;
mod token;
mod upgrade;
mod value;
mod version;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use phase::Phased as _;
use run::{Global, Output, print, run};

use crate::commands;
use crate::commands::configuration::unusable;
use crate::exit_status::ExitStatus;
use crate::output::{Format, Printer};
use crate::program;

/// Turn a fresh machine into a Kubernetes control plane, the way kubeadm does, and better
#[derive(Parser, Debug)]
#[command(
    name = program::name(),
    disable_version_flag = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  kubestrap init --dry-run\n  kubestrap init --config kubeadm.yaml\n  kubestrap certs check-expiration"
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

// Each is made when it is asked for: flags of all phases together cost more than what most commands do.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum Command {
    /// Set up this machine as the first control-plane node of a cluster
    Init(Box<init::Init>),
    /// Join this machine to a cluster, as a worker or as another control-plane node
    Join(Box<join::Join>),
    /// Check whether this machine can become a control-plane node (no changes without --fix)
    Preflight(Box<preflight::Preflight>),
    /// Explain why this machine's control plane is unhealthy
    Diagnose(diagnose::Diagnose),
    /// Show what init would change on this machine and in its cluster
    Diff(Box<diff::Diff>),
    /// Revert the changes made by `init` or `join`
    Reset(Box<reset::Reset>),
    /// Upgrade a cluster to another Kubernetes version
    Upgrade(upgrade::Upgrade),
    /// Print, validate and migrate configuration files, and list the images they need
    Config(Box<config::Config>),
    /// Check, renew and sign the certificates of a control plane
    #[command(visible_alias = "certificates")]
    Certs(certs::Certs),
    /// Maintain a control plane daily: renew its certificates, keep etcd snapshots
    Care(Box<care::Care>),
    /// Show, snapshot and maintain the cluster's etcd
    Etcd(etcd::Etcd),
    /// Save everything needed to set this cluster up again, as one encrypted archive
    Backup(backup::Backup),
    /// Set up the cluster of a backup again, on a fresh machine
    Restore(Box<restore::Restore>),
    /// Show the cluster's nodes, their etcd members and the certificates that their control planes serve
    Nodes(nodes::Nodes),
    /// Create, list and delete bootstrap tokens
    Token(token::Token),
    /// Generate kubeconfig files for additional users
    Kubeconfig(kubeconfig::KubeconfigCommand),
    /// Print the version
    Version(version::Version),
    /// Print a completion script for a shell
    Completion(completion::Completion),
    /// Write the manual pages to a directory, one for each command
    Manual(manual::Manual),
}

/// Parses the command line, runs the command, and tells how it ended.
pub(crate) fn main() -> ExitStatus {
    let args: Vec<OsString> = std::env::args_os().collect();
    let matches = match parse(&args) {
        Ok(matches) => matches,
        Err(help) if is_general(&help, &args) => {
            Printer::new(Format::Text).data(&program::in_own_words(&help.render().to_string()));
            return ExitStatus::Done;
        }
        Err(error) if program::is_kubeadm() && !error.use_stderr() => {
            Printer::new(Format::Text).data(&program::in_own_words(&error.render().to_string()));
            return ExitStatus::Done;
        }
        Err(error) => {
            print(&error);
            // Help that was asked for is no error.
            return if error.use_stderr() { ExitStatus::Usage } else { ExitStatus::Done };
        }
    };
    if let Some(code) = phase::run_selected(&matches) {
        return code;
    }
    match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli.command.run(&cli.global),
        Err(error) => {
            print(&error);
            ExitStatus::Usage
        }
    }
}

/// Whether this is the help that kubeadm shows where nothing was asked for, which is no error: without any command, or
/// with `kubeconfig` alone.
fn is_general(error: &clap::Error, args: &[OsString]) -> bool {
    let alone = match args {
        [_] => true,
        [_, command] => command == "kubeconfig",
        _ => false,
    };
    alone && error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

/// Reads a command line. A flag counts for the last command that is named, wherever it stands, as for kubeadm.
///
/// Most command lines are in order: for them the whole tree of commands, which costs more than what many commands do, is
/// not built.
fn parse(args: &[OsString]) -> Result<ArgMatches, clap::Error> {
    let result = tree().try_get_matches_from(args);
    let in_order = match &result {
        Ok(matches) => !arrange::has_flags_left_behind(matches),
        Err(error) => !error.use_stderr(),
    };
    if in_order {
        return result;
    }
    let arranged = arrange::commands_first(&command(), args);
    if arranged == args { result } else { tree().try_get_matches_from(arranged) }
}

impl Command {
    /// Runs the command.
    fn run(self, global: &Global) -> ExitStatus {
        let text = || Printer::new(Format::Text);
        match self {
            Self::Init(init) => run(global, init.output.printer(), |out| init.run(None, out)),
            Self::Join(join) => run(global, join.output.printer(), |out| join.run(None, out)),
            Self::Preflight(preflight) => run(global, preflight.output.printer(), |out| {
                let (request, fix) = preflight.request().map_err(|e| unusable(&e))?;
                commands::preflight::run(&request.configuration, fix, out)
            }),
            Self::Diff(diff) => run(global, diff.output.printer(), |out| {
                commands::diff::run(&diff.request().map_err(|e| unusable(&e))?, out)
            }),
            Self::Reset(reset) => run(global, reset.output.printer(), |out| reset.run(None, out)),
            Self::Upgrade(upgrade) => match upgrade.command {
                upgrade::Command::Plan(plan) => run(global, Output::Text.printer(), |out| plan.run(out)),
                upgrade::Command::Diff(diff) => run(global, text(), |out| diff.run(out)),
                upgrade::Command::Apply(apply) => run(global, apply.output.printer(), |out| {
                    commands::upgrade::apply::run(&apply.request().map_err(|e| unusable(&e))?, None, out)
                }),
                upgrade::Command::Node(node) => run(global, node.output.printer(), |out| {
                    commands::upgrade::node::run(&node.request().map_err(|e| unusable(&e))?, None, out)
                }),
            },
            Self::Diagnose(diagnose) => run(global, diagnose.output.printer(), |out| {
                commands::diagnose::run(&diagnose.request(), out)
            }),
            Self::Config(config) => run(global, config.printer(), |out| config.run(out)),
            Self::Certs(certs) => run(global, certs.output().printer(), |out| certs.run(out)),
            Self::Care(care) => run(global, care.output.printer(), |out| care.run(out)),
            Self::Etcd(etcd) => run(global, etcd.output().printer(), |out| etcd.run(out)),
            Self::Backup(backup) => run(global, backup.output.printer(), |out| backup.run(out)),
            Self::Restore(restore) => {
                run(global, restore.output.printer(), |out| commands::restore::run(&restore.request(), out))
            }
            Self::Nodes(nodes) => {
                run(global, nodes.output.printer(), |out| commands::nodes::run(&nodes.request(), out))
            }
            Self::Token(token) => run(global, text(), |out| token.run(out)),
            Self::Kubeconfig(kubeconfig) => {
                run(global, text(), |out| commands::kubeconfig::user(&kubeconfig.request(), out))
            }
            Self::Version(version) => run(global, text(), |out| commands::version::run(version.output, out)),
            Self::Completion(completion) => {
                run(global, text(), |out| commands::description::completion(completion.script(), out))
            }
            Self::Manual(manual) => run(global, text(), |_| {
                commands::description::manual(&manual::pages(&command())?, &manual.dir)
            }),
        }
    }
}

/// The tree of commands, with the phases from their table.
fn tree() -> clap::Command {
    Cli::command()
        .mut_subcommand("init", |init| init.defer(phase::with_phases::<init::Init>))
        .mut_subcommand("join", |join| join.defer(phase::with_phases::<join::Join>))
        .mut_subcommand("reset", |reset| reset.defer(phase::with_phases::<reset::Reset>))
        .mut_subcommand("upgrade", |upgrade| {
            upgrade.defer(|upgrade| {
                let upgrade = <upgrade::Upgrade as clap::Args>::augment_args(upgrade);
                upgrade
                    .mut_subcommand("apply", |apply| apply.defer(phase::with_phases::<upgrade::Apply>))
                    .mut_subcommand("node", |node| node.defer(phase::with_phases::<upgrade::Node>))
            })
        })
        .subcommand(phase::phases::<init::Init>().about("Run one phase of init (short for `init phase`)"))
        // A flag that is given twice counts as it is given last, as for kubeadm: scripts add to what they are handed.
        .args_override_self(true)
}

/// The whole tree, for what describes it: without `help`, which would have a second tree below it.
pub fn command() -> clap::Command {
    let mut tree = tree().disable_help_subcommand(true);
    tree.build();
    if program::is_kubeadm() { renamed(tree) } else { tree }
}

/// A command with its examples, and those of all below it, under the name that the program was started under.
fn renamed(command: clap::Command) -> clap::Command {
    let rename = |text: Option<&clap::builder::StyledStr>| {
        text.map(|text| program::in_own_words(&text.to_string()).into_owned())
    };
    let (short, long) = (rename(command.get_after_help()), rename(command.get_after_long_help()));
    let command = command.mut_subcommands(renamed);
    let command = short.into_iter().fold(command, clap::Command::after_help);
    long.into_iter().fold(command, clap::Command::after_long_help)
}
