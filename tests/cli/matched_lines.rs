//! Lines that callers of kubeadm look for in what it says.

use regex::Regex;

use crate::support::{CLUSTER, INIT, kubeadm, note_skipped, program};

/// Where a line is said.
enum Said {
    /// On the stream of a run with this configuration.
    Stderr(&'static str, &'static str),
    /// In a message that only a real cluster brings about: its template, or the code that makes it.
    In(&'static str),
}

use Said::{In, Stderr};

/// What is looked for, who does so, and where it is said.
const LINES: &[(&str, &str, Said)] = &[
    (
        r"ERROR.*the number of available CPUs 1 is less than the required 2",
        "minikube (RSRC_INSUFFICIENT_CORES)",
        Stderr("taskset --cpu-list 0", ""),
    ),
    (r"dnsDomain: Invalid", "minikube (K8S_INVALID_DNS_DOMAIN)", Stderr("", "networking: {dnsDomain: a_b}")),
    (
        r"apiServer.certSANs: Invalid value",
        "minikube (K8S_INVALID_CERT_HOSTNAME)",
        Stderr("", "apiServer: {certSANs: [a_b]}"),
    ),
    (
        r"Port \{port\} is in use",
        "minikube (GUEST_PORT_IN_USE: `ERROR Port-.*is in use`)",
        In(include_str!("../../src/preflight/network/ports.rs")),
    ),
    (
        r"The kubelet is not running",
        "minikube (K8S_KUBELET_NOT_RUNNING)",
        In(include_str!("../../src/phases/wait_control_plane.rs")),
    ),
    (
        r"(?m)^Your Kubernetes control-plane has initialized successfully!$",
        "playbooks and scripts that wait for it",
        In(include_str!("../../templates/messages/closing.txt")),
    ),
    (
        r"(?m)^You can now join any number of control-plane nodes running the following command on each as root:$",
        "playbooks that cut out the join command for control planes",
        In(include_str!("../../templates/messages/closing.txt")),
    ),
    (
        r"(?m)^Then you can join any number of worker nodes by running the following on each as root:$",
        "playbooks that cut out the join command for workers",
        In(include_str!("../../templates/messages/closing.txt")),
    ),
    (
        r"(?m)^This node has joined the cluster( and a new control plane instance was created)?:$",
        "playbooks and scripts that wait for it",
        In(include_str!("../../templates/messages/joined.txt")),
    ),
    (
        r#"SUCCESS! A control plane node of your cluster was upgraded to"#,
        "playbooks that decide by it whether an upgrade was done",
        In(include_str!("../../src/commands/upgrade/apply.rs")),
    ),
    (
        r#"CERTIFICATE_KEY: &str = "Using certificate key:";"#,
        "kubespray, Cluster API's and other scripts that take the next line",
        In(include_str!("../../src/workflows/init/mod.rs")),
    ),
    (
        r#""Using token: \{token\}""#,
        "scripts that cut the token out of init's log",
        In(include_str!("../../src/workflows/init/mod.rs")),
    ),
    (
        r#""Applied essential addon: kube-proxy""#,
        "scripts that wait for the last line before the closing message",
        In(include_str!("../../src/phases/addon.rs")),
    ),
];

#[test]
fn callers_find_the_lines_that_they_look_for() {
    for (pattern, who, said) in LINES {
        let pattern = Regex::new(pattern).unwrap();
        let text = match said {
            In(text) => (*text).to_owned(),
            Stderr(wrapper, cluster) => {
                let run = kubeadm("init phase preflight --config config.yaml");
                run.file("config.yaml", format!("{INIT}---\n{CLUSTER}{cluster}\n"));
                let mut command = run.command();
                if !wrapper.is_empty() {
                    let mut words = wrapper.split_whitespace();
                    let tool = words.next().unwrap();
                    if program(tool).is_none() {
                        note_skipped(tool);
                        continue;
                    }
                    let inner = command;
                    command = std::process::Command::new(tool);
                    command.args(words).arg(inner.get_program()).args(inner.get_args());
                    command.current_dir(run.path());
                }
                let output = command.output().unwrap();
                assert_eq!(output.status.code(), Some(1), "{who}");
                String::from_utf8(output.stderr).unwrap()
            }
        };
        assert!(pattern.is_match(&text), "{who} looks for {pattern}: {text}");
    }
}

#[test]
fn log_lines_are_where_kubeadm_has_them() {
    let args = "init --dry-run --skip-phases preflight --config config.yaml";
    let run = kubeadm(args);
    run.file("config.yaml", format!("{INIT}---\n{CLUSTER}unknownField: 1\n"));
    let done = run.run().succeeded();
    for line in
        ["[init] Using Kubernetes version: v1.36.2\n", "[certs] Would generate \"ca\"", "[kubeconfig] "]
    {
        assert!(done.stdout.contains(line) && !done.stderr.contains(line), "{line}: {}", done.stdout);
    }
    assert!(done.stderr.contains("unknownField") && !done.stdout.contains("unknownField"), "{}", done.stderr);
}

#[test]
fn commands_to_run_bear_the_name_that_was_called() {
    for args in ["init --help", "token create --help", "certs renew -h", "", "init phase nope"] {
        let done = kubeadm(args).run();
        let said = done.everything();
        assert!(said.contains("kubeadm ") && !said.contains("kubestrap "), "{args}: {said}");
    }
    // The log's lines likewise, though they are on the other stream.
    let waiting = kubeadm("join --dry-run --ignore-preflight-errors all --config join.yaml");
    waiting.file(
        "join.yaml",
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ntimeouts: {discovery: 1s}\n\
         discovery: {bootstrapToken: {apiServerEndpoint: '127.0.0.1:1', token: abcdef.0123456789abcdef, unsafeSkipCAVerification: true}}\n",
    );
    let said = waiting.run().everything();
    assert!(said.contains("If it stays so: ") && !said.contains("kubestrap "), "{said}");
    let manual = kubeadm("manual pages").run().succeeded();
    let page = std::fs::read_to_string(manual.path().join("pages/kubeadm-token-create.1")).unwrap();
    assert!(page.contains("kubeadm token create") && !page.contains("kubestrap token"), "{page}");
    let script = kubeadm("completion bash").run().succeeded().stdout;
    assert!(script.contains("complete -F _kubeadm") && script.contains("kubeadm,token"), "{script}");
}
