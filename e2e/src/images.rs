//! The images of a cluster, made of the user's programs, in a folder of the container runtime's that every machine gets a copy of.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::image;
use super::plan::Plan;
use crate::machine;
use crate::recipes::describe;

/// Where the first machine keeps what those beside it share.
const SHARED: &str = "/var/lib/e2e-images";
/// What the names of files end in that are written again.
const WRITTEN: &[&str] = &["db", "json", "lock", "sqlite"];

/// Makes the folder that machines' container runtime starts from, unless an earlier run made the same.
///
/// # Errors
/// When an image can't be made or imported.
pub(crate) fn prepare(plan: &Plan) -> anyhow::Result<()> {
    let images = plan.work.join("images");
    let key = key(plan)?;
    let key_file = images.join("key.json");
    if fs::read(&key_file).ok() == Some(serde_json::to_vec(&key)?) {
        return Ok(());
    }
    crate::say::note(format_args!("packing {} images", plan.images().len()));
    let _ = fs::remove_dir_all(&images);
    fs::create_dir_all(&images)?;
    let request = plan.request("import", &["import"]);
    // Its databases hold paths, so it is the same in every machine.
    let made = request.dir.join(plan.runtime.folder());
    let finished = machine::launch(
        &request,
        || Ok(()),
        || fs::rename(&made, images.join("store")).context("the images can't be kept"),
    )?;
    if !finished.ok {
        bail!("the images can't be made:\n{}", finished.stderr.trim_end());
    }
    fs::write(&key_file, serde_json::to_vec(&key)?)?;
    Ok(())
}

/// What the images are made of: when it changes, they are made again.
fn key(plan: &Plan) -> anyhow::Result<Value> {
    let mut sources = vec![json!(plan.runtime)];
    for (reference, programs) in plan.images() {
        let image = describe(programs, reference)?;
        for (source, path) in &image.files {
            let about = source.metadata().with_context(|| format!("{} can't be used", source.display()))?;
            let modified = about.modified()?.duration_since(std::time::UNIX_EPOCH)?.as_nanos().to_string();
            sources.push(json!([reference, source, path, about.len(), modified]));
        }
    }
    Ok(json!(sources))
}

/// Gives the machine whose folder is `dir` its own copy: files are shared, except those that the container
/// runtime writes again: databases and locks.
///
/// # Errors
/// When something can't be copied.
pub fn copy_to(plan: &Plan, dir: &Path) -> anyhow::Result<()> {
    copy(&plan.work.join("images/store"), &dir.join(plan.runtime.folder()))
        .context("the images can't be copied")
}

/// The same for a machine beside the first one, whose disk holds `dir`: the first of them brings the files there, and
/// all share them.
///
/// # Errors
/// When something can't be copied.
pub(crate) fn copy_beside(plan: &Plan, dir: &Path) -> anyhow::Result<()> {
    let shared = Path::new(SHARED);
    if !shared.exists() {
        copy_to(plan, shared)?;
    }
    copy(&shared.join(plan.runtime.folder()), &dir.join(plan.runtime.folder()))
        .context("the images can't be copied")
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, from.metadata()?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_dir() {
            copy(&source, &target)?;
        } else if !kind.is_file() {
            // Docker's node of the disk below it, which it makes again: no machine beside the first may open it.
        } else if source.extension().is_some_and(|e| WRITTEN.iter().any(|w| e == *w)) {
            fs::copy(&source, &target)?;
        } else if let Err(error) = fs::hard_link(&source, &target) {
            // A second machine's folder lies on another mount than what the first sees of the host.
            if error.kind() != ErrorKind::CrossesDevices {
                return Err(error.into());
            }
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

/// The job: packs and imports them.
///
/// # Errors
/// When one of them fails.
pub(crate) fn import(plan: &Plan) -> anyhow::Result<()> {
    let daemon = plan.runtime.start(&plan.runtime.configuration(plan.pause()))?;
    let scratch = Path::new("/var/lib/images");
    fs::create_dir_all(scratch)?;
    let archive = scratch.join("image.tar");
    for (reference, programs) in plan.images() {
        image::write(&describe(programs, reference)?, &archive, scratch)?;
        plan.runtime.import(&archive, reference)?;
    }
    daemon.stop()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn databases_are_copied_and_the_rest_is_shared() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("deep")).unwrap();
        fs::write(from.join("deep/meta.db"), "state").unwrap();
        fs::write(from.join("deep/blob"), "content").unwrap();
        copy(&from, &to).unwrap();
        let same =
            |name: &str| from.join(name).metadata().unwrap().ino() == to.join(name).metadata().unwrap().ino();
        assert!(same("deep/blob"));
        assert!(!same("deep/meta.db"));
        assert_eq!(fs::read_to_string(to.join("deep/meta.db")).unwrap(), "state");
    }
}
