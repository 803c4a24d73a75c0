//! The workflow of `restore`: the archive of a backup becomes the cluster again, on a fresh machine.
//!
//! It is `init`'s with the archive before it: the archive gives the CAs, the keys of service accounts, the files that
//! static Pods mount, and etcd's data. What bears the node's name or address is generated again, by the phases of `init`.

mod edited;
mod etcd;
mod files;
mod finish;
mod progress;

use crate::backup::Archive;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::manifest::Component;
use crate::phases::bootstrap_token::{self, Tokens};
use crate::phases::etcd_data::refuse_newer;
use crate::phases::{
    addon, certs, kubeconfig, kubelet_finalize, kubelet_start, mark_control_plane, preflight, static_pods,
    upload_config, wait_control_plane,
};
use crate::workflow::{Phase, PhaseResult, Run, Workflow};
use progress::Progress;

/// What restore's phases work on.
pub(crate) struct Restore {
    /// What the shared phases work on.
    pub(crate) run: Run,
    /// The backup.
    pub(crate) archive: Archive,
}

impl AsMut<Run> for Restore {
    fn as_mut(&mut self) -> &mut Run {
        &mut self.run
    }
}

/// The table, in the order of running.
pub(crate) fn workflow() -> Workflow<Restore> {
    let phases = vec![
        Phase::new("preflight", "Run pre-flight checks", check),
        Phase::new("files", "Write the CAs, keys and mounted files of the archive", files::write),
        Phase::group("certs", "Generate the certificates and keys that are missing", certs::phases()),
        Phase::group("kubeconfig", "Write the kubeconfig files that are missing", kubeconfig::phases()),
        Phase::new("etcd-data", "Restore etcd's data from the snapshot in the archive", etcd::make_data),
        Phase::shared("etcd", "Write the static Pod manifest for a local etcd", static_pods::etcd),
        Phase::group(
            "control-plane",
            "Write the static Pod manifests for the control plane",
            static_pods::phases(),
        ),
        Phase::new("static-pods", "Write the other static Pods of the archive", files::write_other_pods),
        Phase::shared(
            "kubelet-start",
            "Write kubelet's configuration and start kubelet",
            kubelet_start::write_and_start,
        ),
        Phase::shared(
            "wait-control-plane",
            "Wait for the control plane to become healthy",
            wait_control_plane::wait,
        ),
        Phase::group(
            "upload-config",
            "Store the kubeadm and kubelet configuration in ConfigMaps",
            upload_config::phases(),
        ),
        Phase::shared(
            "mark-control-plane",
            "Mark this node as a control-plane node",
            mark_control_plane::mark,
        ),
        Phase::shared("cluster-info", "Store this API server's address for joining nodes", |run| {
            bootstrap_token::store(run, &mut Tokens::default())
        }),
        Phase::group(
            "kubelet-finalize",
            "Update kubelet's settings after its TLS bootstrap",
            kubelet_finalize::phases(),
        ),
        Phase::group(
            "addon",
            "Update the addons",
            vec![Phase::shared("kube-proxy", "Update kube-proxy", addon::kube_proxy)],
        ),
        Phase::new("finish", "Print what is left to do", finish::run),
    ];
    Workflow { name: "restore", phases, moved: &[] }
}

/// Whether the archive can be restored on this machine, before anything is written.
fn check(restore: &mut Restore) -> PhaseResult {
    let Restore { run, archive } = restore;
    let progress = Progress::read(run)?;
    let etcd = &run.settings.cluster.config.etcd;
    let refused = |message: String| Err(Error::new(ExitStatus::Preflight, message));
    if etcd.local.is_some() && archive.manifest.snapshot.is_none() {
        return refused(
            "the archive has no snapshot of etcd: it was made where etcd is external\n  fix: restore etcd where it runs, and give its endpoints in etcd.external of --config".into(),
        );
    }
    match progress {
        Some(progress) if progress.archive == archive.manifest.id => {
            run.log("Going on with the restore of this archive that was interrupted");
            etcd::remove_leftovers(run)?;
        }
        Some(_) => {
            return refused(format!(
                "the restore of another archive was interrupted on this machine ({})\n  fix: finish that one, or start afresh: `kubestrap reset`, then remove that file",
                Progress::path(run).display()
            ));
        }
        None => {
            let manifests = &run.settings.node.paths.manifests;
            let stands = Component::ALL.iter().map(|c| manifests.join(c.file())).find(|p| run.host.exists(p));
            if let Some(manifest) = stands {
                return refused(format!(
                    "this machine has a control plane already: {} exists\n  fix: restore on a fresh machine, or give this one up with `kubestrap reset`; to go back to a snapshot on this machine, use `kubestrap etcd snapshot restore`",
                    manifest.display()
                ));
            }
        }
    }
    if let (Some(facts), true) = (&archive.manifest.snapshot, etcd.local.is_some()) {
        refuse_newer(&facts.version, &run.settings.etcd_image(), "the snapshot in the archive")?;
    }
    files::refuse_others(run, archive)?;
    preflight::check_and_pull(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etcd_s_data_are_in_place_before_its_manifest_and_kubelet_comes_last() {
        let order = workflow().leaves();
        let place = |id: &str| order.iter().position(|o| o == id).unwrap();
        let wanted = ["files", "certs/ca", "etcd-data", "etcd", "control-plane/apiserver", "kubelet-start"];
        assert!(wanted.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{order:?}");
        assert_eq!((place("preflight"), order.last().map(String::as_str)), (0, Some("finish")));
    }
}
