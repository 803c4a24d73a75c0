//! `cargo e2e`.

use std::process::ExitCode;

use clap::Parser;

/// kubestrap's end-to-end runs
#[derive(Parser, Debug)]
#[command(name = "e2e", bin_name = "cargo e2e")]
struct Cli {
    #[command(flatten)]
    e2e: e2e::E2e,
}

fn main() -> ExitCode {
    e2e::if_in_machine(&[]).unwrap_or_else(|| Cli::parse().e2e.run())
}
