//! What goes wrong while init runs, and time-outs.

use std::fs;

use super::fault::{Fault, fault};
use crate::command::check;

const LAST_MANIFEST: &str = "/etc/kubernetes/manifests/kube-scheduler.yaml";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "containerd-dies",
        "containerd dies while the control plane starts, and nobody starts it again",
        |s| {
            let processes = s.node.processes("containerd");
            s.once_there(LAST_MANIFEST, move || {
                for pid in processes {
                    let _ = check("kill", &["-KILL", &pid.to_string()]);
                }
            });
            Ok(())
        },
        &["containerd|container runtime", "does not run|stopped|not running|nobody listens|gone"],
        &["systemctl start containerd|systemctl restart containerd"],
    ),
    fault(
        "kubelet-is-stopped",
        "somebody stops kubelet while the control plane starts",
        |s| {
            s.once_there("/var/lib/kubelet/pki/kubelet.crt", || {
                let _ = check("systemctl", &["stop", "kubelet"]);
            });
            Ok(())
        },
        &["kubelet", "stopped|does not run|not running|inactive"],
        &["systemctl start kubelet"],
    ),
    fault(
        "manifest-removed",
        "somebody removes kube-scheduler's manifest while init waits",
        |s| {
            s.once_there("/var/lib/kubelet/config.yaml", || {
                let _ = fs::remove_file(LAST_MANIFEST);
            });
            Ok(())
        },
        &["kube-scheduler.yaml", "gone|removed|missing|not there"],
        &["kubestrap init"],
    )
    .ends(&[1, 4]),
    fault(
        "timeout-too-short",
        "the time-out is shorter than any control plane needs",
        |s| {
            s.init("timeouts: {controlPlaneComponentHealthCheck: 1s}");
            Ok(())
        },
        &["still starting|not healthy yet", "time-out"],
        &["controlPlaneComponentHealthCheck"],
    ),
];
