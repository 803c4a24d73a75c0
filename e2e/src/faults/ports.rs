//! Ports that others hold, before preflight looks and after.

use std::net::TcpListener;
use std::time::Duration;

use super::fault::{Fault, fault};
use super::scene::Scene;

/// Every port the same way: who holds it, and how to end that.
macro_rules! held {
    ($name:literal, $address:literal, $what:literal, $words:expr) => {
        fault($name, $what, |s| s.hold($address), $words, &["kill|systemctl"])
    };
}

pub(super) const FAULTS: &[Fault] = &[
    held!(
        "port-6443-held",
        "0.0.0.0:6443",
        "another program holds the API server's port",
        &["6443", "in use", "e2e"]
    ),
    held!(
        "port-10250-held",
        "0.0.0.0:10250",
        "another program holds kubelet's port",
        &["10250", "in use", "e2e"]
    ),
    held!(
        "port-10248-held",
        "127.0.0.1:10248",
        "another program holds kubelet's health port",
        &["10248", "in use", "e2e"]
    ),
    held!(
        "port-2379-held",
        "127.0.0.1:2379",
        "another program holds etcd's port for clients",
        &["2379", "in use", "e2e"]
    ),
    held!(
        "port-2380-held",
        "10.88.0.2:2380",
        "another program holds etcd's port for members",
        &["2380", "in use", "e2e"]
    ),
    held!(
        "port-2381-held",
        "127.0.0.1:2381",
        "another program holds etcd's port for metrics",
        &["2381", "in use", "e2e"]
    ),
    held!(
        "port-10257-held",
        "127.0.0.1:10257",
        "another program holds kube-controller-manager's port",
        &["10257", "in use", "e2e"]
    ),
    held!(
        "port-10259-held",
        "127.0.0.1:10259",
        "another program holds kube-scheduler's port",
        &["10259", "in use", "e2e"]
    ),
    fault(
        "port-6443-held-ignored",
        "another program holds the API server's port, and the check is ignored",
        |s| {
            s.ignored.push("Port-6443");
            s.hold("0.0.0.0:6443")
        },
        &["kube-apiserver", "6443", "in use"],
        &["kill|systemctl|stop"],
    ),
    fault(
        "port-10257-taken-late",
        "another program takes kube-controller-manager's port after preflight looked",
        |s| {
            late(s, "/etc/kubernetes/manifests/etcd.yaml", "127.0.0.1:10257");
            Ok(())
        },
        &["kube-controller-manager", "10257", "in use"],
        &["kill|systemctl|stop"],
    ),
    fault(
        "port-10259-taken-late",
        "another program takes kube-scheduler's port after preflight looked",
        |s| {
            late(s, "/etc/kubernetes/manifests/etcd.yaml", "127.0.0.1:10259");
            Ok(())
        },
        &["kube-scheduler", "10259", "in use"],
        &["kill|systemctl|stop"],
    ),
    fault(
        "port-2379-taken-late",
        "another program takes etcd's port after preflight looked",
        |s| {
            late(s, "/etc/kubernetes/pki/ca.key", "127.0.0.1:2379");
            Ok(())
        },
        &["etcd", "2379", "in use"],
        &["kill|systemctl|stop"],
    ),
    fault(
        "port-10248-taken-late",
        "another program takes kubelet's health port after preflight looked",
        |s| {
            late(s, "/etc/kubernetes/pki/ca.key", "127.0.0.1:10248");
            Ok(())
        },
        &["kubelet", "10248", "in use"],
        &["kill|systemctl|stop"],
    ),
    fault(
        "port-10250-taken-late",
        "another program takes kubelet's port after preflight looked",
        |s| {
            late(s, "/etc/kubernetes/pki/ca.key", "0.0.0.0:10250");
            Ok(())
        },
        &["kubelet", "10250", "in use"],
        &["kill|systemctl|stop"],
    ),
];

/// Listens on `address` once `file` is there, for as long as the machine lives.
fn late(s: &mut Scene, file: &'static str, address: &'static str) {
    s.once_there(file, move || {
        if let Ok(_listener) = TcpListener::bind(address) {
            loop {
                std::thread::sleep(Duration::from_secs(60));
            }
        }
    });
}
