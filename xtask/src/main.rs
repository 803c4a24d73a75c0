//! kubestrap's own chores: `cargo xtask bench` and `cargo xtask package`, and `cargo xtask e2e` for `cargo e2e`.

mod bench;
mod package;

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
}

fn main() -> ExitCode {
    e2e::if_in_machine(bench::JOBS).unwrap_or_else(|| match Cli::parse().chore {
        Chore::E2e(e2e) => e2e.run(),
        Chore::Bench(bench) => bench.run(),
        Chore::Package(package) => package.run(),
    })
}
