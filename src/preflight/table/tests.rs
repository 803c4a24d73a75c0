//! The table's rows: every check once, for the roles it is for, under kubeadm's names.

use std::sync::Arc;

use super::super::fake::{FakeMachine, settings};
use super::super::{Joining, Options, run_checks};
use super::*;

fn joining() -> Joining {
    Joining {
        endpoint: Some("192.0.2.1:6443".into()),
        ca_file: "/etc/kubernetes/pki/ca.crt".into(),
        downloads_certificates: true,
        ..Joining::default()
    }
}

/// Every subject that a configuration gives.
fn subjects(config: &str) -> Vec<Subject> {
    let s = settings(config);
    let mut subjects = vec![Subject::init(&s), Subject::upgrade(&s)];
    for role in [ControlPlane, Worker] {
        subjects.push(Subject::join(role, &s.node, joining()));
        subjects.push(Subject::discovered(role, &s, joining()));
    }
    subjects
}

fn names(subject: &Subject) -> Vec<String> {
    let mut names: Vec<String> = table(subject).into_iter().map(|c| c.name).collect();
    names.dedup();
    names
}

#[test]
fn healthy_machine_has_no_findings_in_any_role() {
    let dual = "controlPlaneEndpoint: cp.example.com\nnetworking: {serviceSubnet: '10.96.0.0/16,fd00:1::/112', podSubnet: '10.244.0.0/16,fd00:2::/56'}\n";
    let external =
        "controlPlaneEndpoint: cp.example.com\netcd: {external: {endpoints: ['http://192.0.2.3:2379']}}\n";
    for config in ["controlPlaneEndpoint: cp.example.com\n", dual, external] {
        for subject in subjects(config) {
            let report = run_checks(&subject, Arc::new(FakeMachine::healthy()), &Options::default());
            assert_eq!(report.findings, [], "{config} {:?}", subject.role());
        }
    }
}

#[test]
fn names_of_init_are_kubeadms_in_its_order() {
    let subject = Subject::init(&settings(""));
    let rows = of_kubeadm(&subject).into_iter().filter(|row| row.is_for(&subject));
    let mut names: Vec<String> = rows.map(|c| c.name).collect();
    names.dedup();
    let want = "IsPrivilegedUser NumCPU Mem KubernetesVersion Firewalld Port-6443 Port-10259 Port-10257 \
        Port-10250 Port-2379 Port-2380 Port-2381 Port-10248 \
        FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml \
        FileAvailable--etc-kubernetes-manifests-kube-controller-manager.yaml \
        FileAvailable--etc-kubernetes-manifests-kube-scheduler.yaml \
        FileAvailable--etc-kubernetes-manifests-etcd.yaml HTTPProxy HTTPProxyCIDR CRI \
        ContainerRuntimeVersion Swap FileExisting-losetup FileExisting-mount FileExisting-cp \
        SystemVerification Hostname KubeletVersion Service-kubelet \
        FileContent--proc-sys-net-ipv4-ip_forward DirAvailable--var-lib-etcd";
    assert_eq!(names, want.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn join_checks_what_needs_no_cluster_first_and_everything_once() {
    let s = settings("");
    for role in [ControlPlane, Worker] {
        let before = names(&Subject::join(role, &s.node, joining()));
        let after = names(&Subject::discovered(role, &s, joining()));
        for name in [
            "IsPrivilegedUser",
            "FileAvailable--etc-kubernetes-bootstrap-kubelet.conf",
            "HTTPProxy",
            "CRI",
            "Port-10250",
            "Hostname",
        ] {
            assert!(before.iter().any(|n| n == name), "{role:?} {name} {before:?}");
        }
        assert!(!after.iter().any(|n| n == "CRI" || n == PRIVILEGED || n == "Port-10250"), "{after:?}");
        assert!(
            after.iter().any(|n| n == "Swap")
                && after.iter().any(|n| n == "FileContent--proc-sys-net-ipv4-ip_forward")
        );
        let is_control_plane = role == ControlPlane;
        for name in ["Port-6443", "DirAvailable--var-lib-etcd", "PkiPair"] {
            assert_eq!(after.iter().any(|n| n == name), is_control_plane, "{role:?} {name}");
        }
        assert_eq!(before.iter().any(|n| n == "NumCPU"), is_control_plane);
    }
}

#[test]
fn upgrade_checks_no_ports_and_no_existing_files() {
    let names = names(&Subject::upgrade(&settings("")));
    for name in
        ["IsPrivilegedUser", "SystemVerification", "ContainerRuntimeVersion", "DiskSpace", "ExtraArgs"]
    {
        assert!(names.iter().any(|n| n == name), "{name}");
    }
    assert!(!names.iter().any(|n| n.starts_with("Port-") || n.starts_with("FileAvailable-")), "{names:?}");
}
