//! CRI-O: absent, half there, or unable to do its work.

use std::fs;
use std::os::unix::net::UnixListener;

use super::fault::{Fault, fault};
use super::midway::LAST_MANIFEST;
use super::scene::{Scene, another_pause, full, put, script, signal};
use crate::runtime::crio::crun;
use crate::runtime::oci::SCRIPT;

const SOCKET: &str = "/var/run/crio/crio.sock";
const STORAGE: &str = "/var/lib/containers/storage";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "crio-stopped",
        "CRI-O is installed and does not run",
        |s| s.node.stop_runtime(),
        &["crio", "does not run|has stopped|not running"],
        &["systemctl start crio|systemctl enable --now crio"],
    ),
    fault(
        "crio-killed",
        "CRI-O was killed, and left its socket",
        |s| {
            signal("KILL", &s.node.processes("crio"));
            std::thread::sleep(std::time::Duration::from_millis(200));
            Ok(())
        },
        &["crio", "has stopped or crashed"],
        &["systemctl start crio"],
    ),
    fault(
        "crio-socket-gone",
        "CRI-O runs, and somebody removed its socket",
        |_| Ok(fs::remove_file(SOCKET)?),
        &["/var/run/crio/crio.sock", "crio runs|crio is running"],
        &["systemctl restart crio"],
    ),
    fault(
        "crio-hangs",
        "CRI-O runs and answers nothing",
        |s| {
            signal("STOP", &s.node.processes("crio"));
            Ok(())
        },
        &["crio.sock", "does not answer"],
        &["systemctl restart crio"],
    ),
    fault(
        "crio-dies",
        "CRI-O dies while the control plane starts, and nobody starts it again",
        |s| {
            let processes = s.node.processes("crio");
            s.once_there(LAST_MANIFEST, move || signal("KILL", &processes));
            Ok(())
        },
        &["container runtime", "does not run|stopped|not running|does not answer"],
        &["systemctl restart crio`"],
    ),
    fault(
        "cri-socket-of-containerd",
        "criSocket names containerd's socket, and the machine has CRI-O",
        |s| {
            s.init("nodeRegistration: {criSocket: unix:///run/containerd/containerd.sock}");
            Ok(())
        },
        &["/run/containerd/containerd.sock", "/var/run/crio/crio.sock"],
        &["--cri-socket unix:///var/run/crio/crio.sock"],
    ),
    fault(
        "two-runtimes",
        "containerd's socket is there beside CRI-O's, and none is named",
        |s| {
            fs::create_dir_all("/run/containerd")?;
            s.keep(UnixListener::bind("/run/containerd/containerd.sock")?);
            Ok(())
        },
        &["/var/run/containerd/containerd.sock", "/var/run/crio/crio.sock"],
        &["--cri-socket|criSocket"],
    )
    .ends(&[2, 3]),
    fault(
        "conmon-missing",
        "conmon is not installed: nothing watches a container",
        |s| s.remove_program("conmon"),
        &["sandbox", "conmon", "missing|not found|no such file"],
        &["install conmon"],
    ),
    fault(
        "crun-missing",
        "crun is not installed: no sandbox can start",
        |s| {
            itself(s)?;
            s.remove_program("crun")
        },
        &["sandbox", "crun", "missing|not found|no such file"],
        &["install crun"],
    ),
    fault(
        "crun-broken",
        "crun ends with an error, whatever it is to do",
        |s| {
            itself(s)?;
            script(
                s,
                "crun",
                "echo 'crun: error while loading shared libraries: libyajl.so.2: cannot open shared object file' >&2; exit 127",
            )
        },
        &["sandbox", "crun", "libyajl.so.2"],
        &["install crun|reinstall"],
    ),
    fault(
        "crun-may-not-lower-oom-score",
        "CRI-O may not set the score by which the kernel kills",
        |s| itself(s),
        &["sandbox", "CAP_SYS_RESOURCE"],
        &["CAP_SYS_RESOURCE"],
    ),
    fault(
        "pinns-missing",
        "pinns, which keeps a Pod's namespaces, is not installed",
        |s| s.remove_program("pinns"),
        &["sandbox", "pinns", "missing|not found|no such file"],
        &["reinstall"],
    ),
    fault(
        "pause-image-of-another-name",
        "CRI-O is configured for a sandbox image that nobody brought",
        |s| another_pause(s, "pause_image = \""),
        &["k8s.gcr.io/pause:3.2", "missing|can't be pulled"],
        &["pause_image = \"registry.k8s.io/pause"],
    ),
    fault(
        "systemd-cgroup-without-systemd",
        "CRI-O manages cgroups through systemd, its default, which does not run here",
        |s| {
            s.node.change_runtime(|text| {
                text.replace("cgroup_manager = \"cgroupfs\"", "cgroup_manager = \"systemd\"")
                    .replace("conmon_cgroup = \"pod\"", "conmon_cgroup = \"system.slice\"")
            })
        },
        &["systemd", "cgroup", "sandbox|driver"],
        &["cgroup_manager = \"cgroupfs\""],
    ),
    fault(
        "registry-blocked",
        "registries.conf blocks the registry, and an image is not here",
        |s| {
            put(
                "/etc/containers/registries.conf.d/10-blocked.conf",
                "[[registry]]\nlocation = \"registry.k8s.io\"\nblocked = true\n",
            )?;
            s.remove_image("kube-scheduler")?;
            s.node.change_runtime(|text| text)
        },
        &["kube-scheduler:v1", "blocked in"],
        &["registries.conf"],
    ),
    fault(
        "policy-missing",
        "there is no policy.json, and an image is not here",
        |s| {
            s.remove_image("kube-scheduler")?;
            Ok(fs::remove_file("/etc/containers/policy.json")?)
        },
        &["kube-scheduler:v1", "policy.json"],
        &["policy.json"],
    ),
    fault(
        "registries-conf-broken",
        "registries.conf can't be read: CRI-O does not start",
        |s| {
            s.node.stop_runtime()?;
            put("/etc/containers/registries.conf", "[[registry]\nlocation = \n")?;
            let _ = s.node.change_runtime(|text| text);
            Ok(())
        },
        &["crio is installed, but not running", "crio logged:", "registries.conf|toml"],
        &["systemctl enable --now crio"],
    ),
    fault(
        "storage-full",
        "the disk on which CRI-O keeps its containers is full",
        |s| {
            s.node.stop_runtime()?;
            full(&format!("{STORAGE}/overlay-containers"))?;
            s.node.change_runtime(|text| text)
        },
        &["sandbox", "no space left|full"],
        &["df -h|free some"],
    ),
];

/// Has CRI-O run crun itself.
fn itself(s: &Scene) -> anyhow::Result<()> {
    s.node.change_runtime(|text| text.replace(SCRIPT, &crun()))
}
