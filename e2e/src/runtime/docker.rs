//! Docker, and cri-dockerd between it and kubelet.

use std::fs;
use std::process::Command;

use super::daemon::Daemon;
use super::oci;
use crate::command::{check, find};

/// Where cri-dockerd listens.
pub(super) const SOCKET: &str = "/var/run/cri-dockerd.sock";
/// Where Docker listens.
const DOCKER: &str = "/var/run/docker.sock";
/// Docker's configuration. No systemd here that could manage cgroups; the network is CNI's.
const CONFIG: &str = "/etc/docker/daemon.json";

/// Starts both, and waits until they answer.
///
/// # Errors
/// When one does not.
pub(super) fn start(configuration: &str) -> anyhow::Result<Daemon> {
    fs::create_dir_all("/etc/docker")?;
    let runtime = format!(r#"{{"e2e": {{"path": "{}"}}}}"#, oci::SCRIPT);
    fs::write(
        CONFIG,
        format!(
            r#"{{"exec-opts": ["native.cgroupdriver=cgroupfs"], "default-runtime": "e2e", "runtimes": {runtime},
 "bridge": "none", "iptables": false, "ip-masq": false, "userland-proxy": false, "storage-driver": "overlay2", "live-restore": true}}"#
        ),
    )?;
    oci::install(&find("runc").map_or("/usr/bin/runc".to_owned(), |file| file.display().to_string()))?;
    let docker = Daemon::start(&mut Command::new("dockerd"), "/e2e/logs/docker.log", DOCKER)?;
    let flags = configuration.split_whitespace();
    let shim = Daemon::start(Command::new("cri-dockerd").args(flags), "/e2e/logs/cri-docker.log", SOCKET)?;
    Ok(docker.with(shim))
}

/// cri-dockerd's flags.
pub(super) fn configuration(pause: &str) -> String {
    format!(
        "--pod-infra-container-image={pause} --network-plugin=cni --container-runtime-endpoint=unix://{SOCKET}"
    )
}

/// Runs docker.
///
/// # Errors
/// When it fails.
pub(super) fn docker(args: &[&str]) -> anyhow::Result<()> {
    check("docker", args).map(drop)
}

/// An image's name in Docker.
pub(super) fn stored(reference: &str) -> String {
    format!("docker-daemon:{reference}")
}
