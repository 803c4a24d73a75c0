//! The container runtime: whether it is there, speaks CRI v1, and agrees with kubelet.

use std::path::Path;

use super::containerd;
use crate::config::{NodeSettings, Settings};
use crate::finding::Finding;
use crate::host::cri::{CgroupDriver, CriCause, CriError, KNOWN_RUNTIMES, KnownRuntime};
use crate::host::machine::{Machine, PathKind};
use crate::preflight::kubelet;

/// kubeadm: it answers, and is ready.
pub(crate) fn cri(node: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    match machine.runtime() {
        Err(error) => vec![unreachable(node, machine, &error)],
        Ok(facts) => match facts.status.runtime_ready() {
            Some(ready) if ready.status => vec![],
            Some(ready) => {
                let what =
                    format!("the container runtime {} reports that it is not ready", facts.version.name);
                let words = format!("{}: {}", ready.reason, ready.message);
                let service = KnownRuntime::of_socket(&node.registration.cri_socket).service;
                vec![
                    Finding::error(what)
                        .evidence(words)
                        .fix(format!("`journalctl -u {service} -n 50` shows why")),
                ]
            }
            None => vec![Finding::warning("the container runtime does not report whether it is ready")],
        },
    }
}

/// Whether systemd is the machine's first process, as sd_booted(3) finds out; its programs may be there without.
pub(crate) fn is_run_by_systemd(machine: &dyn Machine) -> bool {
    machine.kind(Path::new("/run/systemd/system")) == Some(PathKind::Dir)
}

fn unreachable(node: &NodeSettings, machine: &dyn Machine, error: &CriError) -> Finding {
    let socket = &node.registration.cri_socket;
    let known = KnownRuntime::of_socket(socket);
    let service = known.service;
    let evidence = error.to_string();
    if let Some(finding) = not_a_socket(error.endpoint.path(), machine) {
        return finding;
    }
    match &error.cause {
        CriCause::NoSocket => {
            let finding = Finding::error(format!("there is no container runtime at {socket}")).evidence(evidence);
            let here = |r: &&KnownRuntime| {
                let path = Path::new(r.socket);
                path != error.endpoint.path() && machine.kind(path) == Some(PathKind::Socket)
            };
            let others: Vec<String> =
                KNOWN_RUNTIMES.iter().filter(here).map(|r| format!("unix://{}", r.socket)).collect();
            if let Some(other) = others.first() {
                let finding = finding.cause(format!("another runtime is here: {}", others.join(", ")));
                return finding.fix(format!("`--cri-socket {other}`, or nodeRegistration.criSocket"));
            }
            let installed =
                |r: &&KnownRuntime| machine.service(r.service).exists || machine.program(r.program).is_some();
            let first = || std::iter::once(known).chain(&KNOWN_RUNTIMES);
            let processes = machine.processes();
            let runs = |r: &&KnownRuntime| processes.iter().any(|p| p.on_host && p.is(r.program));
            if let Some(r) = first().find(runs) {
                return finding
                    .cause(format!(
                        "{} runs, and its socket {} is gone: it was removed, or it listens elsewhere",
                        r.program, r.socket
                    ))
                    .fix(format!(
                        "`systemctl restart {}`; if it listens elsewhere, give that socket with `--cri-socket`",
                        r.service
                    ));
            }
            match first().find(installed) {
                Some(r) if r.name == known.name => finding
                    .evidences(machine.complaint(service))
                    .cause(format!("{service} is installed, but not running"))
                    .fix(format!("`systemctl enable --now {service}`")),
                Some(r) => finding
                    .evidences(machine.complaint(r.service))
                    .cause(format!("{} is installed, but not running", r.service))
                    .fix(format!(
                        "`systemctl enable --now {}`, and where criSocket is set, `--cri-socket unix://{}`",
                        r.service, r.socket
                    )),
                None => finding
                    .cause("no container runtime is installed, or it listens elsewhere (then `--cri-socket`)")
                    .fix(format!("install one: `apt-get install {0}` or `dnf install {0}`", known.package)),
            }
        }
        CriCause::NotListening => Finding::error(format!("nothing listens on {socket}"))
            .evidence(evidence)
            .evidences(machine.complaint(service))
            .cause(format!("{service} has stopped or crashed, and left its socket behind"))
            .fix(format!("`systemctl start {service}`; if it does not stay up, `journalctl -u {service} -n 50` shows why")),
        CriCause::PermissionDenied if !machine.is_root() => {
            Finding::info(format!("the container runtime at {socket} was not asked: that needs root"))
        }
        CriCause::PermissionDenied => Finding::error(format!("this user may not open {socket}"))
            .evidence(evidence)
            .cause("although we are root: SELinux, or a user namespace, forbids it")
            .fix("`ausearch -m avc -ts recent` shows what was refused"),
        CriCause::NotCri { .. } => match containerd::disabled_cri(node, machine) {
            Some(line) if service == "containerd" => Finding::error("containerd runs with its CRI plugin turned off")
                .evidence(evidence)
                .evidence(line.to_string())
                .cause("Docker's package ships containerd so: Docker needs no CRI, Kubernetes does")
                .fix(format!(
                    "take \"cri\" out of disabled_plugins in line {} of {}, then `systemctl restart containerd`",
                    line.number, line.path
                )),
            _ if service != "containerd" => Finding::error(format!("what answers at {socket} does not serve CRI v1"))
                .evidence(evidence)
                .cause(format!("it is not {}, or one that is older than CRI v1", known.name))
                .fix(format!("update {}; `--cri-socket` (nodeRegistration.criSocket) names another runtime", known.package)),
            _ => Finding::error(format!("what answers at {socket} does not serve CRI v1"))
                .evidence(evidence)
                .cause("its CRI plugin failed to load, or it is older than CRI v1 (containerd before 1.6)")
                .fix("`ctr plugins ls | grep cri` shows the plugin; `journalctl -u containerd | grep -i cri` tells why"),
        },
        CriCause::NotGrpc { .. } => {
            let here = |r: &&KnownRuntime| {
                machine.kind(Path::new(r.socket)) == Some(PathKind::Socket) && !socket.ends_with(r.socket)
            };
            let other = KNOWN_RUNTIMES.iter().find(here);
            let other = other.map(|r| format!("`--cri-socket unix://{}`, which is here", r.socket));
            let other = other.unwrap_or_else(|| "`--cri-socket` (nodeRegistration.criSocket) names another".into());
            Finding::error(format!("what listens at {socket} is not a container runtime with CRI"))
                .evidence(evidence)
                .cause("it is another program's socket: Docker's own, for one, serves no CRI")
                .fix(format!("use the runtime's CRI socket: {other}"))
        }
        CriCause::Timeout { .. } => Finding::error(format!("the container runtime at {socket} does not answer"))
            .evidence(evidence)
            .fix(format!("`journalctl -u {service} -n 50` shows more; `systemctl restart {service}` usually helps")),
        _ => Finding::error(format!("the container runtime at {socket} can't be asked"))
            .evidence(evidence)
            .fix(format!("`journalctl -u {service} -n 50` shows more")),
    }
}

/// A directory or file at the socket's path: no runtime can have made it.
fn not_a_socket(path: &Path, machine: &dyn Machine) -> Option<Finding> {
    let shown = path.display();
    let (kind, cause, remove) = match machine.kind(path)? {
        PathKind::Dir => (
            "a directory",
            "a container that mounts the path was started before the runtime, which creates a directory there; or the path is wrong",
            format!("`rmdir {shown}`"),
        ),
        PathKind::File => {
            ("a file", "the path is wrong, or a file was put there", format!("`mv {shown} {shown}.old`"))
        }
        _ => return None,
    };
    Some(
        Finding::error(format!("{shown} is {kind}, not the socket of a container runtime")).cause(cause).fix(
            format!("give the runtime's socket with `--cri-socket`; or {remove} and restart the runtime"),
        ),
    )
}

/// kubeadm: the runtime tells its cgroup driver; kubelet 1.38 will need that.
pub(crate) fn version(_: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let Ok(facts) = machine.runtime() else { return vec![] };
    let name = format!("{} {}", facts.version.name, facts.version.version);
    match facts.cgroup_driver {
        Ok(Some(_)) => vec![],
        Ok(None) => {
            let what = format!("{name} does not report its cgroup driver (it lacks CRI's RuntimeConfig)");
            let needed = kubelet::version(machine).is_ok_and(|v| v.minor() >= 38);
            let finding = if needed { Finding::error(what) } else { Finding::warning(what) };
            vec![
                finding
                    .cause("kubelet then uses the driver of its own configuration, and from 1.38 on refuses such a runtime")
                    .fix("update the runtime: containerd 2.0 or CRI-O 1.28 at least"),
            ]
        }
        Err(error) => {
            vec![Finding::error(format!("{name} can't report its cgroup driver")).evidence(error.to_string())]
        }
    }
}

/// kubelet's cgroup driver and the runtime's. Since 1.31 kubelet takes the runtime's, where the runtime tells.
pub(crate) fn cgroup_driver(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let Ok(facts) = machine.runtime() else { return vec![] };
    let configured = kubelet::cgroup_driver(settings);
    let follows = kubelet::version(machine).map_or(true, |v| v.minor() >= 31);
    let known = KnownRuntime::of_socket(&settings.node.registration.cri_socket);
    let restart = "then `systemctl restart containerd`";
    let edit = |value: bool, line: Option<&containerd::Line>| match line {
        Some(line) => {
            format!("write `SystemdCgroup = {value}` in line {} of {}, {restart}", line.number, line.path)
        }
        None => format!(
            "set `SystemdCgroup = {value}` in runc's options in {}, {restart}",
            containerd::path(&settings.node, machine)
        ),
    };
    match facts.cgroup_driver {
        Ok(Some(told)) if told.as_str() == configured => vec![],
        // A machine that systemd does not manage has no other choice.
        Ok(Some(CgroupDriver::Cgroupfs)) if follows && !is_run_by_systemd(machine) => vec![],
        Ok(Some(told)) => {
            let what = format!(
                "the container runtime's cgroup driver is {told}, kubelet's is configured as {configured}"
            );
            let is_containerd = facts.version.name == "containerd";
            let fix = match told {
                CgroupDriver::Cgroupfs if is_containerd => edit(
                    true,
                    containerd::setting(&settings.node, machine, "SystemdCgroup").map(|s| s.0).as_ref(),
                ),
                CgroupDriver::Cgroupfs => {
                    format!(
                        "set {} in {}, then `systemctl restart {}`",
                        known.systemd_cgroups, known.config, known.service
                    )
                }
                CgroupDriver::Systemd if is_containerd && !is_run_by_systemd(machine) => edit(
                    false,
                    containerd::setting(&settings.node, machine, "SystemdCgroup").map(|s| s.0).as_ref(),
                ),
                CgroupDriver::Systemd if !is_run_by_systemd(machine) => {
                    format!("set {} in {}, then restart {}", known.own_cgroups, known.config, known.service)
                }
                CgroupDriver::Systemd => "set `cgroupDriver: systemd` in the KubeletConfiguration".into(),
            };
            let finding = if follows {
                let cause = format!(
                    "kubelet will follow the runtime and use {told}{}",
                    if told == CgroupDriver::Cgroupfs {
                        "; with systemd beside it two managers share the cgroups, which gets unstable under load"
                    } else {
                        ""
                    }
                );
                Finding::warning(what).cause(cause)
            } else {
                Finding::error(what).cause("each would put containers where the other does not look")
            };
            vec![finding.fix(fix)]
        }
        // containerd 1 does not tell; its configuration does, and its default is cgroupfs.
        Ok(None) if facts.version.name == "containerd" => {
            let line = containerd::setting(&settings.node, machine, "SystemdCgroup");
            let theirs = if line.as_ref().is_some_and(|(_, v)| v == "true") { "systemd" } else { "cgroupfs" };
            if theirs == configured {
                return vec![];
            }
            let evidence = match &line {
                Some((line, _)) => line.to_string(),
                None => format!(
                    "{} has no SystemdCgroup; its default is false",
                    containerd::path(&settings.node, machine)
                ),
            };
            vec![
                Finding::error(format!("containerd's cgroup driver is {theirs}, kubelet's is {configured}"))
                    .evidence(evidence)
                    .cause("with different drivers kubelet can't manage its Pods: they fail to start, or are killed later")
                    .fix(edit(configured == "systemd", line.as_ref().map(|l| &l.0))),
            ]
        }
        Ok(None) | Err(_) => vec![],
    }
}

#[cfg(test)]
#[path = "cri_tests.rs"]
mod tests;
