//! Puts a node back to what it was before an upgrade.

use std::path::{Path, PathBuf};

use super::super::Upgrade;
use super::super::journal::{EtcdBackup, Journal, Progress};
use super::{renewal, roll};
use crate::certs::{self, Managed, Place};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::FileMode;
use crate::manifest::Component;
use crate::phases::hold::pods;
use crate::phases::wait_control_plane;
use crate::workflow::Run;

/// The files of the certificates that an upgrade renews, each with its copy in a backup.
pub(super) fn certificates(run: &Run, backup: &Path) -> Vec<(PathBuf, PathBuf)> {
    let pki = renewal::pki(run);
    let files = certs::leaves(pki.external_etcd).into_iter().flat_map(|managed: Managed| {
        let mut files = vec![managed.path(&pki)];
        if let Place::File(row) = managed.place {
            files.push(pki.key(row));
        }
        files
    });
    let copy = |path: &Path| {
        let inside = path.strip_prefix(&pki.certificates).map(|p| Path::new("pki").join(p));
        backup.join(inside.unwrap_or_else(|_| path.file_name().map(PathBuf::from).unwrap_or_default()))
    };
    files.map(|path| (path.clone(), copy(&path))).collect()
}

/// Undoes what an upgrade began that failed with `error`; the error then says what became of it.
pub(super) fn after(upgrade: &mut Upgrade, error: Error) -> Error {
    let Some(journal) = upgrade.journal.clone() else { return error };
    upgrade.run.warn(format!("the upgrade failed: putting this node back to {}", journal.from));
    let message = error
        .message
        .split("\n  fix it and run the same command again")
        .next()
        .unwrap_or_default()
        .to_owned();
    match undo(&mut upgrade.run, &journal) {
        Ok(lost) => {
            upgrade.journal = None;
            let lost = lost.map(|lost| format!("\n  {lost}")).unwrap_or_default();
            {
                let message = format!(
                    "{message}\n  this node is back at {}, and healthy{lost}\n  fix the cause and run the same command again",
                    journal.from
                );
                error.with_message(message)
            }
        }
        Err(undoing) => {
            let message = format!(
                "{message}\n  putting this node back to {} failed too: {}\n  fix: the old manifests and certificates are in {}; running the same command again goes on from here, `kubestrap upgrade apply {}` goes back",
                journal.from,
                undoing.message,
                journal.backup.display(),
                journal.from
            );
            error.with_message(message)
        }
    }
}

/// Puts back manifests, certificates, kubeconfigs and, where it must be, etcd's data; waits until the old control plane
/// is healthy, and forgets the journal. Tells what was lost.
///
/// # Errors
/// When something can't be put back, or the old control plane does not become healthy.
pub(crate) fn undo(run: &mut Run, journal: &Journal) -> Result<Option<String>, Error> {
    let paths = run.settings.node.paths.clone();
    pods(run).hold_kubelet()?;
    let begun = journal.begun();
    // Those that depend on others first.
    for component in begun.iter().rev() {
        pods(run).stop(*component)?;
    }
    let mut lost = None;
    for component in &begun {
        let old = journal.backup.join(component.file());
        let path = paths.manifests.join(component.file());
        match run.host.read(&old)? {
            Some(content) => drop(run.write(&path, &content, FileMode::MANIFEST)?),
            None => run.host.remove(&path)?,
        }
    }
    for (path, copy) in certificates(run, &journal.backup) {
        if let Some(content) = run.host.read(&copy)? {
            let mode = if path.extension().is_some_and(|e| e == "crt") {
                FileMode::CERTIFICATE
            } else {
                FileMode::SECRET
            };
            run.host.write(&path, &content, mode)?;
        }
    }
    if let (Some(etcd), Some(progress)) = (&journal.etcd, journal.components.get(&Component::Etcd)) {
        // A new etcd that never got healthy has taken no writes; data of another minor can't be read by the old one.
        let unhealthy = *progress == Progress::Begun;
        if unhealthy || etcd.needed {
            restore_etcd(run, etcd)?;
            if !unhealthy {
                lost = Some("what was written to the cluster since etcd was upgraded is lost: the older etcd can't read the new one's data".to_owned());
            }
        }
    }
    roll::start_kubelet(run)?;
    wait_control_plane::wait(run)?;
    Journal::forget(&paths, &*run.host)?;
    Ok(lost)
}

/// Puts the copy of etcd's data in place; what was there is kept beside it.
fn restore_etcd(run: &Run, etcd: &EtcdBackup) -> Result<(), Error> {
    let member = |folder: &Path| folder.join("member");
    if !run.host.exists(&member(&etcd.copy)) {
        let message = format!("the copy of etcd's data is not at {}", etcd.copy.display());
        return Err(Error::new(ExitStatus::Failed, message));
    }
    let failed = etcd.data.join("member-of-failed-upgrade");
    run.host.remove_all(&failed)?;
    if run.host.exists(&member(&etcd.data)) {
        run.host.rename(&member(&etcd.data), &failed)?;
    }
    run.host.copy_all(&member(&etcd.copy), &member(&etcd.data))?;
    run.log(format!("Put etcd's data back from {}", etcd.copy.display()));
    Ok(run.host.remove_all(&failed)?)
}
