//! `completion`.

use clap::Args;
use clap_complete::Shell;

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
    /// The script.
    pub(super) fn script(&self) -> Vec<u8> {
        let mut script = vec![];
        clap_complete::generate(self.shell, &mut super::command(), crate::program::name(), &mut script);
        script
    }
}
