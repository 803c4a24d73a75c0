//! `cleanup-node`.

use std::path::{Path, PathBuf};

use super::Reset;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::mounts;
use crate::manifest::Component;
use crate::node::StaticPod;
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// Kubeconfigs that init and join write.
const KUBECONFIGS: [&str; 6] = [
    "admin.conf",
    "super-admin.conf",
    "kubelet.conf",
    "bootstrap-kubelet.conf",
    "controller-manager.conf",
    "scheduler.conf",
];

/// Stops kubelet, removes its Pods and mounts, removes what init and join wrote; tells what it left.
pub(super) fn run(reset: &mut Reset) -> PhaseResult {
    let options = reset.options.clone();
    let run = &mut reset.run;
    // The manifests tell where things are: they are read before they are removed.
    let etcd_data = etcd_data_folder(run);
    let certificates_of_manifests = certificates_folder(run);
    stop_kubelet(run);
    remove_pods(run);
    // A link to another disk is followed: mounts are listed by their real paths.
    let kubelet = run.settings.node.paths.kubelet.clone();
    let real = std::fs::canonicalize(&kubelet).unwrap_or_else(|_| kubelet.clone());
    for point in mounts::below(&real) {
        run.act(Verb::Unmount, point.display().to_string());
        run.host.unmount(&point, options.unmount_flags)?;
    }
    let mut left = vec![];
    let manifests = run.settings.node.paths.manifests.clone();
    empty(run, &manifests, &mut left);
    empty(run, &kubelet, &mut left);
    match etcd_data {
        Ok(Some(folder)) => empty(run, &folder, &mut left),
        Ok(None) => {
            let usual = Path::new("/var/lib/etcd");
            if run.host.exists(&usual.join("member")) {
                run.warn(format!(
                    "keeping {}: it holds etcd data, and no manifest on this machine uses it",
                    usual.display()
                ));
            }
        }
        Err(why) => run.warn(format!("keeping etcd's data: {why}")),
    }
    empty(run, &options.certificates, &mut left);
    if let Some(folder) = certificates_of_manifests.filter(|folder| *folder != options.certificates) {
        run.log(format!(
            "Keeping the certificates and keys in {}, which the manifests name: `kubestrap reset --cert-dir {}` removes them",
            folder.display(),
            folder.display()
        ));
    }
    for name in KUBECONFIGS {
        let path = run.settings.node.paths.kubeconfig(name);
        remove(run, &path, &mut left);
    }
    if options.cleanup_tmp_dir {
        let tmp = run.settings.node.paths.kubeconfig("tmp");
        empty(run, &tmp, &mut left);
    }
    run.log("Keeping what may be yours: the CNI configuration in /etc/cni/net.d, packet filter rules (iptables, nftables, IPVS), and copies of kubeconfigs such as $HOME/.kube/config");
    if left.is_empty() {
        return Ok(Outcome::Done);
    }
    Err(Error::new(
        ExitStatus::Failed,
        format!(
            "could not remove everything:\n  {}\n  fix: resolve these and run `kubestrap reset` again",
            left.join("\n  ")
        ),
    ))
}

fn stop_kubelet(run: &Run) {
    let Some(init) = run.host.init_system() else {
        run.warn(
            "this machine has neither systemd nor OpenRC: stop kubelet yourself, or it starts its Pods again",
        );
        return;
    };
    if !init.state("kubelet").exists {
        return;
    }
    run.act(Verb::Stop, "the kubelet service");
    if let Err(error) = init.stop("kubelet") {
        run.warn(format!("kubelet could not be stopped, so it may start Pods again: {error}"));
    }
}

fn remove_pods(run: &mut Run) {
    match run.runtime.remove_pods() {
        Ok(0) => {}
        Ok(count) => run.act(Verb::Remove, format!("the {count} Pods that kubelet ran")),
        Err(reasons) => {
            for reason in reasons {
                run.warn(format!("could not remove {reason}"));
            }
        }
    }
}

/// Where a local etcd keeps its data, by its manifest; none where there is no manifest.
fn etcd_data_folder(run: &Run) -> Result<Option<PathBuf>, String> {
    let pod = StaticPod::read(&run.settings.node.paths.manifests, Component::Etcd, &*run.host);
    let Some(pod) = pod.map_err(|e| e.to_string())? else { return Ok(None) };
    let folder = pod.host_path("etcd-data");
    folder.map(Some).ok_or_else(|| "etcd's manifest has no volume \"etcd-data\" with a hostPath".into())
}

/// The certificates' folder that kube-apiserver's manifest names.
fn certificates_folder(run: &Run) -> Option<PathBuf> {
    let manifests = &run.settings.node.paths.manifests;
    StaticPod::read(manifests, Component::ApiServer, &*run.host).ok()??.certificates_folder()
}

/// Removes what is in a folder, and keeps the folder: it may be a mount point, or have an owner.
fn empty(run: &mut Run, folder: &Path, left: &mut Vec<String>) {
    let entries = run.host.list(folder).unwrap_or_default();
    if entries.is_empty() {
        return;
    }
    run.act(Verb::Remove, format!("the contents of {}", folder.display()));
    for path in entries {
        take_away(run, &path, left);
    }
}

fn remove(run: &mut Run, path: &Path, left: &mut Vec<String>) {
    if run.host.exists(path) {
        run.act(Verb::Remove, path.display().to_string());
        take_away(run, path, left);
    }
}

fn take_away(run: &mut Run, path: &Path, left: &mut Vec<String>) {
    match run.host.remove_all(path) {
        Ok(()) => run.changes.removed.push(path.to_owned()),
        Err(error) => left.push(error.to_string()),
    }
}
