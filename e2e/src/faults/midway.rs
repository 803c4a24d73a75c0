//! What goes wrong while init runs, and time-outs.

use std::fs;

use super::fault::{Fault, fault};
use crate::command::check;

pub(super) const LAST_MANIFEST: &str = "/etc/kubernetes/manifests/kube-scheduler.yaml";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "kubelet-is-stopped",
        "somebody stops kubelet while the control plane starts",
        |s| {
            s.once_there("/var/lib/kubelet/pods", || {
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
            s.once_there(LAST_MANIFEST, || {
                let _ = fs::remove_file(LAST_MANIFEST);
            });
            Ok(())
        },
        &["kube-scheduler.yaml", "gone|removed|missing|not there"],
        &["kubestrap init|same command again"],
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
