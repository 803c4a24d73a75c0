//! What people read: transcripts of each command's main uses and errors, exit code, stdout and stderr whole, kept in
//! `tests/snapshots/outputs`. `INSTA_UPDATE=always cargo test --test cli outputs` takes over a change that is meant.

use std::fmt::Write;
use std::path::Path;

use regex::Regex;

use super::certs::Plane;
use super::support::{KUBECONFIGS, Machine, Run, config, is_root, kubestrap, note_skipped};

/// What differs from run to run, and what stands for it.
const FILTERS: [(&str, &str); 10] = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d UTC", "MMM DD, YYYY hh:mm UTC"),
    (r"\b\d+\.\d+ ?s\b", "N s"),
    (r#"":\d+\.\d+"#, r#"":N"#),
    (r"(serial +)[0-9a-f]+", "${1}HEX"),
    (r"(SHA-256 +)[0-9a-f]{64}", "${1}HEX"),
    (r"(-data: )\S+", "${1}BASE64"),
    (r"(expiration: )\S+", "${1}BASE64"),
    (r"bootstrap-token-[a-z0-9]{6}", "bootstrap-token-ID"),
    (r"/tmp/kubestrap-test-\w+", "TMP"),
];

/// Runs and what they printed.
struct Transcript {
    text: String,
    filters: Vec<(Regex, &'static str)>,
}

impl Transcript {
    /// An empty one; `folder` is called DIR in it.
    fn new(folder: &Path) -> Self {
        let mut filters = vec![(Regex::new(&regex::escape(&folder.display().to_string())).unwrap(), "DIR")];
        filters.extend(FILTERS.map(|(pattern, word)| (Regex::new(pattern).unwrap(), word)));
        Self { text: String::new(), filters }
    }

    /// Adds a run.
    fn run(&mut self, run: Run) {
        self.add(run, |stdout| stdout);
    }

    /// Adds a run that prints objects, of which only the names are kept: `snapshots` has their content.
    fn run_naming(&mut self, run: Run) {
        self.add(run, |stdout| {
            let names = stdout.split("---\n").filter_map(|document| document.strip_prefix("# "));
            names.map(|document| format!("# {}\n", document.lines().next().unwrap())).collect()
        });
    }

    fn add(&mut self, run: Run, shown: impl Fn(String) -> String) {
        let (line, folder) = (run.line(), run.path().display().to_string());
        let done = run.run();
        let code = done.code.unwrap();
        let text = format!("$ {line}\n[exit code {code}]\n{}", shown(done.stdout));
        let text = if done.stderr.is_empty() { text } else { format!("{text}[stderr]\n{}", done.stderr) };
        let mut text = text.replace(&folder, "DIR");
        for (pattern, word) in &self.filters {
            text = pattern.replace_all(&text, *word).into_owned();
        }
        writeln!(self.text, "{text}").unwrap();
    }

    /// Holds it against what is kept under this name.
    #[track_caller]
    fn keep(self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../snapshots/outputs");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, self.text));
    }
}

/// A transcript of runs that share no folder.
fn transcript() -> Transcript {
    Transcript::new(Path::new("/no folder"))
}

#[test]
fn help() {
    let mut all = transcript();
    all.run(kubestrap(&["--help"]));
    all.run(kubestrap(&["init", "phase", "certs", "ca", "-h"]));
    all.run(kubestrap(&["inti"]));
    all.run(kubestrap(&["init", "--pod-network-cdir", "10.244.0.0/16"]));
    all.run(kubestrap(&["init", "--dry-run", "--skip-phases", "addons"]));
    all.run(kubestrap(&["init", "phase", "addons"]));
    all.keep("help");
}

#[test]
fn init() {
    let mut all = transcript();
    let dry = |more: &str| {
        let run = kubestrap(&["init", "--dry-run", "--kubeconfig-dir", KUBECONFIGS]).args(more);
        run.args("--skip-phases preflight,kubelet-finalize")
    };
    let subnet = "networking: {podSubnet: 10.244.0.0/16}";
    all.run_naming(dry("").config(config("", subnet)));
    all.run(
        dry("").config(config("", "kubernetesVersions: v1.36.2\nfeatureGates: {RootlessControlPlane: true}")),
    );
    all.run(dry("--strict").config(config("", "kubernetesVersions: v1.36.2")));
    all.run(dry("--kubernetes-version v1.30.0"));
    let run = dry("--kubernetes-version v1.36.2 --apiserver-advertise-address 192.0.2.10 --node-name n1");
    let patches = run.file("patches/etcd+strategic.yaml", "spec: {containers: [{image: x}]}\n");
    all.run(run.arg("--patches").arg(patches.parent().unwrap()));
    all.run(dry("--config /nonexistent.yaml"));
    all.keep("init");
}

#[test]
fn certificates() {
    let plane = Plane::new();
    let mut all = Transcript::new(plane.dir());
    let certs = |args: &str| kubestrap(&[]).args(args).arg("--config").arg(plane.config());
    for args in ["init phase certs all", "init phase certs apiserver -o json"] {
        all.run(certs(args));
    }
    for args in ["check-expiration", "check-expiration --fail-within 400d", "inspect", "generate-csr"] {
        all.run(plane.command(args));
    }
    all.run(plane.command("renew all"));
    all.run(plane.command("renew apiserver -o json"));
    all.run(certs("kubeconfig user --client-name jane --org dev"));
    std::fs::copy(plane.file("pki/etcd/peer.key"), plane.file("pki/apiserver.key")).unwrap();
    std::fs::remove_file(plane.file("pki/front-proxy-ca.key")).unwrap();
    std::fs::write(plane.file("pki/etcd/ca.crt"), "nothing").unwrap();
    for phase in ["apiserver", "front-proxy-ca", "front-proxy-client", "etcd-ca"] {
        all.run(certs(&format!("init phase certs {phase}")));
    }
    all.run(plane.command("check-expiration"));
    all.run(plane.command("inspect apiserver"));
    all.keep("certificates");
}

#[test]
fn configuration() {
    let mut all = transcript();
    let validate = || kubestrap(&["config", "validate"]);
    all.run(validate().config(config("", "")));
    all.run(validate().config(
        config("", "").replace("v1beta4", "v1beta3").replace("encryptionAlgorithm: ECDSA-P256\n", ""),
    ));
    all.run(validate().config(config("", "etcd: {local: {dataDir: var/etcd}}\nnetworking: {podSubnet: 10.244.0.0}\ncontrolPlaneEndpoint: https://x")));
    let flags =
        "apiServer: {extraArgs: [{name: audit-log-maxage, value: 30d}, {name: insecure-port, value: '0'}]}";
    all.run(validate().config(config("", flags)));
    all.run(validate().config("kind: InitConfiguration\n"));
    all.run(validate().config("a: [\n"));
    all.run(kubestrap(&["config", "profile", "cis", "--table"]));
    all.keep("configuration");
}

/// A kubeconfig of a cluster that nobody serves.
fn unreachable(run: Run) -> Run {
    let kubeconfig = run.file(
        "admin.conf",
        "{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: k, cluster: {server: 'https://127.0.0.1:1'}}], contexts: [{name: c, context: {cluster: k, user: u}}], users: [{name: u, user: {token: t}}]}",
    );
    run.arg("--kubeconfig").arg(kubeconfig)
}

#[test]
fn cluster() {
    let mut all = transcript();
    all.run(kubestrap(&["token", "create", "abcdef.0123456789abcdef", "--dry-run"]));
    all.run(kubestrap(&["token", "create", "abcdef.0123456789abcde"]));
    all.run(kubestrap(&["token", "list", "--kubeconfig", "/nonexistent"]));
    all.run(unreachable(kubestrap(&["upgrade", "plan"])));
    all.run(kubestrap(&["etcd", "snapshot", "verify", "/nonexistent"]));
    all.run(kubestrap(&["config", "images", "pull", "--cri-socket", "/nonexistent/cri.sock"]));
    all.keep("cluster");
}

#[test]
fn join() {
    let mut all = transcript();
    let join = |args: &str| kubestrap(&["join"]).args(args);
    all.run(join(""));
    all.run(join("192.0.2.1:6443 --token abcdef --discovery-token-ca-cert-hash sha256:12"));
    all.run(join("192.0.2.1:6443 --token abcdef.0123456789abcdef"));
    all.run(join("--config /nonexistent.yaml"));
    all.keep("join");
}

/// What needs a machine of its own: files below another root folder.
#[test]
fn machine() {
    if !is_root() {
        return note_skipped("only root can change its root folder, to have a machine of its own");
    }
    let machine = Machine::with_files();
    let mut all = Transcript::new(&machine.file("").canonicalize().unwrap());
    let here = |args: &str| {
        let run = kubestrap(&[]).args(args).arg("--rootfs").arg(machine.file(""));
        run.env("HOME", "/root").env("KUBECONFIG", "")
    };
    all.run(machine.run("diff --skip-phases preflight", "scheduler: {extraArgs: [{name: v, value: '4'}]}"));
    all.run(machine.run("init phase control-plane all", "scheduler: {extraArgs: [{name: v, value: '4'}]}"));
    all.run(machine.run("init phase control-plane all", "scheduler: {extraArgs: [{name: v, value: '4'}]}"));
    all.run(here("reset --dry-run --force"));
    all.run(here("reset --force"));
    all.run(here("reset --force"));
    for args in ["care status", "nodes", "etcd members", "certs rotate-ca status", "upgrade plan"] {
        all.run(here(args));
    }
    all.run(here("backup --passphrase-file /config.yaml /backup"));
    all.run(here("restore --passphrase-file /config.yaml /config.yaml"));
    all.keep("machine");
}
