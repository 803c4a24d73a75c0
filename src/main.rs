//! The `kubestrap` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubestrap::main()
}
