//! `token delete`.

use std::path::PathBuf;

use super::PATIENCE;
use crate::commands::reach::{connect, find_kubeconfig};
use crate::config::token;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

/// What is asked for.
pub(crate) struct Request {
    /// Ids of tokens, or whole tokens: secrets.
    pub(crate) tokens: Vec<String>,
    /// Delete nothing.
    pub(crate) dry_run: bool,
    /// The kubeconfig to reach the cluster with.
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// Deletes them, and prints a line for each.
///
/// # Errors
/// When one does not exist or can't be deleted.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let ids = request.tokens.iter().map(|t| id(t)).collect::<Result<Vec<_>, _>>()?;
    let path = find_kubeconfig(request.kubeconfig.as_deref())?;
    if request.dry_run {
        for id in ids {
            out.log("token", format!("Would delete the token {id:?} from the cluster of {}", path.display()));
        }
        return Ok(ExitStatus::Done);
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
    if failures.is_empty() {
        Ok(ExitStatus::Done)
    } else {
        Err(Error::new(ExitStatus::Failed, failures.join("\n")))
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
