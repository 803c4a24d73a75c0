//! What an upgrade has begun on this node, kept in a file until it is finished: a later run goes on from it, or back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use time::format_description::FormatItem;
use time::macros::format_description;

use crate::config::Paths;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{FileMode, Host};
use crate::manifest::Component;
use crate::workflow::Run;

/// The stamp that kubeadm puts behind the names of its backups.
const STAMP: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]-[hour]-[minute]-[second]");

/// What an upgrade has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Journal {
    /// The version that the node comes from.
    pub(crate) from: String,
    /// The version that it goes to.
    pub(crate) to: String,
    /// Text of the ClusterConfiguration before, so that the node can go back without its API server.
    pub(crate) cluster_configuration: String,
    /// The folder with the manifests, certificates and kubeconfigs from before.
    pub(crate) backup: PathBuf,
    /// The copy of etcd's data, and etcd's data folder, once there is a copy.
    pub(crate) etcd: Option<EtcdBackup>,
    /// The components whose replacement was begun, and how far it came.
    pub(crate) components: BTreeMap<Component, Progress>,
}

/// Where etcd's data were copied to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EtcdBackup {
    /// etcd's data folder.
    pub(crate) data: PathBuf,
    /// Its copy.
    pub(crate) copy: PathBuf,
    /// Going back without the copy is not possible: the new etcd is of another minor.
    pub(crate) needed: bool,
}

/// How far the replacement of a component has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Progress {
    /// It was begun.
    Begun,
    /// The new one is healthy.
    Healthy,
}

/// Its file.
pub(crate) fn path(paths: &Paths) -> PathBuf {
    paths.kubeconfig("tmp").join("kubestrap-upgrade.json")
}

/// A new folder for a backup, named as kubeadm names its own.
pub(crate) fn backup_dir(run: &Run, name: &str) -> PathBuf {
    let tmp = run.settings.node.paths.kubeconfig("tmp");
    let stamp = run.started.format(STAMP).unwrap_or_default();
    let base = tmp.join(format!("{name}{stamp}"));
    // Two runs within a second get folders of their own.
    let mut free = base.clone();
    let mut number = 1;
    while run.host.exists(&free) {
        number += 1;
        free = PathBuf::from(format!("{}-{number}", base.display()));
    }
    free
}

impl Journal {
    /// The journal of an upgrade that was not finished, if there is one.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn read(paths: &Paths, host: &dyn Host) -> Result<Option<Self>, Error> {
        let path = path(paths);
        let Some(text) = host.read(&path)? else { return Ok(None) };
        let unusable = |e: serde_json::Error| {
            let message = format!(
                "{}: {e}\n  fix: it records an interrupted upgrade and can't be read; compare the manifests with those in {}, then remove it",
                path.display(),
                path.parent().unwrap_or(Path::new("/")).display()
            );
            Error::new(ExitStatus::Failed, message)
        };
        serde_json::from_slice(&text).map(Some).map_err(unusable)
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn keep(&self, paths: &Paths, host: &dyn Host) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self)?;
        host.write(&path(paths), &text, FileMode::SECRET)?;
        Ok(())
    }

    /// Forgets it: the upgrade is finished, or undone.
    ///
    /// # Errors
    /// When it can't be removed.
    pub(crate) fn forget(paths: &Paths, host: &dyn Host) -> Result<(), Error> {
        Ok(host.remove(&path(paths))?)
    }

    /// The components whose replacement was begun.
    pub(crate) fn begun(&self) -> Vec<Component> {
        self.components.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::RealHost;

    fn journal() -> Journal {
        Journal {
            from: "v1.35.6".into(),
            to: "v1.36.2".into(),
            cluster_configuration: "kind: ClusterConfiguration\n".into(),
            backup: "/b".into(),
            etcd: Some(EtcdBackup { data: "/d".into(), copy: "/c".into(), needed: false }),
            components: [(Component::Etcd, Progress::Healthy), (Component::ApiServer, Progress::Begun)]
                .into(),
        }
    }

    #[test]
    fn journal_is_read_as_it_was_kept_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::new("/etc/kubernetes/pki", Some(dir.path()));
        let host = RealHost::new();
        assert_eq!(Journal::read(&paths, &host).unwrap(), None);
        journal().keep(&paths, &host).unwrap();
        assert_eq!(Journal::read(&paths, &host).unwrap(), Some(journal()));
        Journal::forget(&paths, &host).unwrap();
        assert_eq!(Journal::read(&paths, &host).unwrap(), None);
    }

    #[test]
    fn broken_journal_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::new("/etc/kubernetes/pki", Some(dir.path()));
        std::fs::create_dir(dir.path().join("tmp")).unwrap();
        std::fs::write(path(&paths), "{").unwrap();
        let error = Journal::read(&paths, &RealHost::new()).unwrap_err();
        assert!(error.message.contains("interrupted upgrade"), "{error}");
    }
}
