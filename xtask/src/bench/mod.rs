//! `cargo xtask bench`.
use clap::Args;
use std::process::ExitCode;
/// Measure
#[derive(Args, Debug)]
pub(crate) struct Bench {}
impl Bench {
    /// x
    pub(crate) fn run(self) -> ExitCode {
        ExitCode::FAILURE
    }
}
