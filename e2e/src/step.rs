//! The steps in which machines are made and jobs are done: this program, run by itself.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;

use crate::machine::{self, boot};
use crate::node::Node;
use crate::plan::Plan;
use crate::{faults, images, neighbour, say, scenarios, systemd, vm};

/// A job that another program has done in a machine: its name, and what it does with its arguments.
pub type Job = (&'static str, fn(Plan, &[&str]) -> anyhow::Result<()>);

/// A step.
#[derive(Parser, Debug)]
enum Step {
    /// Enter the cgroups, then new namespaces
    Enter { cgroups: String, request: PathBuf },
    /// Be process 1
    Boot { request: PathBuf },
    /// Run a program in a machine
    Exec {
        cgroups: String,
        process_1: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Do the job
    Job {
        plan: PathBuf,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

/// Does the part of this process, if a run has started it: a step on the way into a machine, or in there the stand-in
/// for one of systemd's programs.
pub fn if_in_machine(jobs: &[Job]) -> Option<ExitCode> {
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_default();
    match Path::new(&name).file_name().and_then(|n| n.to_str()) {
        Some("systemctl") => return Some(systemd::systemctl(args)),
        Some("journalctl") => return Some(systemd::journalctl(args)),
        Some("systemd-supervise") => return Some(systemd::supervise(args)),
        _ => {}
    }
    // clap takes the first word for the program's name.
    let mut step = std::env::args_os().skip(1).peekable();
    if step.peek().is_none_or(|word| word != "machine") {
        return None;
    }
    let result = match Step::parse_from(step) {
        Step::Enter { cgroups, request } => machine::enter(&cgroups, &request).map(|()| ExitCode::SUCCESS),
        Step::Exec { cgroups, process_1, words } => {
            machine::exec(&cgroups, &process_1, &words).map(|()| ExitCode::SUCCESS)
        }
        Step::Boot { request } => boot::boot(&request),
        Step::Job { plan, words } => job(&plan, &words, jobs).map(|()| ExitCode::SUCCESS),
    };
    Some(result.unwrap_or_else(|error| say::failure(&format!("{error:#}"))))
}

/// Does a job: what it prints on standard output is its result.
fn job(plan: &Path, words: &[String], jobs: &[Job]) -> anyhow::Result<()> {
    let plan = Plan::read(plan)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["import"] => images::import(&plan),
        ["scenario", name] => {
            let scenario = scenarios::find(name).context("no such scenario")?;
            let node = Node::fresh(plan, "kubestrap")?;
            let result = (scenario.run)(&node);
            say::line(node.notes());
            result.inspect_err(|_| node.keep_pod_logs())
        }
        ["fault", name, how] => faults::try_one(plan, name, how),
        ["neighbour"] => neighbour::serve(plan),
        ["vm"] => vm::job::run(plan),
        [name, words @ ..] => match jobs.iter().find(|(known, _)| known == name) {
            Some((_, job)) => job(plan, words),
            None => bail!("no such job: {name}"),
        },
        [] => bail!("no job is named"),
    }
}
