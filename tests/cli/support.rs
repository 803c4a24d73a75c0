//! A builder for runs of kubestrap that do not depend on the machine, and helpers to look at what they left.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Where certificates lie in tests: a folder that no machine has, so that no existing PKI is taken up.
pub(crate) const PKI: &str = "/opt/kubestrap-test/pki";
/// Where kubeconfigs lie in tests, for the same reason.
pub(crate) const KUBECONFIGS: &str = "/opt/kubestrap-test";
/// The InitConfiguration of most tests: nothing in it is left to the machine.
pub(crate) const INIT: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 192.0.2.2}
nodeRegistration:
  name: cp-1
  criSocket: unix:///run/containerd/containerd.sock
";
/// The ClusterConfiguration of most tests. ECDSA, because it is fast.
pub(crate) const CLUSTER: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
certificatesDir: /opt/kubestrap-test/pki
encryptionAlgorithm: ECDSA-P256
";

/// A configuration file: what tests have in common, with more lines for each of its two documents.
pub(crate) fn config(init: &str, cluster: &str) -> String {
    format!("{INIT}{init}\n---\n{CLUSTER}{cluster}\n")
}

/// The built program.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_kubestrap"))
}

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A program's path, if it is there.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| path.is_file())
}

/// Says that (a part of) a test could not be done here.
#[allow(clippy::print_stderr)]
pub(crate) fn note_skipped(what: &str) {
    eprintln!("NOT TESTED HERE: {what}");
}

/// A folder that is / for runs in it, so that they are about files of a machine of their own. None but root can use it.
pub(crate) struct Machine {
    dir: TempDir,
}

impl Machine {
    /// A machine with nothing on it.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("kubestrap-test-").tempdir().unwrap();
        std::fs::create_dir(dir.path().join("tmp")).unwrap();
        Self { dir }
    }

    /// One on which init's phases have written every file, for [`config`]`("", "")`.
    pub(crate) fn with_files() -> Self {
        let machine = Self::new();
        machine.write_files("");
        machine
    }

    /// Runs the phases that write files, with more lines in the ClusterConfiguration.
    pub(crate) fn write_files(&self, cluster: &str) {
        for phase in FILE_PHASES {
            self.run(&format!("init phase {phase}"), cluster).run().succeeded();
        }
    }

    /// A run on it, with the configuration.
    pub(crate) fn run(&self, args: &str, cluster: &str) -> Run {
        let text = format!("{INIT}---\n{}{cluster}\n", CLUSTER.replace(PKI, "/etc/kubernetes/pki"));
        std::fs::write(self.dir.path().join("config.yaml"), text).unwrap();
        kubestrap(&[]).args(args).args("--config /config.yaml --rootfs").arg(self.dir.path())
    }

    /// A file of it, by its path there.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.dir.path().join(path.trim_start_matches('/'))
    }

    /// Every file of it.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        ["etc", "var"].iter().flat_map(|top| files(&self.file(top))).collect()
    }
}

/// The phases that write files, and nothing else that matters on a [`Machine`].
pub(crate) const FILE_PHASES: [&str; 5] =
    ["certs all", "kubeconfig all", "etcd local", "control-plane all", "kubelet-start"];

/// A run to be.
pub(crate) struct Run {
    dir: TempDir,
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    stdin: Option<Vec<u8>>,
    run_by_nobody: bool,
    as_kubeadm: bool,
}

/// `kubestrap` with these arguments.
pub(crate) fn kubestrap(args: &[&str]) -> Run {
    let dir = tempfile::Builder::new().prefix("kubestrap-test-").tempdir().unwrap();
    let args = args.iter().map(OsString::from).collect();
    Run { dir, args, env: vec![], stdin: None, run_by_nobody: false, as_kubeadm: false }
}

/// The program under the name `kubeadm`, with these arguments, parted by blanks.
pub(crate) fn kubeadm(args: &str) -> Run {
    let mut run = kubestrap(&[]).args(args);
    run.as_kubeadm = true;
    run
}

/// A dry run of `init` that leaves its result in the folder [`Done::out`]. It does not look at the machine, nor at what
/// its kubelet got from a cluster that may run there.
pub(crate) fn dry_run() -> Run {
    dry_run_here().arg("--kubeconfig-dir").arg(KUBECONFIGS)
}

/// A run that generates all certificates. ECDSA, because it is fast.
pub(crate) fn all_certificates() -> Run {
    kubestrap(&["init", "phase", "certs", "all"])
        .args("--kubernetes-version=v1.36.2 --feature-gates=PublicKeysECDSA=true")
}

/// A [`dry_run`] without a folder for kubeconfigs.
pub(crate) fn dry_run_here() -> Run {
    let run = kubestrap(&["init", "--dry-run", "--skip-phases", "preflight,kubelet-finalize"]);
    let out = run.path().join("out");
    run.arg("--dry-run-dir").arg(out)
}

impl Run {
    /// One more argument.
    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// More arguments, parted by blanks.
    pub(crate) fn args(mut self, args: &str) -> Self {
        self.args.extend(args.split_whitespace().map(OsString::from));
        self
    }

    /// With `--config` and a file of this content, `config.yaml` in [`Run::path`].
    pub(crate) fn config(self, content: impl AsRef<[u8]>) -> Self {
        let file = self.file("config.yaml", content);
        self.arg("--config").arg(file)
    }

    /// Puts a file into the run's folder, and tells its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// With a kubelet of this version in PATH; none where it is empty.
    pub(crate) fn with_kubelet(self, version: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let dir = self.path().join("kubelet-bin");
        std::fs::create_dir(&dir).unwrap();
        if !version.is_empty() {
            let script = self.file("kubelet-bin/kubelet", format!("#!/bin/sh\necho Kubernetes {version}\n"));
            std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        self.env("PATH", &dir.display().to_string())
    }

    /// With this on standard input.
    pub(crate) fn stdin(mut self, content: impl AsRef<[u8]>) -> Self {
        self.stdin = Some(content.as_ref().to_vec());
        self
    }

    /// With this in its environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Without root: as nobody, where the tests run as root.
    pub(crate) fn run_by_nobody(mut self) -> Self {
        self.run_by_nobody = is_root();
        self
    }

    /// The run's own folder, which is also its working directory.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The command line, as one would type it.
    pub(crate) fn line(&self) -> String {
        let words = self.args.iter().map(|arg| arg.to_string_lossy().into_owned());
        [vec!["kubestrap".to_owned()], words.collect()].concat().join(" ")
    }

    /// The command, not yet started. Proxies of the machine's environment are left out: they go into manifests.
    pub(crate) fn command(&self) -> Command {
        let mut command = if self.run_by_nobody {
            nobody(self.path())
        } else if self.as_kubeadm {
            let link = self.path().join("kubeadm");
            std::os::unix::fs::symlink(binary(), &link).unwrap();
            Command::new(link)
        } else {
            Command::new(binary())
        };
        command.args(&self.args).current_dir(self.path()).stdin(Stdio::null());
        let proxies = std::env::vars_os().map(|(name, _)| name);
        for name in proxies.filter(|n| n.to_string_lossy().to_lowercase().ends_with("_proxy")) {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(n, v)| (n, v)));
        command
    }

    /// What it left, where a command of one's own ran it.
    pub(crate) fn into_done(self) -> Done {
        Done { code: None, stdout: String::new(), stderr: String::new(), took: Duration::ZERO, dir: self.dir }
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Done {
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.stdin.is_some() {
            command.stdin(Stdio::piped());
        }
        let start = Instant::now();
        let mut child = command.spawn().unwrap();
        if let Some(content) = &self.stdin {
            // Who does not read its input to the end may close it.
            let _ = child.stdin.take().unwrap().write_all(content);
        }
        let output = child.wait_with_output().unwrap();
        let took = start.elapsed();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("kubestrap prints text");
        Done {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            took,
            dir: self.dir,
        }
    }
}

/// A command that runs the program as nobody, who must be able to reach both it and the working directory.
fn nobody(dir: &Path) -> Command {
    use std::os::unix::fs::{PermissionsExt, chown};
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    let own = dir.join("bin");
    std::fs::create_dir(&own).unwrap();
    let copy = own.join("kubestrap");
    std::fs::hard_link(binary(), &copy).or_else(|_| std::fs::copy(binary(), &copy).map(|_| ())).unwrap();
    chown(dir, Some(65534), Some(65534)).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]).arg(copy);
    command
}

/// A run that ended.
pub(crate) struct Done {
    /// Its exit code; none if a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it said.
    pub(crate) stderr: String,
    /// How long it took.
    pub(crate) took: Duration,
    dir: TempDir,
}

impl Done {
    /// Checks that it did what it should.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }

    /// Checks that it was refused with this exit code, a message that has all of `parts`, and in good order.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in: {}", self.stderr);
        }
        self
    }

    /// Everything that it printed and said.
    pub(crate) fn everything(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    /// The run's own folder.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The folder of a dry run's result.
    pub(crate) fn out(&self) -> PathBuf {
        self.path().join("out")
    }

    /// A file of a dry run's result, by its real path.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.out().join(path.trim_start_matches('/'))
    }

    /// The text of a file of a dry run's result.
    pub(crate) fn text(&self, path: &str) -> String {
        let file = self.file(path);
        std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}\n{}", file.display(), self.stderr))
    }

    /// The manifest of a component, as the tool wrote it.
    pub(crate) fn manifest(&self, component: &str) -> Value {
        one(&self.text(&format!("/etc/kubernetes/manifests/{component}.yaml")))
    }

    /// A file of the PKI of a dry run's result.
    pub(crate) fn pki(&self, file: &str) -> PathBuf {
        self.file(&format!("{PKI}/{file}"))
    }

    /// The cluster's objects of a dry run's result, in their order.
    pub(crate) fn objects(&self) -> Vec<Value> {
        kubestrap::testing::parse_values(&self.text("cluster-objects.yaml")).unwrap()
    }

    /// The object of this kind and name.
    pub(crate) fn object(&self, kind: &str, name: &str) -> Value {
        let found = self.objects().into_iter().find(|o| o["kind"] == kind && o["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    /// The documents of a dry run's stdout, by the name that each bears in a comment.
    pub(crate) fn documents(&self) -> BTreeMap<String, String> {
        let documents = self.stdout.split("---\n# ").filter(|d| !d.is_empty());
        let named = documents.map(|d| d.split_once('\n').expect("a document has a name"));
        named.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }
}

/// The one document in `text`, read by YAML 1.1.
pub(crate) fn one(text: &str) -> Value {
    let mut values = kubestrap::testing::parse_values(text).unwrap();
    assert_eq!(values.len(), 1, "{text}");
    values.remove(0)
}

/// Every file below `dir`, sorted.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    let Ok(entries) = std::fs::read_dir(dir) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Runs a tool that must succeed, and gives what it printed.
pub(crate) fn tool(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}
