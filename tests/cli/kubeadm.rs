//! Under the name `kubeadm`, the program stands in for it: callers notice no difference.

use serde_json::Value;

use crate::support::{kubeadm, kubestrap};

#[test]
fn version_is_that_of_the_installed_kubelet() {
    let short = |kubelet: &str| kubeadm("version -o short").with_kubelet(kubelet).run().succeeded().stdout;
    assert_eq!(short("v1.35.3"), "v1.35.3\n");
    assert_eq!(short("v1.36.0-rc.1"), "v1.36.0-rc.1\n");
    let newest = short("");
    assert!(newest.starts_with("v1.37."), "{newest}");
    assert_eq!(short("v1.30.1"), newest, "a minor that we do not know");

    let json = kubeadm("version -o json").with_kubelet("v1.34.5").run().succeeded().stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    let info = &json["clientVersion"];
    assert_eq!((&info["major"], &info["minor"]), (&"1".into(), &"34".into()));
    assert_eq!(info["gitVersion"], "v1.34.5");
    let text = kubeadm("version").with_kubelet("v1.34.5").run().succeeded().stdout;
    assert!(text.starts_with("kubeadm version: &version.Info{Major:\"1\", Minor:\"34\", "), "{text}");
    assert!(text.contains(", GitVersion:\"v1.34.5\", "), "{text}");

    let own = kubestrap(&["version"]).with_kubelet("v1.34.5").run().succeeded().stdout;
    assert!(own.contains(env!("CARGO_PKG_VERSION")) && own.contains("v1.34."), "{own}");
}

#[test]
fn default_version_is_of_the_installed_kubelet_s_minor() {
    let api_server = |kubelet: &str| {
        let list = kubestrap(&["config", "images", "list"]).with_kubelet(kubelet).run().succeeded().stdout;
        list.lines().next().unwrap().to_owned()
    };
    assert!(api_server("v1.35.0").starts_with("registry.k8s.io/kube-apiserver:v1.35."), "by kubelet");
    assert!(api_server("").starts_with("registry.k8s.io/kube-apiserver:v1.37."), "without kubelet");
    let defaults = kubestrap(&["config", "print", "init-defaults"]).with_kubelet("v1.34.1").run().succeeded();
    assert!(defaults.stdout.contains("kubernetesVersion: 1.34.0\n"), "{}", defaults.stdout);
    let args =
        "init --dry-run --skip-phases preflight --apiserver-advertise-address 192.0.2.2 --node-name cp-1";
    let dry_run = kubestrap(&[]).args(args).with_kubelet("v1.33.0").run().succeeded();
    assert!(dry_run.stderr.contains("[init] Using Kubernetes version: v1.33."), "{}", dry_run.stderr);
}

#[test]
fn help_is_no_error_where_nothing_was_asked() {
    for args in ["", "kubeconfig", "help", "-h", "token --help"] {
        let help = kubeadm(args).run().succeeded();
        assert!(help.stdout.contains("Usage: kubeadm") && help.stderr.is_empty(), "{args}: {}", help.stdout);
    }
    for args in ["token", "certs", "config", "upgrade", "init phase", "nope", "init --nope", "version -o x"] {
        kubeadm(args).run().refused(1, &[]);
    }
}

/// What `config images list -o FORMAT` prints; the expected texts are what kubeadm 1.36.2 prints.
#[test]
fn objects_are_printed_through_templates() {
    let list = |format: &str, more: &str| {
        let run = kubeadm("config images list --kubernetes-version v1.36.2").args(more);
        run.file("template", "{.images[-1]}");
        run.arg("-o").arg(format).run()
    };
    let shown = |format: &str| list(format, "").succeeded().stdout;
    assert_eq!(shown("jsonpath={.images[0]}"), "registry.k8s.io/kube-apiserver:v1.36.2");
    assert_eq!(
        shown(r#"jsonpath={range .images[0:2]}{@}{"\n"}{end}"#),
        "registry.k8s.io/kube-apiserver:v1.36.2\nregistry.k8s.io/kube-controller-manager:v1.36.2\n"
    );
    assert_eq!(shown("jsonpath={.nope}"), "");
    assert_eq!(shown("jsonpath-file=template"), "registry.k8s.io/etcd:3.6.8-0");
    assert_eq!(
        shown("jsonpath-as-json={.images[0]}"),
        "[\n    \"registry.k8s.io/kube-apiserver:v1.36.2\"\n]\n"
    );
    assert_eq!(shown("go-template={{range .images}}{{len .}} {{end}}"), "38 47 38 34 39 28 28 ");
    assert!(
        shown("JSON").starts_with("{\n    \"") && shown("Yaml").starts_with("apiVersion: "),
        "names of formats in capitals"
    );
    assert!(shown("kyaml").contains("  images: [\n    \"registry.k8s.io/kube-apiserver:v1.36.2\",\n"));
    for (format, part) in [
        ("jsonpath={.images[9]}", "array index out of bounds: index 9, length 7"),
        ("jsonpath={.images[", "can't be read"),
        ("jsonpath", "needs a template"),
        ("jsonpath-file=/no/such/file", "/no/such/file"),
        ("nope", "jsonpath-as-json"),
    ] {
        list(format, "").refused(1, &[part]);
    }
    list("jsonpath={.nope}", "--allow-missing-template-keys=false").refused(1, &["nope is not found"]);
}
