//! The command line: clap's types, a file a command. Flags and configuration become settings here; nothing else does.

mod certs;
mod completion;
mod config;
mod diagnose;
mod diff;
mod dry_run;
mod flags;
mod init;
mod kubeconfig;
mod live;
mod manual;
mod output_api;
mod phase;
mod preflight;
mod reach;
mod reset;
mod table;
mod token;
mod value;
mod version;

use std::io::Read;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use serde_json::json;

use crate::output::{Format, Printer};
use crate::phases::{Failure, PhaseError};

/// What the program is called.
const NAME: &str = "kubestrap";

/// Turns a fresh machine into a Kubernetes control plane, the way kubeadm does, and better
#[derive(Parser, Debug)]
#[command(
    name = NAME,
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

/// Flags of every command.
#[derive(clap::Args, Clone, Debug, Default)]
struct Global {
    /// How much to log: 0 to 10
    #[arg(
        short,
        long = "v",
        value_name = "LEVEL",
        global = true,
        default_value_t = 0,
        hide_default_value = true
    )]
    v: u8,
    /// Accepted for kubeadm's sake; has no effect
    #[arg(long, value_name = "SPEC", global = true, hide = true)]
    vmodule: Option<String>,
    /// Take this folder for / (chroot)
    #[arg(long, value_name = "DIR", global = true)]
    rootfs: Option<std::path::PathBuf>,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// For machines: one JSON object a line
    Json,
}

impl Output {
    /// What prints so.
    fn printer(self) -> Printer {
        Printer::new(match self {
            Self::Text => Format::Text,
            Self::Json => Format::Json,
        })
    }
}

/// For machines a failure is a result too, the last event; then there is nothing left to say.
fn as_result(out: &Printer, result: Result<(), PhaseError>) -> Result<(), PhaseError> {
    let (Format::Json, Err(error)) = (out.format(), &result) else { return result };
    let mut data = json!({
        "ok": false,
        "exitCode": error.failure.exit_code(),
        "code": error.failure.code(),
        "error": error.message,
    });
    if let (false, Some(fields)) = (error.findings.is_empty(), data.as_object_mut()) {
        fields.insert("findings".into(), json!(error.findings));
    }
    out.failure(data, "");
    Err(PhaseError::new(error.failure, ""))
}

// Each is made when it is asked for: flags of all phases together cost more than what most commands do.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum Command {
    /// Set up this machine as the first node of a control plane
    Init(Box<init::Init>),
    /// Check whether this machine can become a control plane, and change nothing
    Preflight(Box<preflight::Preflight>),
    /// Tell why the control plane of this machine is not healthy, whoever set it up
    Diagnose(diagnose::Diagnose),
    /// Show what init would change on this machine and in its cluster
    Diff(Box<diff::Diff>),
    /// Take away what init or join left on this machine
    Reset(reset::Reset),
    /// Print, check and migrate configuration files, and see which images they mean
    Config(Box<config::Config>),
    /// Look after the certificates of a control plane
    #[command(visible_alias = "certificates")]
    Certs(certs::Certs),
    /// Look after the tokens with which nodes join
    Token(token::Token),
    /// Make kubeconfigs for more users
    Kubeconfig(kubeconfig::KubeconfigCommand),
    /// Print the version
    Version(version::Version),
    /// Print a script that lets a shell complete commands, flags and their values
    Completion(completion::Completion),
    /// Write the pages of the manual into a folder: one for each command
    Manual(manual::Manual),
}

/// Parses the command line, runs the command, and tells the exit code.
pub fn main() -> ExitCode {
    let matches = match tree().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            // Help that was asked for is no error; usage is 2.
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    if let Some((id, leaf)) = phase::selected(&matches) {
        return finish(phase::run(&id, leaf));
    }
    match Cli::from_arg_matches(&matches) {
        Ok(cli) => {
            if let Err(error) = prepare(&cli.global) {
                return finish(Err(error));
            }
            finish(match cli.command {
                Command::Init(init) => init.run(),
                Command::Preflight(preflight) => preflight.run(),
                Command::Diagnose(diagnose) => diagnose.run(),
                Command::Diff(diff) => diff.run(),
                Command::Reset(reset) => reset.run(),
                Command::Config(config) => config.run(),
                Command::Certs(certs) => certs.run(),
                Command::Token(token) => token.run(),
                Command::Kubeconfig(kubeconfig) => kubeconfig.run(),
                Command::Version(version) => version.run(),
                Command::Completion(completion) => completion.run(),
                Command::Manual(manual) => manual.run(),
            })
        }
        Err(error) => {
            let _ = error.print();
            ExitCode::from(2)
        }
    }
}

/// The tree of commands, with the phases from their table.
fn tree() -> clap::Command {
    Cli::command()
        .mut_subcommand("init", |init| init.defer(phase::init))
        .subcommand(phase::command().about("Run one phase of init (short for `init phase`)"))
        // A flag that is given twice counts as it is given last, as for kubeadm: scripts add to what they are handed.
        .args_override_self(true)
}

/// All of it, made in whole for who describes it: without `help`, which would have a second tree below it.
pub fn command() -> clap::Command {
    let mut tree = tree().disable_help_subcommand(true);
    tree.build();
    tree
}

/// Applies the global flags.
fn prepare(global: &Global) -> Result<(), PhaseError> {
    if global.v > 0 {
        let level = match global.v {
            1..=3 => tracing::Level::INFO,
            4..=5 => tracing::Level::DEBUG,
            _ => tracing::Level::TRACE,
        };
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).init();
    }
    if let Some(root) = &global.rootfs {
        let fail =
            |e: std::io::Error| PhaseError::new(Failure::Usage, format!("--rootfs {}: {e}", root.display()));
        std::os::unix::fs::chroot(root).map_err(fail)?;
        std::env::set_current_dir("/").map_err(fail)?;
    }
    Ok(())
}

/// Says what went wrong, if anything, and gives the exit code.
fn finish(result: Result<(), PhaseError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.message.is_empty() {
                Printer::new(Format::Text).failure(serde_json::Value::Null, &format!("error: {error}"));
            }
            ExitCode::from(error.failure.exit_code())
        }
    }
}

/// A file's text; `-` is standard input. What is not text, or far too large, is refused here.
fn read_input(file: &str) -> Result<String, String> {
    /// No configuration comes near it; reading stops there, so that no file makes us run out of memory.
    const LIMIT: u64 = 8 << 20;
    let mut bytes = vec![];
    let read = if file == "-" {
        std::io::stdin().take(LIMIT).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|f| f.take(LIMIT).read_to_end(&mut bytes))
    };
    read.map_err(|e| format!("{file}: can't be read: {e}"))?;
    if bytes.len() as u64 >= LIMIT {
        return Err(format!("{file}: larger than {} MiB: that is no configuration", LIMIT >> 20));
    }
    String::from_utf8(bytes)
        .map_err(|e| format!("{file}: is not text: byte {} is not UTF-8", e.utf8_error().valid_up_to() + 1))
}
