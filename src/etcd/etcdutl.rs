//! `etcdutl snapshot restore`, as a job in a container of etcd's own image: only the etcd of a version knows how its
//! data directory is made.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::cri::{ContainerJob, CriError, JobEnd, JobMount};

/// The program in etcd's images, from 3.5 on.
const PROGRAM: &str = "/usr/local/bin/etcdutl";
/// By how much the revision is raised: clients that have seen later revisions than the snapshot's must not take new
/// ones for old. No cluster writes as much between a snapshot and its restore.
const BUMP: &str = "1000000000";
/// How long it may take: a database of 8 GiB, etcd's largest advisable size, on a slow disk.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// Where the container finds the snapshot, and the directory to write to.
const SNAPSHOT: &str = "/snapshot.db";
const TARGET: &str = "/target";
/// The data directory in the target: etcdutl wants one that does not exist.
const DATA: &str = "data";

/// A data directory to make.
#[derive(Clone, Debug)]
pub(crate) struct NewData<'a> {
    /// etcd's image.
    pub(crate) image: &'a str,
    /// The snapshot, or a copy of a database.
    pub(crate) snapshot: &'a Path,
    /// It is a copy of a database, without a hash behind it.
    pub(crate) unhashed: bool,
    /// The directory to make it in, empty.
    pub(crate) target: &'a Path,
    /// The member's name.
    pub(crate) name: &'a str,
    /// The member's peer URLs, separated by commas.
    pub(crate) peer_urls: &'a str,
    /// `name=URL` of the only member.
    pub(crate) initial_cluster: &'a str,
    /// Tells this cluster from the one before: members of the old one can't talk to it.
    pub(crate) token: &'a str,
}

/// Why there is no data directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EtcdutlError {
    /// The container could not be run.
    #[error(
        "etcdutl of {image} can't be run: {source}\n  fix: check the container runtime with `kubestrap preflight`, and that the image is there: `crictl pull {image}`"
    )]
    Runtime {
        /// The image.
        image: String,
        /// What the runtime said.
        source: CriError,
    },
    /// The image has no etcdutl.
    #[error(
        "the image {image} has no {PROGRAM}\n  cause: etcd's images have it from 3.5 on; this one is older, or was made by somebody else\n  fix: use an image of etcd that has it (etcd.local.imageRepository and imageTag of the ClusterConfiguration)"
    )]
    NoProgram {
        /// The image.
        image: String,
    },
    /// The disk is full.
    #[error(
        "etcdutl could not write the data: no space left on the file system of {}\n  fix: free space there (`df -h` shows how much), or mount a larger disk", target.display()
    )]
    DiskFull {
        /// Where it wrote.
        target: PathBuf,
    },
    /// The snapshot is no snapshot.
    #[error(
        "etcdutl refuses {}: {reason}\n  fix: use another snapshot (`kubestrap etcd snapshot list`); a copy of etcd's file member/snap/db has no hash: restore it with --skip-hash-check", snapshot.display()
    )]
    Refused {
        /// The snapshot.
        snapshot: PathBuf,
        /// What it says.
        reason: String,
    },
    /// It failed in another way.
    #[error("etcdutl exited with code {exit_code}: {reason}")]
    Failed {
        /// Its exit code.
        exit_code: i32,
        /// Its last words.
        reason: String,
    },
}

impl NewData<'_> {
    /// The job that makes it. `bump` raises the revision, which etcdutl can from 3.5.8 on.
    pub(crate) fn job(&self, bump: bool) -> ContainerJob {
        let mut command: Vec<String> = [PROGRAM, "snapshot", "restore", SNAPSHOT].map(str::to_owned).into();
        command.extend([
            format!("--data-dir={TARGET}/{DATA}"),
            format!("--name={}", self.name),
            format!("--initial-cluster={}", self.initial_cluster),
            format!("--initial-advertise-peer-urls={}", self.peer_urls),
            format!("--initial-cluster-token={}", self.token),
        ]);
        if self.unhashed {
            command.push("--skip-hash-check".into());
        }
        if bump {
            command.extend([format!("--bump-revision={BUMP}"), "--mark-compacted".into()]);
        }
        let mount = |host: &Path, container: &str, read_only| JobMount {
            host: host.to_owned(),
            container: container.into(),
            read_only,
        };
        ContainerJob {
            name: "etcdutl".into(),
            image: self.image.to_owned(),
            command,
            mounts: vec![mount(self.snapshot, SNAPSHOT, true), mount(self.target, TARGET, false)],
            limit: LIMIT,
        }
    }

    /// The folder `member` that it makes, on this machine.
    pub(crate) fn member(&self) -> PathBuf {
        self.target.join(DATA).join("member")
    }

    /// Runs the job; again without raising the revision where this etcdutl can't. Tells whether it was raised.
    ///
    /// # Errors
    /// When etcdutl can't be run or fails.
    pub(crate) fn make(
        &self,
        mut run: impl FnMut(&ContainerJob) -> Result<JobEnd, CriError>,
    ) -> Result<bool, EtcdutlError> {
        for bump in [true, false] {
            let end = run(&self.job(bump)).map_err(|error| self.of_runtime(error))?;
            if end.exit_code == 0 {
                return Ok(bump);
            }
            let knows_not = end.output.iter().any(|line| line.contains("unknown flag: --bump-revision"));
            if !(bump && knows_not) {
                return Err(self.of_end(&end));
            }
        }
        Ok(false)
    }

    fn of_runtime(&self, source: CriError) -> EtcdutlError {
        let image = self.image.to_owned();
        let words = source.to_string();
        // runc's words, and crun's.
        let missing = words.contains("no such file or directory") || words.contains("executable file");
        if source.call == "StartContainer" && missing && words.contains("etcdutl") {
            EtcdutlError::NoProgram { image }
        } else {
            EtcdutlError::Runtime { image, source }
        }
    }

    fn of_end(&self, end: &JobEnd) -> EtcdutlError {
        let all = end.output.join("\n");
        let last = |line: &&String| !line.trim().is_empty() && !line.starts_with("Usage");
        let said = end.output.iter().rev().find(|line| line.starts_with("Error:"));
        let said = said.or(end.output.iter().rev().find(last)).cloned().unwrap_or_default();
        let reason = said.strip_prefix("Error:").unwrap_or(&said).trim().to_owned();
        if all.contains("no space left on device") {
            EtcdutlError::DiskFull { target: self.target.to_owned() }
        } else if all.contains("hash") || all.contains("snapshot") && all.contains("corrupt") {
            EtcdutlError::Refused { snapshot: self.snapshot.to_owned(), reason }
        } else {
            EtcdutlError::Failed { exit_code: end.exit_code, reason }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::cri::CriCause;

    fn new_data() -> NewData<'static> {
        NewData {
            image: "r/etcd:3.6.8-0",
            snapshot: Path::new("/s.db"),
            unhashed: false,
            target: Path::new("/var/lib/etcd/new"),
            name: "n1",
            peer_urls: "https://10.0.0.1:2380",
            initial_cluster: "n1=https://10.0.0.1:2380",
            token: "t1",
        }
    }

    fn ended(exit_code: i32, line: &str) -> JobEnd {
        JobEnd { exit_code, output: vec![line.to_owned()] }
    }

    #[test]
    fn revision_is_raised_unless_etcdutl_is_too_old_for_it() {
        let mut commands = vec![];
        let raised = new_data().make(|job| {
            commands.push(job.command.clone());
            Ok(match commands.len() {
                1 => ended(1, "Error: unknown flag: --bump-revision"),
                _ => ended(0, ""),
            })
        });
        assert!(!raised.unwrap());
        let bumps = |command: &[String]| command.iter().any(|word| word == "--bump-revision=1000000000");
        assert_eq!((bumps(&commands[0]), bumps(&commands[1])), (true, false));
        assert!(new_data().make(|_| Ok(ended(0, ""))).unwrap());
    }

    #[test]
    fn each_failure_names_its_cause() {
        let words = |end: JobEnd| new_data().make(|_| Ok(end.clone())).unwrap_err().to_string();
        let full = words(ended(1, "write /target/data/member/snap/db: no space left on device"));
        assert!(full.contains("no space left on the file system of /var/lib/etcd/new"), "{full}");
        let hash = words(ended(1, "Error: expected sha256 [1], got [2]: hash"));
        assert!(hash.contains("/s.db: expected sha256") && hash.contains("--skip-hash-check"), "{hash}");
        let other = words(ended(2, "Error: something else"));
        assert_eq!(other, "etcdutl exited with code 2: something else");
        let error = |call, message: &str| CriError {
            endpoint: "unix:///x.sock".parse().unwrap(),
            call,
            cause: CriCause::Rpc { code: tonic::Code::Unknown, message: message.into() },
        };
        let runtime = |call, message: &'static str| {
            new_data().make(|_| Err(error(call, message))).unwrap_err().to_string()
        };
        let missing =
            "exec: \"/usr/local/bin/etcdutl\": stat /usr/local/bin/etcdutl: no such file or directory";
        assert!(runtime("StartContainer", missing).contains("has no /usr/local/bin/etcdutl"));
        assert!(runtime("RunPodSandbox", "no cgroup").contains("kubestrap preflight"));
    }
}
