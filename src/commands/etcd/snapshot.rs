//! `etcd snapshot`.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Reached, Target, size, unanswered};
use crate::certs::utc;
use crate::error::Error;
use crate::etcd::snapshot::{self, Retention, SnapshotError, Stored};
use crate::etcd::{Etcd, EtcdError};
use crate::exit_status::ExitStatus;
use crate::output::Printer;
use crate::output::table::columns;

/// What to save, and where.
#[derive(Clone, Debug)]
pub(crate) struct Save {
    /// Where etcd is.
    pub(crate) target: Target,
    /// The file, or an existing folder; none is a name of the node and the time in `dir`.
    pub(crate) path: Option<PathBuf>,
    /// The folder for snapshots.
    pub(crate) dir: PathBuf,
}

/// Saves a snapshot of the first member that answers.
///
/// # Errors
/// When etcd is not known or does not answer, or the snapshot can't be written.
pub(crate) fn save(request: &Save, out: &Printer) -> Result<ExitStatus, Error> {
    let (path, facts) = take(request, out)?;
    out.result(json!({ "ok": true, "path": path, "snapshot": facts }), &format!("{}\n", path.display()));
    Ok(ExitStatus::Done)
}

/// Saves a snapshot; returns its file, and what is in it.
///
/// # Errors
/// As [`save`].
pub(crate) fn take(request: &Save, out: &Printer) -> Result<(PathBuf, snapshot::Facts), Error> {
    let Reached { mut etcd, endpoints } = request.target.connect()?;
    let (url, name) = first(&mut etcd, &endpoints)?;
    let mut now = OffsetDateTime::now_utc();
    let path = match &request.path {
        Some(path) if !path.is_dir() => path.clone(),
        dir => {
            let dir = dir.as_ref().unwrap_or(&request.dir);
            // Names tell the second.
            if dir.join(snapshot::file_name(&name, now)).exists() {
                std::thread::sleep(Duration::from_secs(1));
                now = OffsetDateTime::now_utc();
            }
            dir.join(snapshot::file_name(&name, now))
        }
    };
    out.log("etcd", format!("Saving a snapshot of member {name} at {url}"));
    let facts = snapshot::save(&mut etcd, &url, &name, &path, now).map_err(|error| match error {
        SnapshotError::Etcd(error) => unanswered(error),
        error => error.into(),
    })?;
    let revision = facts.revision.map_or_else(|| "none".into(), |r| r.to_string());
    out.log("etcd", format!("Saved {}, revision {revision}, and verified its SHA-256", size(facts.size)));
    Ok((path, facts))
}

/// The client URL and name of the first member that answers.
fn first(etcd: &mut dyn Etcd, endpoints: &[String]) -> Result<(String, String), Error> {
    let (mut tried, mut other) = (vec![], None);
    for url in endpoints {
        match etcd.status(url) {
            Ok(status) => {
                let members = etcd.known_members().map_err(unanswered)?;
                let name = members.into_iter().find(|m| m.id == status.id).map(|m| m.name);
                return Ok((url.clone(), name.unwrap_or_else(|| format!("{:x}", status.id))));
            }
            Err(EtcdError::Unreachable { tried: why }) => tried.extend(why),
            // The next one may answer.
            Err(error) => other = other.or(Some(error)),
        }
    }
    Err(unanswered(other.unwrap_or(EtcdError::Unreachable { tried })))
}

/// Lists the snapshots in a folder.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn list(dir: &Path, out: &Printer) -> Result<ExitStatus, Error> {
    let stored = snapshot::list(dir)?;
    if stored.is_empty() {
        out.log("etcd", format!("There is no snapshot in {}", dir.display()));
    }
    let text = if stored.is_empty() { String::new() } else { table(&stored) };
    out.result(json!({ "ok": true, "snapshots": objects(&stored) }), &text);
    Ok(ExitStatus::Done)
}

fn table(stored: &[Stored]) -> String {
    let mut rows = vec![["FILE", "TIME", "MEMBER", "REVISION", "SIZE", "ETCD"].map(str::to_owned)];
    for one in stored {
        let of = |show: fn(&snapshot::Facts) -> String| one.facts.as_ref().map(show).unwrap_or_default();
        rows.push([
            one.path.display().to_string(),
            utc(one.modified.into()),
            of(|f| f.member.clone()),
            of(|f| f.revision.map(|r| r.to_string()).unwrap_or_default()),
            size(one.size),
            of(|f| f.version.clone()),
        ]);
    }
    columns(&rows)
}

fn objects(stored: &[Stored]) -> Vec<Value> {
    let object = |one: &Stored| json!({ "path": one.path, "size": one.size, "modified": utc(one.modified.into()), "snapshot": one.facts });
    stored.iter().map(object).collect()
}

/// Which snapshots to remove.
#[derive(Clone, Debug)]
pub(crate) struct Prune {
    /// The folder.
    pub(crate) dir: PathBuf,
    /// How many are kept.
    pub(crate) keep: Option<usize>,
    /// For how long they are kept.
    pub(crate) age: Option<Duration>,
    /// Remove nothing.
    pub(crate) dry_run: bool,
}

/// Removes old snapshots.
///
/// # Errors
/// When the folder can't be read, or a file not removed.
pub(crate) fn prune(request: &Prune, out: &Printer) -> Result<ExitStatus, Error> {
    let retention = Retention { count: request.keep, age: request.age };
    let now = SystemTime::now();
    let (verb, removed) = match request.dry_run {
        true => ("Would remove", snapshot::expired(&request.dir, retention, now)?),
        false => ("Removed", snapshot::prune(&request.dir, retention, now)?),
    };
    for one in &removed {
        out.log("etcd", format!("{verb} {}", one.path.display()));
    }
    if removed.is_empty() {
        out.log("etcd", "No snapshot is to be removed");
    }
    out.result(json!({ "ok": true, "dryRun": request.dry_run, "removed": objects(&removed) }), "");
    Ok(ExitStatus::Done)
}

/// Verifies snapshots, and all that are in directories.
///
/// # Errors
/// With the first that is not good, and where a directory has none.
pub(crate) fn verify(paths: &[PathBuf], out: &Printer) -> Result<ExitStatus, Error> {
    let mut files = vec![];
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let stored = snapshot::list(path)?;
        if stored.is_empty() {
            let message = format!("there is no snapshot in {}", path.display());
            return Err(Error::new(ExitStatus::Failed, message));
        }
        files.extend(stored.into_iter().map(|stored| stored.path));
    }
    let mut verified = vec![];
    for path in &files {
        let good = snapshot::verify(path)?;
        let revision = good.revision.map_or_else(|| "none".into(), |r| r.to_string());
        out.log("etcd", format!("{} is good: {}, revision {revision}", path.display(), size(good.size)));
        verified.push(
            json!({ "path": path, "size": good.size, "revision": good.revision, "sha256": good.sha256 }),
        );
    }
    out.result(json!({ "ok": true, "snapshots": verified }), "");
    Ok(ExitStatus::Done)
}
