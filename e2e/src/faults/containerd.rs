//! containerd: absent, half there, or unable to do its work.

use std::fs;
use std::os::unix::net::UnixListener;

use super::fault::{Fault, fault};
use super::midway::LAST_MANIFEST;
use super::scene::{another_pause, full, mount, put, script, signal};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "containerd-stopped",
        "containerd is installed and does not run",
        |s| s.node.stop_runtime(),
        &["containerd", "does not run|has stopped|not running"],
        &["systemctl start containerd|systemctl enable --now containerd"],
    ),
    fault(
        "containerd-no-socket",
        "containerd does not run, and left no socket",
        |s| {
            s.node.stop_runtime()?;
            let _ = fs::remove_file("/run/containerd/containerd.sock");
            Ok(())
        },
        &["containerd", "does not run|has stopped|not running"],
        &["systemctl start containerd|systemctl enable --now containerd"],
    ),
    fault(
        "cri-plugin-disabled",
        "containerd's CRI plugin is turned off, as Docker's package ships it",
        |s| s.node.change_runtime(|_| "# As Docker ships it.\ndisabled_plugins = [\"cri\"]\n".to_owned()),
        &["CRI", "turned off|disabled", "config.toml:2"],
        &["disabled_plugins", "systemctl restart containerd"],
    ),
    fault(
        "cri-plugin-fails",
        "a file where the folder of CNI's configuration should be: containerd's CRI plugin does not load",
        |s| {
            s.node.stop_runtime()?;
            fs::remove_dir_all("/etc/cni/net.d")?;
            put("/etc/cni/net.d", "not a folder\n")?;
            s.node.change_runtime(|text| text)
        },
        &["CRI", "plugin", "/etc/cni/net.d|failed to load|does not load"],
        &["/etc/cni/net.d|ctr plugins ls|journalctl -u containerd"],
    ),
    fault(
        "cri-socket-wrong",
        "criSocket names a socket that is not there",
        |s| {
            s.init("nodeRegistration: {criSocket: unix:///run/crio/crio.sock}");
            Ok(())
        },
        &["/run/crio/crio.sock", "/run/containerd/containerd.sock"],
        &["--cri-socket unix:///var/run/containerd/containerd.sock"],
    ),
    fault(
        "cri-socket-of-another",
        "criSocket names a socket at which no CRI runtime answers",
        |s| {
            let listener = UnixListener::bind("/run/docker.sock")?;
            std::thread::spawn(move || {
                for mut stream in listener.incoming().flatten() {
                    use std::io::Write;
                    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
                }
            });
            s.init("nodeRegistration: {criSocket: unix:///run/docker.sock}");
            Ok(())
        },
        &["/run/docker.sock", "CRI|can't be asked|does not answer"],
        &["--cri-socket|criSocket"],
    ),
    fault(
        "runc-missing",
        "runc is not installed: no sandbox can start",
        |s| s.remove_program("runc"),
        &["sandbox", "runc", "missing|not found|can't be run"],
        &["install runc"],
    ),
    fault(
        "runc-broken",
        "runc ends with an error, whatever it is to do",
        |s| {
            script(
                s,
                "runc",
                "echo 'runc: symbol lookup error: undefined symbol: seccomp_init' >&2; exit 127",
            )
        },
        &["sandbox", "runc", "symbol lookup error"],
        &["install runc|reinstall"],
    ),
    fault(
        "shim-missing",
        "containerd's shim is not installed",
        |s| s.remove_program("containerd-shim-runc-v2"),
        &["containerd-shim-runc-v2", "not found|missing"],
        &["install containerd"],
    ),
    fault(
        "systemd-cgroup-without-systemd",
        "the runtime manages cgroups through systemd, which does not run here",
        |s| s.node.change_runtime(|text| text.replace("SystemdCgroup = false", "SystemdCgroup = true")),
        &["systemd", "cgroup", "sandbox|driver"],
        &["SystemdCgroup = false"],
    ),
    fault(
        "oom-score-refused",
        "the runtime may not set the score by which the kernel kills, and is not told so",
        |s| {
            s.node.change_runtime(|t| {
                t.replace("restrict_oom_score_adj = true", "restrict_oom_score_adj = false")
            })
        },
        &["sandbox", "CAP_SYS_RESOURCE"],
        &["restrict_oom_score_adj = true"],
    ),
    fault(
        "sandbox-disk-full",
        "the disk on which containerd keeps its sandboxes is full",
        |s| {
            s.node.stop_runtime()?;
            full("/run/containerd/io.containerd.runtime.v2.task")?;
            s.node.change_runtime(|text| text)
        },
        &["sandbox", "no space left|full"],
        &["df -h|free some"],
    ),
    fault(
        "containerd-root-read-only",
        "the disk on which containerd keeps its containers is read-only",
        |s| {
            s.node.stop_runtime()?;
            let sandboxes = "/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes";
            mount(&["-t", "tmpfs", "-o", "ro", "tmpfs"], sandboxes)?;
            s.node.change_runtime(|text| text)
        },
        &["sandbox", "read-only"],
        &["remount,rw|dmesg"],
    ),
    fault(
        "pause-image-of-another-name",
        "the runtime is configured for a sandbox image that nobody brought",
        |s| another_pause(s, "sandbox = \""),
        &["k8s.gcr.io/pause:3.2", "missing|can't be pulled"],
        &["sandbox = \"registry.k8s.io/pause"],
    ),
    fault(
        "containerd-dies",
        "containerd dies while the control plane starts, and nobody starts it again",
        |s| {
            let processes = s.node.processes("containerd");
            s.once_there(LAST_MANIFEST, move || signal("KILL", &processes));
            Ok(())
        },
        &["containerd|container runtime", "does not run|stopped|not running|nobody listens|gone"],
        &["systemctl start containerd|systemctl restart containerd"],
    ),
];
