//! etcd's data on this node, made from a snapshot, put in place, and put back.
//!
//! What was there is moved aside within the data directory, which may be a mount point: nothing is ever overwritten.

use std::path::{Path, PathBuf};

use crate::config::etcd_version;
use crate::error::Error;
use crate::etcd::NewData;
use crate::exit_status::ExitStatus;
use crate::node::LocalEtcd;
use crate::workflow::{Run, Verb};

/// What etcd keeps its data in, below its data directory.
const MEMBER: &str = "member";
/// How the names of the directories begin that data are made in.
const NEW: &str = "restore-";
/// How the names of data begin that were moved aside.
const OLD: &str = "member-before-restore-";
/// How much more than the snapshot must fit on the disk: the write-ahead log, of which etcd allocates 64 MB at once.
const ROOM: u64 = 128 << 20;

/// What data are made from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The snapshot, or a copy of a database.
    pub(crate) path: PathBuf,
    /// It is a copy of a database, without a hash behind it.
    pub(crate) unhashed: bool,
    /// Its size in bytes.
    pub(crate) size: u64,
}

/// Data that were made and are not in place yet.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    dir: PathBuf,
    member: PathBuf,
    stamp: String,
}

/// Data that were put in place.
#[derive(Clone, Debug)]
pub(crate) struct InPlace {
    /// Where the data that were there before are now, if there were any.
    pub(crate) before: Option<PathBuf>,
}

/// Makes data for a member from a source, beside those that are there.
///
/// # Errors
/// When there is no room, or etcdutl can't be run or fails; then nothing is left of it.
pub(crate) fn make(run: &mut Run, member: &LocalEtcd, source: &Source, stamp: &str) -> Result<Made, Error> {
    remove_unfinished(run, &member.data)?;
    check_room(run, &member.data, source.size)?;
    let dir = member.data.join(format!("{NEW}{stamp}"));
    run.host.make_dir(&dir, 0o700)?;
    run.act(
        Verb::Generate,
        format!("etcd data from {} with etcdutl of {}", source.path.display(), member.image),
    );
    let initial_cluster = member.initial_cluster();
    let token = format!("kubestrap-{stamp}");
    let new = NewData {
        image: &member.image,
        snapshot: &source.path,
        unhashed: source.unhashed,
        target: &dir,
        name: &member.name,
        peer_urls: &member.peer_urls,
        initial_cluster: &initial_cluster,
        token: &token,
    };
    match new.make(|job| run.runtime.run_to_end(job)) {
        Ok(true) => {}
        Ok(false) => run.warn(
            "this etcdutl can't raise the revision: clients that have seen later revisions may miss changes until they are restarted (kubelets, and what watches the API)",
        ),
        Err(error) => {
            run.host.remove_all(&dir)?;
            return Err(Error::from_source(ExitStatus::Failed, error));
        }
    }
    Ok(Made { member: new.member(), dir, stamp: stamp.to_owned() })
}

/// Removes what interrupted runs left that made data.
///
/// # Errors
/// When it can't be removed.
pub(crate) fn remove_unfinished(run: &Run, data: &Path) -> Result<(), Error> {
    let is_unfinished =
        |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(NEW));
    let all = run.host.list(data)?;
    all.iter().filter(is_unfinished).try_for_each(|path| Ok(run.host.remove_all(path)?))
}

/// Refuses data of a newer minor version of etcd than an image has.
///
/// # Errors
/// When they are newer.
pub(crate) fn refuse_newer(version: &str, image: &str, what: &str) -> Result<(), Error> {
    let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
    let minor = |version| etcd_version(version).map(|(major, minor, _)| (major, minor));
    match (minor(version), minor(tag)) {
        (Some(data), Some(program)) if data > program => {
            let message = format!(
                "{what} was taken from etcd {version}, and etcd of this node is {image}\n  cause: etcd can't read the data of a newer minor version\n  fix: restore it with the version of Kubernetes that it was taken from, or set etcd.local.imageTag to an etcd of {}.{}",
                data.0, data.1
            );
            Err(Error::new(ExitStatus::Failed, message))
        }
        _ => Ok(()),
    }
}

fn check_room(run: &Run, data: &Path, size: u64) -> Result<(), Error> {
    // Where the system can't tell, etcdutl will.
    let Ok(disk) = run.machine.disk(data) else { return Ok(()) };
    let needed = size.saturating_add(ROOM);
    if disk.bytes_free >= needed || !run.watch.waits() {
        return Ok(());
    }
    let message = format!(
        "{} has {} MiB left, and the restored data need {} MiB beside those that are there\n  fix: free space on {}, or mount a larger disk at {}",
        data.display(),
        disk.bytes_free >> 20,
        needed >> 20,
        disk.mount_point.display(),
        data.display()
    );
    Err(Error::new(ExitStatus::Failed, message))
}

/// Puts data that were made in place; etcd must not run. Those that were there are moved aside.
///
/// Where there were some, there are some at any moment: an etcd that kubelet started without data would begin an empty
/// cluster.
///
/// # Errors
/// When something can't be moved; then what was there is in place.
pub(crate) fn put_in_place(run: &mut Run, data: &Path, made: &Made) -> Result<InPlace, Error> {
    let member = data.join(MEMBER);
    let mut before = None;
    if run.host.exists(&member) {
        let aside = data.join(format!("{OLD}{}", made.stamp));
        run.act(Verb::Move, format!("{} to {}", member.display(), aside.display()));
        run.host.rename(&made.member, &aside)?;
        if let Err(error) = run.host.exchange(&aside, &member) {
            run.host.rename(&aside, &made.member)?;
            return Err(error.into());
        }
        before = Some(aside);
    } else {
        run.host.rename(&made.member, &member)?;
    }
    run.host.remove_all(&made.dir)?;
    Ok(InPlace { before })
}

/// Removes data that were made and are not put in place.
///
/// # Errors
/// When they can't be removed.
pub(crate) fn discard(run: &Run, made: &Made) -> Result<(), Error> {
    Ok(run.host.remove_all(&made.dir)?)
}

/// Puts the data back that were there before, and removes those that had been put in place; etcd must not run. Where
/// there were none before, those in place stay.
///
/// # Errors
/// When something can't be moved.
pub(crate) fn put_back(run: &Run, data: &Path, in_place: &InPlace) -> Result<(), Error> {
    let Some(before) = &in_place.before else { return Ok(()) };
    let member = data.join(MEMBER);
    if !run.host.exists(&member) {
        return Ok(run.host.rename(before, &member)?);
    }
    let failed = data.join(format!("{NEW}failed"));
    run.host.remove_all(&failed)?;
    run.host.exchange(before, &member)?;
    run.host.rename(before, &failed)?;
    Ok(run.host.remove_all(&failed)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::host::RealHost;
    use crate::workflow::Run;

    fn member(data: &Path) -> LocalEtcd {
        LocalEtcd {
            name: "n1".into(),
            peer_urls: "https://10.0.0.1:2380".into(),
            data: data.to_owned(),
            image: "r/etcd:3.6.8-0".into(),
            others: vec![],
        }
    }

    /// A run whose files are real, and whose runtime makes nothing; what etcdutl would make is made here.
    fn made(run: &mut Run, data: &Path, text: &str) -> Made {
        let source = Source { path: "/s.db".into(), unhashed: false, size: 0 };
        let made = make(run, &member(data), &source, "T").unwrap();
        std::fs::create_dir_all(&made.member).unwrap();
        std::fs::write(made.member.join("db"), text).unwrap();
        made
    }

    fn run() -> Run {
        let mut run = Run::for_tests();
        run.host = Arc::new(RealHost::of_files());
        run
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn old_data_are_moved_aside_and_put_back() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        std::fs::create_dir(data.join("member")).unwrap();
        std::fs::write(data.join("member/db"), "old").unwrap();
        std::fs::create_dir(data.join("restore-of-a-killed-run")).unwrap();
        let mut run = run();
        let made = made(&mut run, data, "new");
        let in_place = put_in_place(&mut run, data, &made).unwrap();
        assert_eq!(names(data), ["member", "member-before-restore-T"]);
        let db = || std::fs::read_to_string(data.join("member/db")).unwrap();
        assert_eq!(db(), "new");
        put_back(&run, data, &in_place).unwrap();
        assert_eq!((names(data), db().as_str()), (vec!["member".to_owned()], "old"));
    }

    #[test]
    fn data_that_can_not_be_put_in_place_leave_the_old_ones() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        std::fs::create_dir(data.join("member")).unwrap();
        let mut run = run();
        let made = made(&mut run, data, "new");
        std::fs::remove_dir_all(&made.member).unwrap();
        put_in_place(&mut run, data, &made).unwrap_err();
        assert_eq!(names(data), ["member", "restore-T"]);
    }

    #[test]
    fn newer_data_are_refused_with_the_fix() {
        let check = |version, image| refuse_newer(version, image, "/s.db").map_err(|e| e.message);
        assert_eq!(check("3.6.8", "registry.k8s.io/etcd:3.6.5-0"), Ok(()));
        assert_eq!(check("3.5.24", "registry.k8s.io/etcd:3.6.5-0"), Ok(()));
        assert_eq!(check("", "registry.k8s.io/etcd@sha256:1"), Ok(()), "not known: etcdutl tells");
        let error = check("3.6.8", "registry.k8s.io/etcd:3.5.24-0").unwrap_err();
        assert!(error.contains("cause: etcd can't read") && error.contains("an etcd of 3.6"), "{error}");
    }
}
