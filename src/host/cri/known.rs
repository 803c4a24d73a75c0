//! The container runtimes that are known, and what their parts are called.

use crate::finding::fill;

/// A container runtime, in the words that advice is made of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KnownRuntime {
    /// Its name.
    pub name: &'static str,
    /// The socket that kubeadm looks for.
    pub socket: &'static str,
    /// Its service.
    pub service: &'static str,
    /// Its program.
    pub program: &'static str,
    /// The package that brings it.
    pub package: &'static str,
    /// Where its images and containers lie.
    pub data: &'static str,
    /// Where its settings are.
    pub config: &'static str,
    /// The setting that names the image of sandboxes.
    pub sandbox_image: &'static str,
    /// The setting by which systemd manages its cgroups.
    pub systemd_cgroups: &'static str,
    /// The setting by which it manages them itself.
    pub own_cgroups: &'static str,
    /// The folder with the CAs of registries.
    pub certificates: &'static str,
    /// What gives it the credentials of a registry.
    pub credentials: &'static str,
    /// The setting that has it speak plain HTTP with a registry.
    pub plain_http: &'static str,
}

/// All of them, in the order in which kubeadm looks for their sockets when none is given.
pub(crate) static KNOWN_RUNTIMES: [KnownRuntime; 3] = [CONTAINERD, CRI_O, CRI_DOCKERD];

const CONTAINERD: KnownRuntime = KnownRuntime {
    name: "containerd",
    socket: "/var/run/containerd/containerd.sock",
    service: "containerd",
    program: "containerd",
    package: "containerd",
    data: "/var/lib/containerd",
    config: "/etc/containerd/config.toml",
    sandbox_image: "`sandbox` (before containerd 2: `sandbox_image`)",
    systemd_cgroups: "`SystemdCgroup = true`",
    own_cgroups: "`SystemdCgroup = false`",
    certificates: "/etc/containerd/certs.d",
    credentials: "a hosts.toml below /etc/containerd/certs.d",
    plain_http: "a hosts.toml below /etc/containerd/certs.d",
};
const CRI_O: KnownRuntime = KnownRuntime {
    name: "CRI-O",
    socket: "/var/run/crio/crio.sock",
    service: "crio",
    program: "crio",
    package: "cri-o",
    data: "/var/lib/containers",
    config: "a file in /etc/crio/crio.conf.d",
    sandbox_image: "`pause_image` of `[crio.image]`",
    systemd_cgroups: "`cgroup_manager = \"systemd\"` of `[crio.runtime]`",
    own_cgroups: "`cgroup_manager = \"cgroupfs\"` and `conmon_cgroup = \"pod\"` of `[crio.runtime]`",
    certificates: "/etc/containers/certs.d",
    credentials: "the file that `global_auth_file` of `[crio.image]` names",
    plain_http: "`insecure = true` in the registry's section of /etc/containers/registries.conf",
};
const CRI_DOCKERD: KnownRuntime = KnownRuntime {
    name: "cri-dockerd",
    socket: "/var/run/cri-dockerd.sock",
    service: "cri-docker",
    program: "cri-dockerd",
    package: "cri-dockerd",
    data: "/var/lib/docker",
    config: "/etc/docker/daemon.json",
    sandbox_image: "`--pod-infra-container-image` of cri-dockerd",
    systemd_cgroups: "`\"exec-opts\": [\"native.cgroupdriver=systemd\"]`",
    own_cgroups: "`\"exec-opts\": [\"native.cgroupdriver=cgroupfs\"]`",
    certificates: "/etc/docker/certs.d",
    credentials: "`docker login`",
    plain_http: "`insecure-registries` in /etc/docker/daemon.json",
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

    /// What `{name}` stands for in advice about this runtime.
    pub(crate) fn word(&self, name: &str) -> Option<&'static str> {
        Some(match name {
            "runtime" => self.service,
            "runtime_config" => self.config,
            "sandbox_image" => self.sandbox_image,
            "systemd_cgroups" => self.systemd_cgroups,
            "own_cgroups" => self.own_cgroups,
            "registry_certificates" => self.certificates,
            "registry_credentials" => self.credentials,
            "plain_http" => self.plain_http,
            _ => return None,
        })
    }

    /// Advice about this runtime, with its words in it.
    pub(crate) fn advice(&self, text: &str) -> String {
        fill(text, &|name| self.word(name).map(str::to_owned))
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
