//! kubestrap's own chores: `cargo xtask e2e`, `cargo xtask bench` and `cargo xtask package`.

mod bench;
mod build;
mod command;
mod e2e;
mod json;
mod machine;
mod package;
mod say;
mod systemd;
mod vm;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// kubestrap's own chores
#[derive(Parser, Debug)]
#[command(name = "xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand, Debug)]
enum Chore {
    /// Run kubestrap against the real Kubernetes, in a machine of its own
    E2e(e2e::E2e),
    /// Measure kubestrap against kubeadm
    Bench(bench::Bench),
    /// Make a Debian package and a tarball
    Package(package::Package),
    /// A step of `e2e` and `bench`, run by themselves
    #[command(hide = true)]
    Machine(e2e::Step),
}

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_default();
    // In the machine that `e2e` makes, this program stands in for systemd's.
    match Path::new(&name).file_name().and_then(|n| n.to_str()) {
        Some("systemctl") => return systemd::systemctl(args),
        Some("journalctl") => return systemd::journalctl(args),
        Some("systemd-supervise") => return systemd::supervise(args),
        _ => {}
    }
    match Cli::parse().chore {
        Chore::E2e(e2e) => e2e.run(),
        Chore::Bench(bench) => bench.run(),
        Chore::Package(package) => package.run(),
        Chore::Machine(step) => step.run(),
    }
}
