//! Tests of the runtime's checks.

use super::*;
use crate::finding::Severity;
use crate::host::ServiceState;
use crate::preflight::fake::{FakeMachine, cri_error, process, settings};

fn failing(cause: CriCause) -> FakeMachine {
    FakeMachine::with(|m| m.runtime = Err(cri_error("Version", cause)))
}

fn with_driver(driver: Option<CgroupDriver>) -> FakeMachine {
    FakeMachine::with(|m| m.runtime.as_mut().unwrap().cgroup_driver = Ok(driver))
}

#[test]
fn each_way_to_fail_to_respond_has_its_fix() {
    let s = settings("");
    let fix = |m: &FakeMachine| {
        let found = m.finding("CRI", &s);
        assert_eq!(found.severity, Severity::Error);
        (found.what, found.fix.unwrap())
    };
    let (_, stopped) = fix(&failing(CriCause::NotListening));
    assert!(stopped.contains("`systemctl start containerd`"), "{stopped}");
    let mut machine = failing(CriCause::NoSocket);
    assert!(fix(&machine).1.contains("systemctl enable --now containerd"));
    machine.programs.clear();
    machine.services = [("containerd".to_owned(), ServiceState::default())].into();
    assert!(fix(&machine).1.contains("apt-get install containerd"));
    let mut closed = failing(CriCause::PermissionDenied);
    assert!(fix(&closed).1.contains("ausearch"));
    closed.root = false;
    assert_eq!(closed.finding("CRI", &s).severity, Severity::Info);
    let off = CriCause::NotCri { evidence: "unknown service runtime.v1.RuntimeService".into() };
    let mut machine = failing(off);
    assert!(fix(&machine).0.contains("does not serve CRI v1"));
    machine.file("/etc/containerd/config.toml", "version = 2\ndisabled_plugins = [\"cri\"]\n");
    let found = machine.finding("CRI", &s);
    assert!(found.evidence[1].contains("config.toml:2: disabled_plugins"), "{found:?}");
    assert!(found.fix.unwrap().contains("line 2 of /etc/containerd/config.toml"));
    // The others are silent: one cause, one finding.
    for row in ["ContainerRuntimeVersion", "CgroupDriver", "SandboxImage", "Sandbox"] {
        assert!(machine.check(row, &s).is_empty(), "{row}");
    }
}

#[test]
fn crio_that_does_not_run_is_found_where_no_socket_is_named() {
    let mut machine = failing(CriCause::NoSocket);
    machine.programs = vec!["crio".into()];
    machine.services.clear();
    let found = machine.finding("CRI", &settings(""));
    assert_eq!(found.cause.unwrap(), "crio is installed, but not running");
    assert!(found.fix.unwrap().contains("`systemctl enable --now crio`"));
    let said =
        "time=\"2026-11-28T21:00:00Z\" level=fatal msg=\"validating root config: failed to get store\"";
    let ended = "crio.service: Failed with result 'exit-code'.";
    machine.logs = [("crio".to_owned(), [said, "bye", ended].map(str::to_owned).to_vec())].into();
    let found = machine.finding("CRI", &settings(""));
    assert_eq!(found.evidence[1], format!("crio logged: {said}"));
    machine.processes = vec![process(1, "/usr/bin/crio")];
    let found = machine.finding("CRI", &settings(""));
    assert!(found.cause.unwrap().starts_with("crio runs, and its socket is gone"));
    assert!(found.fix.unwrap().contains("`systemctl restart crio`"));
}

#[test]
fn runtime_that_is_not_ready_is_quoted() {
    let machine = FakeMachine::with(|m| {
        let condition = &mut m.runtime.as_mut().unwrap().status.conditions[0];
        (condition.status, condition.reason) = (false, "Broken".into());
    });
    assert!(machine.finding("CRI", &settings("")).evidence[0].starts_with("Broken"));
}

#[test]
fn runtime_that_does_not_report_its_driver_is_a_warning() {
    let s = settings("");
    let machine = with_driver(None);
    assert_eq!(machine.finding("ContainerRuntimeVersion", &s).severity, Severity::Warning);
    // Its configuration tells: cgroupfs where it says nothing.
    let found = machine.finding("CgroupDriver", &s);
    assert_eq!(found.severity, Severity::Error);
    assert!(found.fix.unwrap().contains("SystemdCgroup = true"));
    let machine = FakeMachine { ..machine };
    let mut right = machine.clone();
    right.file("/etc/containerd/config.toml", "[x]\nSystemdCgroup = true\n");
    assert!(right.check("CgroupDriver", &s).is_empty());
    let cgroupfs = "---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncgroupDriver: cgroupfs\n";
    assert!(machine.check("CgroupDriver", &settings(cgroupfs)).is_empty());
    assert!(
        right
            .finding("CgroupDriver", &settings(cgroupfs))
            .fix
            .unwrap()
            .contains("SystemdCgroup = false` in line 2")
    );
}

#[test]
fn kubelet_follows_a_runtime_that_tells() {
    let s = settings("");
    let mut machine = with_driver(Some(CgroupDriver::Cgroupfs));
    let found = machine.finding("CgroupDriver", &s);
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.cause.unwrap().contains("follow the runtime"));
    machine.says.get_mut("kubelet --version").unwrap().stdout = "Kubernetes v1.30.1\n".into();
    assert_eq!(machine.finding("CgroupDriver", &s).severity, Severity::Error);
    machine.says.get_mut("kubelet --version").unwrap().stdout = "Kubernetes v1.36.1\n".into();
    machine.dirs.clear();
    assert!(machine.check("CgroupDriver", &s).is_empty());
}

#[test]
fn directory_or_file_at_the_sockets_path_is_named_as_that() {
    let at = |change: fn(&mut FakeMachine)| {
        let mut machine =
            FakeMachine::with(|m| m.runtime = Err(cri_error("Version", CriCause::NotListening)));
        change(&mut machine);
        machine.finding("CRI", &settings("")).what
    };
    let socket = "/run/containerd/containerd.sock";
    let directory = at(|m| drop(m.dirs.insert("/run/containerd/containerd.sock".into(), vec![])));
    assert_eq!(directory, format!("{socket} is a directory, not the socket of a container runtime"));
    let file = at(|m| m.file("/run/containerd/containerd.sock", ""));
    assert_eq!(file, format!("{socket} is a file, not the socket of a container runtime"));
}
