//! `cleanup-node`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::removal::{all_removed, empty, remove};
use super::{Reset, etcd};
use crate::config::Profile;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{UnmountFlags, mounts};
use crate::manifest::Component;
use crate::node::StaticPod;
use crate::workflow::{PhaseResult, Run, Verb};

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
    let etcd_data = reset.etcd_data.take();
    let run = &mut reset.run;
    // The manifests tell where things are: they are read before they are removed.
    let kept_data = etcd::data_folder(run).ok().flatten().filter(|folder| etcd_data.as_ref() != Some(folder));
    let certificates_of_manifests = certificates_folder(run);
    stop_kubelet(run);
    remove_pods(run);
    // A link to another disk is followed: mounts are listed by their real paths.
    let kubelet = run.settings.node.paths.kubelet.clone();
    let real = std::fs::canonicalize(&kubelet).unwrap_or_else(|_| kubelet.clone());
    for point in mounts::below(&real) {
        unmount(run, &point, options.unmount_flags)?;
    }
    let mut left = vec![];
    let manifests = run.settings.node.paths.manifests.clone();
    empty(run, &manifests, &mut left);
    empty(run, &kubelet, &mut left);
    if let Some(folder) = etcd_data {
        empty(run, &folder, &mut left);
    }
    if let Some(folder) = kept_data {
        run.log(format!(
            "Keeping etcd's data in {}: the phase remove-etcd-member removes them",
            folder.display()
        ));
    }
    let certificates = run.settings.node.paths.certificates.clone();
    empty(run, &certificates, &mut left);
    if let Some(folder) = certificates_of_manifests.filter(|folder| *folder != certificates) {
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
    if run.host.exists(Path::new(Profile::DIR)) {
        run.log(format!(
            "Keeping {}: without its encryption key no snapshot of etcd can be read; remove it when none is needed any more",
            Profile::DIR
        ));
    }
    run.log("Keeping what may be yours: the CNI configuration in /etc/cni/net.d, packet filter rules (iptables, nftables, IPVS), and copies of kubeconfigs such as $HOME/.kube/config");
    all_removed(&left)
}

/// Unmounts a mount point below kubelet's folder. One that has gone with the mount that it was in is none.
fn unmount(run: &Run, point: &Path, flags: UnmountFlags) -> Result<(), Error> {
    run.act(Verb::Unmount, point.display().to_string());
    let Err(error) = run.host.unmount(point, flags) else { return Ok(()) };
    match error.source.as_ref().map(std::io::Error::kind) {
        Some(ErrorKind::InvalidInput | ErrorKind::NotFound) => {
            run.warn(format!("{} is not a mount point any more: {error}", point.display()));
            Ok(())
        }
        Some(ErrorKind::ResourceBusy) if !flags.contains(UnmountFlags::DETACH) => Err(Error::new(
            ExitStatus::Failed,
            format!(
                "{error}\n  fix: stop what uses it (`fuser -vm {}` tells), or detach it with `unmountFlags: [MNT_DETACH]` in a ResetConfiguration, and run `kubestrap reset --config FILE`",
                point.display()
            ),
        )),
        _ => Err(error.into()),
    }
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
    // With systemd, kubelet's package has it enabled; OpenRC starts it at boot because init said so.
    if init.name() == "OpenRC"
        && let Err(error) = init.disable("kubelet")
    {
        run.warn(format!("kubelet would start at boot: {error}"));
    }
}

fn remove_pods(run: &mut Run) {
    match run.runtime.remove_pods() {
        Ok(0) => {}
        Ok(count) => run.act(Verb::Remove, format!("the {count} Pods that kubelet ran")),
        Err(reasons) => {
            for reason in reasons {
                run.warn(format!("could not remove kubelet's Pods: {reason}"));
            }
        }
    }
}

/// The certificates' folder that kube-apiserver's manifest names.
fn certificates_folder(run: &Run) -> Option<PathBuf> {
    let manifests = &run.settings.node.paths.manifests;
    StaticPod::read(manifests, Component::ApiServer, &*run.host).ok()??.certificates_folder()
}
