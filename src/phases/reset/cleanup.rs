//! `cleanup-node`.

use std::path::{Path, PathBuf};

use super::ResetContext;
use crate::host::mounts;
use crate::phases::phase::{Failure, Outcome, PhaseError, PhaseResult};
use crate::pki::table::{CERTIFICATES, SERVICE_ACCOUNT};

const AREA: &str = "reset";

/// Kubeconfigs that init and join write.
const KUBECONFIGS: [&str; 6] = [
    "admin.conf",
    "super-admin.conf",
    "kubelet.conf",
    "bootstrap-kubelet.conf",
    "controller-manager.conf",
    "scheduler.conf",
];

/// Stops kubelet, removes its Pods, takes off its mounts, removes what init and join wrote; says what it left.
pub(super) fn run(context: &mut ResetContext) -> PhaseResult {
    let etcd = context.etcd_data_dir();
    context.out.log(AREA, "Stopping kubelet");
    if let Some(init) = context.host.init_system() {
        if let Err(error) = init.stop("kubelet") {
            context
                .out
                .warn(AREA, format!("kubelet could not be stopped, so it may start Pods again: {error}"));
        }
    } else {
        context.out.warn(
            AREA,
            "no systemd and no OpenRC here: stop kubelet yourself first, or it starts its Pods again",
        );
    }
    remove_pods(context);
    unmount(context)?;
    let mut left = vec![];
    let manifests = context.paths.manifests.clone();
    empty(context, &manifests, &mut left);
    let kubelet = context.paths.kubelet.clone();
    empty(context, &kubelet, &mut left);
    match etcd {
        Some(dir) => empty(context, &dir, &mut left),
        None => {
            let usual = Path::new("/var/lib/etcd");
            if usual.join("member").exists() {
                context.out.warn(
                    AREA,
                    format!(
                        "{} holds data of an etcd that no manifest here is for: it stays",
                        usual.display()
                    ),
                );
            }
        }
    }
    certificates(context, &mut left);
    for name in KUBECONFIGS {
        let path = context.paths.kubeconfig(name);
        remove(context, &path, &mut left);
    }
    if context.cleanup_tmp_dir {
        let tmp = context.paths.kubeconfig("tmp");
        empty(context, &tmp, &mut left);
    }
    context.out.log(AREA, "Left as they are, since they may be yours: the CNI plugin's configuration (/etc/cni/net.d), packet filter rules (iptables, nftables, IPVS), and copies of kubeconfigs ($HOME/.kube/config)");
    if left.is_empty() {
        return Ok(Outcome::Done);
    }
    Err(PhaseError::new(
        Failure::Failed,
        format!(
            "not everything could be removed:\n  {}\n  fix: see to the reasons and run `kubestrap reset` again",
            left.join("\n  ")
        ),
    ))
}

fn remove_pods(context: &mut ResetContext) {
    context.out.log(AREA, "Removing kubelet's Pods");
    match context.pods.remove_all() {
        Ok(0) => {}
        Ok(count) => context.out.log(AREA, format!("Removed {count} Pods")),
        Err(reasons) => {
            for reason in reasons {
                context.out.warn(AREA, format!("not removed: {reason}"));
            }
        }
    }
}

fn unmount(context: &ResetContext) -> PhaseResult {
    // A link to another disk is followed: mounts are listed by their real paths.
    let dir = std::fs::canonicalize(&context.paths.kubelet).unwrap_or_else(|_| context.paths.kubelet.clone());
    for point in mounts::below(&dir) {
        context.out.log(AREA, format!("Unmounting {}", point.display()));
        if !context.dry_run {
            mounts::take_off(&point, context.unmount_flags)?;
        }
    }
    Ok(Outcome::Done)
}

/// Removes what is in a folder, and keeps the folder: it may be a mount point, or have an owner.
fn empty(context: &ResetContext, dir: &Path, left: &mut Vec<String>) {
    let entries = context.host.list(dir).unwrap_or_default();
    if entries.is_empty() {
        return;
    }
    context.out.log(AREA, format!("Removing what is in {}", dir.display()));
    for path in entries {
        remove(context, &path, left);
    }
}

fn certificates(context: &ResetContext, left: &mut Vec<String>) {
    let dir = context.paths.certificates.clone();
    if context.default_certificates {
        return empty(context, &dir, left);
    }
    // A folder of the user's own may hold more than ours.
    context.out.log(
        AREA,
        format!("Removing our certificates and keys in {}; what else is there stays", dir.display()),
    );
    let files =
        CERTIFICATES.iter().flat_map(|row| ["crt", "key"].map(|ending| format!("{}.{ending}", row.base)));
    let own: Vec<PathBuf> = files
        .chain([SERVICE_ACCOUNT.private_key.to_owned(), SERVICE_ACCOUNT.public_key.to_owned()])
        .map(|f| dir.join(f))
        .collect();
    for path in own.into_iter().filter(|p| context.host.exists(p)) {
        remove(context, &path, left);
    }
}

fn remove(context: &ResetContext, path: &Path, left: &mut Vec<String>) {
    if context.dry_run {
        return context.out.log(AREA, format!("Would remove {}", path.display()));
    }
    let Ok(meta) = std::fs::symlink_metadata(path) else { return };
    let result = if meta.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    if let Err(error) = result {
        left.push(format!("{}: {error}", path.display()));
    }
}
