//! `token delete`.

use clap::Args;

use super::{PATIENCE, Shared};
use crate::cli::reach::{connect, find_kubeconfig};
use crate::config::token;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::{Format, Printer};

/// Delete tokens
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kubestrap token delete abcdef")]
pub(super) struct Delete {
    /// Which: ids (`abcdef`) or whole tokens
    #[arg(value_name = "TOKEN", required = true)]
    tokens: Vec<String>,
}

impl Delete {
    /// Deletes them, and prints a line for each.
    pub(super) fn run(&self, shared: &Shared) -> Result<(), Error> {
        let out = Printer::new(Format::Text);
        let ids = self.tokens.iter().map(|t| id(t)).collect::<Result<Vec<_>, _>>()?;
        let path = find_kubeconfig(shared.kubeconfig.as_deref())?;
        if shared.dry_run == Some(true) {
            for id in ids {
                out.log(
                    "token",
                    format!("Would delete the token {id:?} from the cluster of {}", path.display()),
                );
            }
            return Ok(());
        }
        let reached = connect(&path, PATIENCE)?;
        let mut failures = vec![];
        for id in ids {
            match reached.cluster.delete_bootstrap_token(id) {
                Ok(true) => out.data(&format!("bootstrap token {id:?} deleted\n")),
                Ok(false) => failures.push(format!(
                    "there is no bootstrap token {id:?} (no Secret kube-system/bootstrap-token-{id})"
                )),
                Err(error) => failures.push(error.to_string()),
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(Error::new(ExitStatus::Failed, failures.join("\n"))) }
    }
}

/// The id of a token, or itself. What was given may be a secret with a typing mistake, so it is not repeated.
fn id(text: &str) -> Result<&str, Error> {
    let whole = token::split(text).map(|(id, _)| id);
    let alone = token::split(&format!("{text}.0123456789abcdef")).map(|_| text);
    whole.or(alone).ok_or_else(|| {
        Error::new(
            ExitStatus::Usage,
            "neither a token's id, such as abcdef, nor a token, such as abcdef.0123456789abcdef; nothing was deleted",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn ids_and_tokens_give_ids() {
        assert_eq!((id("abcdef").unwrap(), id("abc123.0123456789abcdef").unwrap()), ("abcdef", "abc123"));
        for bad in ["", "abcde", "ABCDEF", "abcdef.", "abcdef.0123456789abcde", "abcdef.0123456789abcdef.x"] {
            assert!(id(bad).is_err(), "{bad}");
        }
        assert!(!id("abcdef.secretsecret").unwrap_err().message.contains("secretsecret"));
    }
}
