//! The files of a profile that kube-apiserver's flags name.

use std::path::Path;

use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::FileMode;
use crate::manifest::Component;
use crate::workflow::{Run, Verb};

/// Writes those that are missing. What is there stays: nobody but its key reads what is encrypted.
///
/// # Errors
/// When one can't be written, or when a key is gone that kube-apiserver was already using.
pub(super) fn write(run: &mut Run) -> Result<(), Error> {
    let Some(profile) = run.settings.node.profile else { return Ok(()) };
    for file in profile.files(&run.settings.cluster.config) {
        let path = Path::new(file.path);
        if run.host.exists(path) {
            run.host.keep(path)?;
            run.log(format!("Using existing {}", file.path));
            continue;
        }
        if file.is_secret() && is_in_use(run, file.path)? {
            let message = format!(
                "{} is gone, and kube-apiserver's manifest names it: with a new key the Secrets that are stored could not be read\n  fix: restore it from a backup, or copy it from another control plane",
                file.path
            );
            return Err(Error::new(ExitStatus::Failed, message));
        }
        let content = file.make().map_err(|_| {
            Error::new(ExitStatus::Failed, "the system gives no random bytes for the encryption key")
        })?;
        let mode = if file.is_secret() { FileMode::SECRET } else { FileMode::MANIFEST };
        run.write(path, content.as_bytes(), mode)?;
        run.act(Verb::Write, file.path);
    }
    Ok(())
}

/// Whether the manifest of an earlier run names a file.
fn is_in_use(run: &Run, file: &str) -> Result<bool, Error> {
    let manifest = run.settings.node.paths.manifests.join(Component::ApiServer.file());
    let text = run.host.read(&manifest)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&text).contains(file))
}
