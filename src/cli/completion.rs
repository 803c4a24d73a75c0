//! `completion`.

use clap::Args;
use clap_complete::Shell;

use crate::error::Error;
use crate::output::{Format, Printer};

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  source <(kubestrap completion bash)\n  kubestrap completion bash > /etc/bash_completion.d/kubestrap\n  kubestrap completion zsh > \"${fpath[1]}/_kubestrap\"\n  kubestrap completion fish > ~/.config/fish/completions/kubestrap.fish"
)]
pub(super) struct Completion {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    /// Prints it.
    pub(super) fn run(&self) -> Result<(), Error> {
        let mut script = vec![];
        clap_complete::generate(self.shell, &mut super::command(), crate::program::name(), &mut script);
        Printer::new(Format::Text).data(&String::from_utf8(script)?);
        Ok(())
    }
}
