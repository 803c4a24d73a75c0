//! Command lines of tools that drive kubeadm, which need no cluster. What is expected of each is what kubeadm 1.36.2 did
//! with it: its exit code, and what it printed where callers read that. `cargo e2e … callers` runs both side by side.

use crate::support::{Done, config, kubeadm};

#[path = "../../e2e/src/scenarios/callers/lines/mod.rs"]
#[expect(dead_code, unused_imports, reason = "most of the lines need a machine")]
mod lines;

use lines::{ANYWHERE, Reads};

/// The images of 1.36.2, as kubeadm lists them.
const IMAGES: &str = "\
registry.k8s.io/kube-apiserver:v1.36.2
registry.k8s.io/kube-controller-manager:v1.36.2
registry.k8s.io/kube-scheduler:v1.36.2
registry.k8s.io/kube-proxy:v1.36.2
registry.k8s.io/coredns/coredns:v1.14.2
registry.k8s.io/pause:3.10.2
registry.k8s.io/etcd:3.6.8-0
";

/// Dry runs of lines that change a machine: tool, arguments, exit code.
const DRY_RUNS: &[(&str, &str, i32)] = &[
    ("kubespray", "init phase certs ca --config {config} --dry-run", 0),
    ("kind", "init --config={config} --skip-token-print --v=6 --dry-run --ignore-preflight-errors=all", 0),
    ("minikube", "init phase certs all --config {config} --dry-run", 0),
    ("minikube", "init phase control-plane all --config {config} --dry-run", 0),
    ("minikube", "init phase etcd local --config {config} --dry-run", 0),
    ("minikube", "reset --cri-socket=unix:///run/none.sock --force --dry-run", 0),
    ("Cluster API", "init --config {config} --dry-run --ignore-preflight-errors=all --v 2", 0),
    ("kubeone", "init phase preflight --config {config} --ignore-preflight-errors=all --dry-run", 0),
    ("kubeone", "--v=6 init phase certs etcd-ca --config={config} --dry-run", 0),
    ("playbooks", "config validate --config {file-discovery}", 1),
    // Flags of other phases have no effect, which kubeadm tells.
    ("playbooks", "init phase certs ca --upload-certs", 1),
    ("playbooks", "init phase wait-control-plane --config {config}", 1),
    ("playbooks", "join phase control-plane-join all --discovery-file f", 1),
    ("playbooks", "init phase kubelet-start --skip-phases certs", 1),
];

/// A line with its files.
fn run(line: &str) -> Done {
    let mut filled = line.to_owned();
    for (word, value) in [
        ("{version}", "v1.36.2"),
        ("{config}", "config.yaml"),
        ("{documents}", "documents.yaml"),
        ("{join}", "join.yaml"),
        ("{control-plane}", "control-plane.yaml"),
        ("{file-discovery}", "file-discovery.yaml"),
        ("{typo}", "typo.yaml"),
        ("{old}", "old.yaml"),
    ] {
        filled = filled.replace(word, value);
    }
    let run = kubeadm(&filled).with_kubelet("v1.36.2");
    let text = config("", "");
    let kind = |kind: &str, rest: &str| format!("apiVersion: kubeadm.k8s.io/v1beta4\nkind: {kind}\n{rest}\n");
    let join = kind(
        "JoinConfiguration",
        "discovery: {bootstrapToken: {apiServerEndpoint: \"192.0.2.1:6443\", token: abcdef.0123456789abcdef, unsafeSkipCAVerification: true}}",
    );
    let key = "0".repeat(64);
    let upgrade = kind("UpgradeConfiguration", "apply: {kubernetesVersion: v1.36.2, forceUpgrade: true}");
    let reset = kind("ResetConfiguration", "force: true");
    for (name, text) in [
        ("old.yaml", text.replace("v1beta4", "v1beta3").replace("encryptionAlgorithm: ECDSA-P256\n", "")),
        ("typo.yaml", format!("{text}typo: 1\n")),
        ("documents.yaml", format!("{text}---\n{upgrade}---\n{reset}")),
        ("config.yaml", text),
        ("control-plane.yaml", format!("{join}controlPlane: {{certificateKey: \"{key}\"}}\n")),
        ("join.yaml", join),
        (
            "file-discovery.yaml",
            kind("JoinConfiguration", "discovery: {file: {kubeConfigPath: /no/such/file}}"),
        ),
    ] {
        run.file(name, text);
    }
    run.run()
}

#[test]
fn callers_get_kubeadm_s_exit_code() {
    let lines = ANYWHERE.iter().map(|l| (l.tool, l.line, l.code));
    for (tool, line, code) in lines.chain(DRY_RUNS.iter().copied()) {
        // kubeadm ends its `alpha`, which has no command any more, with success: whatever is asked of it is not done.
        let code = if line.starts_with("alpha") { 1 } else { code };
        let done = run(line);
        assert_eq!(done.code, Some(code), "{tool}: kubeadm {line}: {}", done.everything());
    }
}

#[test]
fn callers_read_what_kubeadm_prints() {
    for line in ANYWHERE.iter().filter(|l| l.code == 0) {
        let done = run(line.line);
        let said = done.everything();
        let who = format!("{}: kubeadm {}: {said}", line.tool, line.line);
        match line.reads {
            Reads::Says(words) => assert!(said.contains(words), "{who}"),
            Reads::Lines(part) => assert!(done.stdout.lines().any(|l| l.contains(part)), "{who}"),
            Reads::Json => drop(serde_json::from_str::<serde_json::Value>(&done.stdout).expect(&who)),
            Reads::Text if line.line.starts_with("config validate") => {
                assert_eq!(done.stdout, "ok\n", "{who}")
            }
            Reads::Text if line.line.starts_with("version") => assert_eq!(done.stdout, "v1.36.2\n", "{who}"),
            _ => {}
        }
    }
    for (who, line) in [
        ("kubespray", "config images list --config={config}"),
        ("minikube", "config images list --kubernetes-version=v1.36.2"),
        ("image-builder", "config images list --config {config}"),
        ("playbooks", "config images --kubernetes-version 1.36.2 list"),
    ] {
        assert_eq!(run(line).succeeded().stdout, IMAGES, "{who}: kubeadm {line}");
    }
    let joined = IMAGES.trim_end().replace('\n', " ");
    let line = "config images list --kubernetes-version v1.36.2 -o jsonpath={.images[*]}";
    assert_eq!(run(line).succeeded().stdout, joined);
    let mirrored = run("config images list --kubernetes-version v1.36.2 --image-repository mirror.test/k8s");
    let expected = IMAGES.replace("registry.k8s.io/coredns/", "registry.k8s.io/");
    assert_eq!(mirrored.succeeded().stdout, expected.replace("registry.k8s.io", "mirror.test/k8s"));
    let key = run("certs certificate-key").succeeded().stdout;
    assert!(key.len() == 65 && key.trim_end().bytes().all(|b| b.is_ascii_hexdigit()), "{key}");
}

#[test]
fn callers_edit_the_default_configuration() {
    let printed = run("config print init-defaults").succeeded().stdout;
    for line in [
        "  advertiseAddress: 1.2.3.4",
        "  bindPort: 6443",
        "  criSocket: unix:///var/run/containerd/containerd.sock",
        "  imagePullPolicy: IfNotPresent",
        "  name: node",
        "imageRepository: registry.k8s.io",
        "kubernetesVersion: 1.36.0",
        "  dnsDomain: cluster.local",
        "  serviceSubnet: 10.96.0.0/12",
    ] {
        assert!(printed.lines().any(|l| l == line), "{line}: {printed}");
    }
    let printed = run("config print join-defaults").succeeded().stdout;
    for line in ["    apiServerEndpoint: kube-apiserver:6443", "    token: abcdef.0123456789abcdef"] {
        assert!(printed.lines().any(|l| l == line), "{line}: {printed}");
    }
}
