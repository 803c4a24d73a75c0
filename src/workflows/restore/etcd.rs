//! `etcd-data`: etcd's data, from the snapshot of the archive.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::Restore;
use super::progress::Progress;
use crate::error::Error;
use crate::node::LocalEtcd;
use crate::phases::etcd_data::{self, Source};
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// The snapshot, while data are made from it: in etcd's data directory, where there must be room anyway.
const SNAPSHOT: &str = "kubestrap-restore.db";

/// Makes the data and puts them in place; those that are there are moved aside.
pub(super) fn make_data(restore: &mut Restore) -> PhaseResult {
    let Restore { run, archive } = restore;
    let Some(local) = run.settings.cluster.config.etcd.local.clone() else {
        return Ok(Outcome::Skipped("Skipping etcd's data: etcd is external".into()));
    };
    if Progress::read(run)?.is_some_and(|progress| progress.etcd_data) {
        return Ok(Outcome::Skipped("Using existing etcd data: an interrupted run put them in place".into()));
    }
    let data = PathBuf::from(local.data_dir);
    run.host.make_dir(&data, 0o700)?;
    let path = data.join(SNAPSHOT);
    run.act(Verb::Write, format!("etcd's snapshot to {}", path.display()));
    let size = if run.watch.waits() {
        let failed =
            |source| crate::backup::BackupError::File { action: "write", path: path.clone(), source };
        let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).to_owned();
        let mut file = options.open(&path).map_err(failed)?;
        let size = archive.extract_snapshot(&mut file).inspect_err(|_| drop(run.host.remove(&path)))?;
        file.flush().and_then(|()| file.sync_all()).map_err(failed)?;
        tracing::info!("wrote {} (mode 0600)", path.display());
        size
    } else {
        archive.manifest.snapshot.as_ref().map_or(0, |facts| facts.size)
    };
    let made = put(run, &data, &path, size);
    run.host.remove(&path)?;
    made?;
    let progress = Progress { archive: archive.manifest.id.clone(), etcd_data: true };
    progress.keep(run)?;
    Ok(Outcome::Done)
}

fn put(run: &mut Run, data: &Path, snapshot: &Path, size: u64) -> Result<(), Error> {
    let member = LocalEtcd {
        name: run.settings.node_name().to_owned(),
        peer_urls: run.settings.etcd_peer_url(),
        data: data.to_owned(),
        image: run.settings.etcd_image(),
        others: vec![],
    };
    let source = Source { path: snapshot.to_owned(), unhashed: false, size };
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    let stamp = run.started.format(format).unwrap_or_default();
    let made = etcd_data::make(run, &member, &source, &stamp)?;
    if let Some(before) = etcd_data::put_in_place(run, data, &made)?.before {
        run.log(format!("The previous etcd data are in {}", before.display()));
    }
    Ok(())
}

/// Removes what an interrupted run left in etcd's data directory, which preflight checks would take for somebody's.
pub(super) fn remove_leftovers(run: &Run) -> Result<(), Error> {
    let Some(local) = &run.settings.cluster.config.etcd.local else { return Ok(()) };
    let data = Path::new(&local.data_dir);
    run.host.remove(&data.join(SNAPSHOT))?;
    etcd_data::remove_unfinished(run, data)
}
