//! The container runtimes that are known, and what their parts are called.

/// A container runtime, in the words that advice is made of.
#[derive(Debug)]
pub(crate) struct KnownRuntime {
    /// Its name.
    pub name: &'static str,
    /// The socket that kubeadm looks for.
    pub socket: &'static str,
    /// Its service.
    pub service: &'static str,
    /// Its program.
    pub program: &'static str,
    /// Where its settings are.
    pub config: &'static str,
    /// The setting that names the image of sandboxes.
    pub sandbox_image: &'static str,
    /// The setting by which systemd manages its cgroups.
    pub systemd_cgroups: &'static str,
    /// The setting by which it manages them itself.
    pub own_cgroups: &'static str,
}

/// All of them, in the order in which kubeadm looks for their sockets when none is given.
pub(crate) static KNOWN_RUNTIMES: [KnownRuntime; 3] = [CONTAINERD, CRI_O, CRI_DOCKERD];

const CONTAINERD: KnownRuntime = KnownRuntime {
    name: "containerd",
    socket: "/var/run/containerd/containerd.sock",
    service: "containerd",
    program: "containerd",
    config: "/etc/containerd/config.toml",
    sandbox_image: "`sandbox` (before containerd 2: `sandbox_image`)",
    systemd_cgroups: "`SystemdCgroup = true`",
    own_cgroups: "`SystemdCgroup = false`",
};
const CRI_O: KnownRuntime = KnownRuntime {
    name: "CRI-O",
    socket: "/var/run/crio/crio.sock",
    service: "crio",
    program: "crio",
    config: "a file in /etc/crio/crio.conf.d",
    sandbox_image: "`pause_image` of `[crio.image]`",
    systemd_cgroups: "`cgroup_manager = \"systemd\"` of `[crio.runtime]`",
    own_cgroups: "`cgroup_manager = \"cgroupfs\"` and `conmon_cgroup = \"pod\"` of `[crio.runtime]`",
};
const CRI_DOCKERD: KnownRuntime = KnownRuntime {
    name: "cri-dockerd",
    socket: "/var/run/cri-dockerd.sock",
    service: "cri-docker",
    program: "cri-dockerd",
    config: "/etc/docker/daemon.json",
    sandbox_image: "`--pod-infra-container-image` of cri-dockerd",
    systemd_cgroups: "`\"exec-opts\": [\"native.cgroupdriver=systemd\"]`",
    own_cgroups: "`\"exec-opts\": [\"native.cgroupdriver=cgroupfs\"]`",
};

impl KnownRuntime {
    /// The one that a socket's path tells of; containerd, where it tells of none.
    pub(crate) fn of_socket(socket: &str) -> &'static Self {
        match socket {
            s if s.contains("crio") => &CRI_O,
            s if s.contains("cri-dockerd") => &CRI_DOCKERD,
            _ => &CONTAINERD,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_tell_of_their_runtimes() {
        for runtime in &KNOWN_RUNTIMES {
            assert_eq!(KnownRuntime::of_socket(&format!("unix://{}", runtime.socket)).name, runtime.name);
        }
        assert_eq!(KnownRuntime::of_socket("unix:///run/other.sock").name, "containerd");
    }
}
