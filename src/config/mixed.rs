//! The rule that few flags may stand beside `--config`.

use super::problem::{ConfigError, Problem};

/// Refuses `flags` beside the configuration `file`, as kubeadm does.
///
/// # Errors
/// When there are any.
pub(crate) fn check_mixed(file: &str, flags: &[&str]) -> Result<(), ConfigError> {
    if flags.is_empty() {
        return Ok(());
    }
    let message =
        format!("can not mix '--config' with arguments [{}]: set them in {file} instead", flags.join(" "));
    Err(Problem::new("configuration", "", message).into())
}
