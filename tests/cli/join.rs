//! `join` without a cluster: what a dry run shows, and what is said when nothing answers.

use std::fs;

use super::support::kubestrap;
use super::upgrade::site;

const FLAGS: &str = "join 127.0.0.1:1 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash \
    sha256:abababababababababababababababababababababababababababababababab \
    --node-name n2 --cri-socket unix:///run/containerd/containerd.sock --dry-run";

#[test]
fn dry_run_without_the_cluster_shows_what_a_worker_would_write() {
    let run = kubestrap(&[]).args(FLAGS);
    let out = run.path().join("out");
    let done = run.arg("--dry-run-dir").arg(&out).run().succeeded();
    assert!(
        done.stderr.contains(
            "127.0.0.1:1 refuses the connection: nothing listens there: continuing as for a cluster"
        ),
        "{}",
        done.stderr
    );
    assert!(done.stderr.contains("If it stays so: see on the control-plane node"), "{}", done.stderr);
    let read = |path: &str| fs::read_to_string(out.join(path)).unwrap();
    assert!(read("etc/kubernetes/bootstrap-kubelet.conf").contains("server: https://127.0.0.1:1"));
    assert!(read("var/lib/kubelet/config.yaml").contains("kind: KubeletConfiguration"));
    assert!(!out.join("etc/kubernetes/pki/ca.key").exists(), "a worker has no CA of its own");
}

#[test]
fn dry_run_without_the_cluster_shows_a_whole_control_plane() {
    let key = "ab".repeat(32);
    let run = kubestrap(&[]).args(FLAGS).args("--control-plane --apiserver-advertise-address 192.0.2.3");
    let out = run.path().join("out");
    let run = run.arg("--certificate-key").arg(&key).arg("--dry-run-dir").arg(&out);
    let done = run.run().succeeded();
    for file in ["manifests/etcd.yaml", "manifests/kube-apiserver.yaml", "admin.conf", "pki/apiserver.crt"] {
        assert!(out.join("etc/kubernetes").join(file).exists(), "{file}: {}", done.stderr);
    }
    assert!(!done.everything().contains(&key), "the certificate key is a secret");
}

#[test]
fn wrong_advertise_address_is_told_once() {
    let run = kubestrap(&[]).args(FLAGS).args("--control-plane --apiserver-advertise-address x");
    let done = run.run().refused(2, &["--apiserver-advertise-address", "\"x\" is not an IP address"]);
    assert_eq!(done.stderr.matches("IP address").count(), 1, "{}", done.stderr);
}

#[test]
fn phase_alone_asks_the_cluster_as_the_administrator_that_an_earlier_phase_made() {
    let Some(site) = site() else { return };
    site.api
        .change("Node", "cp-1", |node| node["metadata"]["labels"]["kubernetes.io/hostname"] = "cp-1".into());
    let discovered = site.api.twin();
    let admin = fs::read_to_string(site.machine.file("/etc/kubernetes/admin.conf")).unwrap();
    fs::write(site.machine.file("/discovery.conf"), admin.replace(site.api.url(), discovered.url())).unwrap();
    let config = "{apiVersion: kubeadm.k8s.io/v1beta4, kind: JoinConfiguration, nodeRegistration: {name: cp-1}, \
        discovery: {file: {kubeConfigPath: /discovery.conf}}, controlPlane: {localAPIEndpoint: {advertiseAddress: 192.0.2.2}}}";
    fs::write(site.machine.file("/join.yaml"), config).unwrap();
    let run = kubestrap(&["join", "phase", "control-plane-join", "all"]).args("--config /join.yaml --rootfs");
    let said = run.arg(site.machine.file("")).run().everything();
    assert_eq!(discovered.writes(), Vec::<String>::new(), "{said}");
    assert!(site.api.writes().iter().any(|w| w.starts_with("PATCH /api/v1/nodes/cp-1")), "{said}");
}
