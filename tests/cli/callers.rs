//! Command lines of tools that drive kubeadm, which need no cluster. What is expected of each is what kubeadm 1.36.2 did
//! with it: its exit code, and what it printed where callers read that.

use crate::support::{config, kubeadm};

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

/// Who calls it, the arguments, and the exit code.
const LINES: &[(&str, &str, i32)] = &[
    ("kubespray", "version -o short", 0),
    ("kubespray", "certs certificate-key", 0),
    ("kubespray", "token generate", 0),
    ("kubespray", "config images list --config=config.yaml", 0),
    ("kubespray", "init phase certs ca --config config.yaml --dry-run", 0),
    ("kubespray", "config validate --config config.yaml", 0),
    ("kubespray", "config migrate --old-config old.yaml", 0),
    ("kind", "init --config=config.yaml --skip-token-print --v=6 --dry-run --ignore-preflight-errors=all", 0),
    ("kind", "config images list --kubernetes-version=v1.36.2 -o json", 0),
    ("minikube", "config migrate --old-config old.yaml --new-config new.yaml", 0),
    ("minikube", "init phase certs all --config config.yaml --dry-run", 0),
    ("minikube", "init phase control-plane all --config config.yaml --dry-run", 0),
    ("minikube", "init phase etcd local --config config.yaml --dry-run", 0),
    ("minikube", "reset --cri-socket=unix:///run/none.sock --force --dry-run", 0),
    ("Cluster API", "init --config config.yaml --dry-run --ignore-preflight-errors=all --v 2", 0),
    ("Cluster API", "version -o json", 0),
    ("image-builder", "config images list --config config.yaml -o yaml", 0),
    ("image-builder", "config images list --kubernetes-version 1.36.2", 0),
    ("kubekey", "config images list --image-repository mirror.test/k8s --kubernetes-version v1.36.2", 0),
    ("kubeone", "init phase preflight --config config.yaml --ignore-preflight-errors=all --dry-run", 0),
    ("kubeone", "init phase certs etcd-ca --config=config.yaml --dry-run", 0),
    ("kubeone", "version --output=short", 0),
    ("kubeone", "config print init-defaults", 0),
    (
        "sealos",
        "config print init-defaults --component-configs KubeProxyConfiguration,KubeletConfiguration",
        0,
    ),
    ("sealos", "config print join-defaults", 0),
    ("playbooks", "completion bash", 0),
    ("playbooks", "completion zsh", 0),
    ("playbooks", "help", 0),
    ("playbooks", "", 0),
    ("playbooks", "kubeconfig", 0),
    ("playbooks", "token", 1),
    ("playbooks", "certs", 1),
    ("playbooks", "config", 1),
    ("playbooks", "config validate --config /no/such/file", 1),
    ("playbooks", "config validate --config typo.yaml", 1),
    ("playbooks", "config validate --config join.yaml", 1),
    ("playbooks", "init --config config.yaml --pod-network-cidr 10.0.0.0/16 --dry-run", 1),
    ("playbooks", "init --token nope --dry-run --kubernetes-version v1.36.2", 1),
    ("playbooks", "init --no-such-flag", 1),
    ("playbooks", "init --dry-run=maybe", 1),
    ("playbooks", "init phase nope", 1),
    ("playbooks", "version -o x", 1),
    ("playbooks", "version --short", 1),
    ("playbooks", "token create nope --dry-run", 1),
    ("playbooks", "token delete", 1),
    ("playbooks", "kubeconfig user --client-name", 1),
    ("playbooks", "certs certificate-key extra", 1),
    ("playbooks", "config images list --kubernetes-version v1.20.0", 1),
    ("playbooks", "config images list --kubernetes-version=v1.36.2 --feature-gates Nope=true", 1),
    ("playbooks", "join --discovery-token abcdef.0123456789abcdef", 1),
    ("playbooks", "join phase nope", 1),
    ("playbooks", "reset phase nope", 1),
];

fn run(line: &str) -> crate::support::Done {
    let run = kubeadm(line);
    let text = config("", "");
    let old = text.replace("v1beta4", "v1beta3").replace("encryptionAlgorithm: ECDSA-P256\n", "");
    run.file("old.yaml", old);
    run.file("typo.yaml", format!("{text}typo: 1\n"));
    run.file("config.yaml", text);
    let join = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ndiscovery: {file: {kubeConfigPath: /no/such/file}}\n";
    run.file("join.yaml", join);
    run.run()
}

#[test]
fn callers_get_kubeadm_s_exit_code() {
    for (who, line, code) in LINES {
        let done = run(line);
        assert_eq!(done.code, Some(*code), "{who}: kubeadm {line}: {}", done.everything());
    }
}

#[test]
fn callers_read_what_kubeadm_prints() {
    for (who, line) in [
        ("kubespray", "config images list --config=config.yaml"),
        ("minikube", "config images list --kubernetes-version=v1.36.2"),
        ("sealos", "config images list --config config.yaml"),
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
    assert_eq!(run("config validate --config config.yaml").succeeded().stdout, "ok\n");
    let key = run("certs certificate-key").succeeded().stdout;
    assert!(key.len() == 65 && key.trim_end().bytes().all(|b| b.is_ascii_hexdigit()), "{key}");
}
