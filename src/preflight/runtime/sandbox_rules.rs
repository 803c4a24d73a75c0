//! What runtimes say when they can't start a sandbox, and what it means.

use crate::host::cri::KnownRuntime;

/// What a runtime's words mean.
pub(crate) struct Rule {
    /// Any of these in its words.
    marks: &'static [&'static str],
    pub(crate) cause: &'static str,
    /// With [words](KnownRuntime::word) of the runtime in it.
    fix: &'static str,
    /// Its words, where they are no more than this.
    exact: Option<&'static str>,
    /// It is the image, of which SandboxImage tells.
    pub(crate) about_image: bool,
}

impl Rule {
    /// Whether it fits these words.
    pub(crate) fn fits(&self, said: &str) -> bool {
        self.exact == Some(said) || self.marks.iter().any(|mark| said.contains(mark))
    }

    /// The fix on a machine with this runtime.
    pub(crate) fn fix_for(&self, known: &KnownRuntime) -> String {
        known.advice(self.fix)
    }
}

const fn rule(marks: &'static [&'static str], cause: &'static str, fix: &'static str) -> Rule {
    Rule { marks, cause, fix, exact: None, about_image: false }
}

/// The first that fits counts.
pub(crate) static RULES: &[Rule] = &[
    Rule {
        marks: &["sandbox image", "failed to pull image", "failed to resolve reference", "ErrImagePull"],
        cause: "its sandbox (pause) image is not here and can't be pulled",
        fix: "pull or import that image, or name one that is here as {sandbox_image} in {runtime_config}",
        exact: None,
        about_image: true,
    },
    rule(
        &["oom_score_adj", "final child's PID"],
        "mostly it may not lower a process's OOM score (oom_score_adj): it lacks CAP_SYS_RESOURCE, as machines that are containers do",
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
    // CRI-O alone says so: what conmon had to say of crun is lost.
    rule(
        &["conmon: no such file", "conmon\": executable file not found", "conmon: permission denied"],
        "CRI-O's program conmon, which watches containers, is missing or can't be run",
        "`apt-get install conmon` or `dnf install conmon`",
    ),
    rule(
        &["pinns: no such file", "pinns: permission denied"],
        "CRI-O's program pinns, which keeps the namespaces of Pods, is missing or can't be run",
        "reinstall CRI-O: pinns is of its package (`pinns_path` of `[crio.runtime]` names another)",
    ),
    rule(
        &["crun: error while loading shared libraries", "crun: symbol lookup error"],
        "the program that runs containers, crun, does not fit this machine's libraries",
        "`crun --version` reproduces it; reinstall it: `apt-get install --reinstall crun` or `dnf reinstall crun`",
    ),
    Rule {
        exact: Some("exit status 1"),
        ..rule(
            &["failed to wait exit status 1"],
            "CRI-O's conmon could not run the program that runs containers: it is missing or damaged",
            "`crun --version` (or runc's, whichever `default_runtime` names) reproduces it; `apt-get install crun` or `dnf install crun`",
        )
    },
    rule(
        &["cgroups in hybrid mode not supported"],
        "this machine has cgroup v1 and v2 side by side, which crun does not support",
        "boot with cgroup v2 alone: `systemd.unified_cgroup_hierarchy=1` on the kernel's command line",
    ),
    rule(
        &["runc did not terminate successfully", "unable to retrieve OCI runtime error"],
        "the program that runs containers, runc, exits as soon as it is started: it is damaged, or does not fit this machine's libraries",
        "`runc --version` reproduces it; reinstall it: `apt-get install --reinstall runc` or `dnf reinstall runc`",
    ),
    rule(
        &["unknown version specified"],
        "crun is too old for this runtime: it refuses the version of the OCI specification that the runtime writes",
        "update crun (1.21 works with CRI-O 1.36, 1.8.1 does not), or set `default_runtime = \"runc\"` of `[crio.runtime]` in {runtime_config}",
    ),
    rule(
        &["containerd-shim-runc-v2", "runtime \"io.containerd"],
        "containerd's own program containerd-shim-runc-v2 is not found",
        "reinstall containerd: the shim must be in PATH beside it",
    ),
    rule(
        &["slice:prefix:name", "systemd slice as cgroup parent", "cgroup parent for systemd", "cgroupsPath"],
        "the cgroup drivers of the runtime's parts differ",
        "set {systemd_cgroups} in {runtime_config}, then `systemctl restart {runtime}`",
    ),
    rule(
        &[
            "systemd not running",
            "start transient unit",
            "dbus",
            "org.freedesktop.systemd1",
            "Interactive authentication required",
            "unable to start unit",
        ],
        "it uses the systemd cgroup driver, and can't reach systemd",
        "see `systemctl status`; on a machine without systemd set {own_cgroups} in {runtime_config}",
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
