//! What runtimes say when they can't start a sandbox, and what it means.

use crate::host::cri::KnownRuntime;

/// What a runtime's words mean.
pub(crate) struct Rule {
    /// Any of these in its words.
    pub(crate) marks: &'static [&'static str],
    pub(crate) cause: &'static str,
    /// In it `{runtime}` stands for the runtime's service, `{config}` for its configuration, and `{sandbox_image}`,
    /// `{systemd_cgroups}`, `{own_cgroups}` for what it calls these settings.
    fix: &'static str,
    /// It is the image, of which SandboxImage tells.
    pub(crate) about_image: bool,
}

impl Rule {
    /// The fix on a machine with this runtime.
    pub(crate) fn fix_for(&self, known: &KnownRuntime) -> String {
        self.fix
            .replace("{runtime}", known.service)
            .replace("{config}", known.config)
            .replace("{sandbox_image}", known.sandbox_image)
            .replace("{systemd_cgroups}", known.systemd_cgroups)
            .replace("{own_cgroups}", known.own_cgroups)
    }
}

const fn rule(marks: &'static [&'static str], cause: &'static str, fix: &'static str) -> Rule {
    Rule { marks, cause, fix, about_image: false }
}

/// The first that fits counts.
pub(crate) static RULES: &[Rule] = &[
    Rule {
        marks: &["sandbox image", "failed to pull image", "failed to resolve reference", "ErrImagePull"],
        cause: "its sandbox (pause) image is not here and can't be pulled",
        fix: "pull or import that image, or name one that is here as {sandbox_image} in {config}",
        about_image: true,
    },
    rule(
        &["oom_score_adj", "final child's PID"],
        "mostly it may not lower the score by which the kernel chooses what to kill: it lacks CAP_SYS_RESOURCE, as machines that are containers do",
        "give it CAP_SYS_RESOURCE; containerd can do without it: set `restrict_oom_score_adj = true` in its CRI runtime configuration and restart it",
    ),
    rule(
        &[
            "\"runc\": executable file not found",
            "exec: \"runc\"",
            "runc: no such file",
            "fork/exec /usr/bin/runc",
            "crun\": executable file not found",
        ],
        "the program that runs containers, runc, is missing or can't be run",
        "`apt-get install runc` or `dnf install runc`",
    ),
    rule(
        &["runc did not terminate successfully", "unable to retrieve OCI runtime error"],
        "the program that runs containers, runc, ends as soon as it is started: it is damaged, or does not fit this machine's libraries",
        "`runc --version` shows it alone; reinstall it: `apt-get install --reinstall runc` or `dnf reinstall runc`",
    ),
    rule(
        &["unknown version specified"],
        "crun is too old for this runtime: it refuses the version of the OCI specification that the runtime writes",
        "update crun (1.21 works with CRI-O 1.36, 1.8.1 does not), or set `default_runtime = \"runc\"` of `[crio.runtime]` in {config}",
    ),
    rule(
        &["containerd-shim-runc-v2", "runtime \"io.containerd"],
        "containerd's own program containerd-shim-runc-v2 is not found",
        "reinstall containerd: the shim must be in PATH beside it",
    ),
    rule(
        &["slice:prefix:name", "systemd slice as cgroup parent", "cgroup parent for systemd", "cgroupsPath"],
        "the cgroup drivers of the runtime's parts differ",
        "set {systemd_cgroups} in {config}, then `systemctl restart {runtime}`",
    ),
    rule(
        &[
            "systemd not running",
            "dbus",
            "org.freedesktop.systemd1",
            "Interactive authentication required",
            "unable to start unit",
        ],
        "it uses the systemd cgroup driver, and can't reach systemd",
        "see `systemctl status`; on a machine without systemd set {own_cgroups} in {config}",
    ),
    rule(
        &["no space left on device"],
        "the disk that it keeps containers on is full, or out of inodes",
        "`df -h; df -i` tells which; make room",
    ),
    rule(
        &["read-only file system"],
        "a file system that it writes to is read-only",
        "`mount -o remount,rw` it, or see `dmesg` for why it became so",
    ),
    rule(
        &["failed to mount", "overlay", "snapshotter"],
        "its file system for images (the snapshotter) does not work here",
        "`modprobe overlay`, and look at `ctr plugins ls | grep snapshotter`",
    ),
    rule(
        &["cgroup", "devices.allow"],
        "it can't make a cgroup: the machine's cgroups are not mounted as it expects, or not for it to write",
        "`mount | grep cgroup` shows them; on a container host, give this machine its own cgroup",
    ),
    rule(
        &["apparmor", "AppArmor"],
        "the kernel's AppArmor refuses its profile",
        "`apt-get install apparmor`, or boot without AppArmor",
    ),
    rule(
        &["seccomp"],
        "the kernel has no seccomp, or runc was built without it",
        "use your distribution's kernel and runc",
    ),
    rule(
        &["operation not permitted", "permission denied"],
        "it is not allowed to do what containers need: SELinux, or a machine that is itself a container",
        "`dmesg | tail` and `ausearch -m avc -ts recent` show what was refused",
    ),
    rule(
        &["no answer within", "context deadline exceeded", "DeadlineExceeded"],
        "it hangs: a pull of its sandbox image through a network that swallows packets, or a slow disk",
        "`journalctl -u {runtime} -n 50` shows what it waits for",
    ),
];
