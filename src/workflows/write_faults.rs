//! Every write of init fails once, in every step; and is cut off there once, as by kill -9: what stands under its name
//! is whole, and the next run finishes the work.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::init::{Init, Options, workflow};
use crate::config::{HostFacts, Overrides, Settings, load};
use crate::error::Error;
use crate::host::fault::{Plan, plan, steps};
use crate::host::{RealHost, TEMPORARY, remove_leftovers};
use crate::kubeconfig::Kubeconfig;
use crate::output::{Format, Printer};
use crate::phases::bootstrap_token::Tokens;
use crate::pki::{Bundle, KeyPool, PrivateKey};
use crate::workflow::{Run, Seams, Selection};
use crate::yaml;

/// The phases that write files.
const PHASES: [&str; 5] = ["certs", "kubeconfig", "etcd", "control-plane", "kubelet-start"];
/// What a full disk, a folder that is not for us and a file system that is read-only say (errno(3)), each with a part of
/// what a person is told.
const ERRORS: [(i32, &str); 3] = [(28, "no space left"), (13, "run as root?"), (30, "mounted read-only")];
const CONFIG: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nlocalAPIEndpoint: {advertiseAddress: 192.0.2.2}\nnodeRegistration: {name: cp-1, criSocket: 'unix:///run/containerd/containerd.sock'}\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.2\nencryptionAlgorithm: ECDSA-P256\n";

/// A machine's folders.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        // In memory, where fsync costs nothing.
        let memory = Path::new("/dev/shm");
        Self(if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap())
    }

    fn settings(&self) -> Settings {
        let facts = HostFacts { hostname: "vm".into(), ..HostFacts::default() };
        let loaded = load("config.yaml", CONFIG).unwrap();
        let mut settings = Settings::resolve(loaded, facts, &Overrides::default()).unwrap().settings;
        let dir = |name: &str| self.0.path().join(name);
        settings.node.paths.kubeconfig_dir = dir("kubernetes");
        settings.node.paths.manifests = dir("kubernetes/manifests");
        settings.node.paths.certificates = dir("kubernetes/pki");
        settings.node.paths.kubelet = dir("kubelet");
        settings.cluster.config.etcd.local.as_mut().unwrap().data_dir = dir("etcd").display().to_string();
        settings
    }

    /// Runs the phases under a plan; whether there was nothing to do.
    fn run(&self, faults: Plan) -> Result<bool, Error> {
        let settings = self.settings();
        settings.node.paths.folders().iter().for_each(|dir| remove_leftovers(dir).unwrap());
        let seams = Seams::dry(&settings, None, 0).unwrap().seams.with_host(Arc::new(RealHost::of_files()));
        let keys = KeyPool::start(settings.cluster.algorithm, 0);
        let run = Run::new(settings, seams.with_keys(keys), Printer::new(Format::Text).quiet(), false);
        let mut init = Init::new(run, Tokens::default(), "", Options::default());
        plan(faults);
        for phase in PHASES {
            let only = Selection { only: Some(phase.into()), skip: vec![] };
            workflow().run(&only, &mut init)?;
        }
        Ok(init.run.changes.is_empty())
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut found = vec![];
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }

    /// The files under their own names, each of which must be whole, and how many others there are.
    fn whole(&self) -> (Vec<PathBuf>, usize) {
        let is_temporary = |p: &PathBuf| p.file_name().unwrap().to_string_lossy().starts_with(TEMPORARY);
        let (temporary, named): (Vec<_>, Vec<_>) = self.files().into_iter().partition(is_temporary);
        named.iter().for_each(|path| assert!(is_whole(path), "{}", path.display()));
        (named, temporary.len())
    }
}

fn is_whole(path: &Path) -> bool {
    let content = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&content);
    match path.extension().and_then(|e| e.to_str()).unwrap() {
        "crt" => Bundle::from_pem(&content).is_ok(),
        "key" => PrivateKey::from_pem(&content).is_ok(),
        "pub" => text.ends_with("-----END PUBLIC KEY-----\n"),
        "conf" => Kubeconfig::parse(&text).is_ok_and(|c| c.current_user().is_some()),
        "yaml" if text.contains("kind: Pod") => text.ends_with("status: {}\n"),
        "yaml" => yaml::parse_values(&text).is_ok() && text.ends_with('\n'),
        "env" => text.ends_with("\"\n"),
        other => panic!("what is this? {other}"),
    }
}

/// Lets step `faults.at` fail, looks at what is left, and runs again; how many temporary files were left.
fn fails(faults: Plan, told: &str) -> usize {
    let place = Place::new();
    let error = place.run(faults).unwrap_err().message;
    let (before, temporary) = place.whole();
    if !faults.kill {
        assert!(error.contains(told) && error.contains("can't"), "{faults:?}: {error}");
        assert!(error.contains(&place.0.path().display().to_string()), "{faults:?}: {error}");
        assert_eq!(temporary, 0, "{faults:?}");
    }
    let contents: Vec<_> = before.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert!(!place.run(Plan::default()).unwrap() || before.len() == 34, "{faults:?}");
    for (path, content) in before.iter().zip(contents) {
        assert!(std::fs::read(path).unwrap() == content, "{faults:?}: {} was made again", path.display());
    }
    let (after, still) = place.whole();
    assert_eq!((after.len(), still), (34, 0), "{faults:?}");
    assert!(!faults.kill || place.run(Plan::default()).unwrap(), "{faults:?}: a third run has nothing to do");
    temporary
}

/// How many steps there are in all.
fn count() -> usize {
    let place = Place::new();
    assert!(!place.run(Plan::default()).unwrap());
    assert_eq!(place.whole().0.len(), 34);
    steps()
}

#[test]
fn a_step_that_fails_leaves_what_was_and_says_what_is_wrong() {
    let count = count();
    assert!(count > 34 * 5, "{count} steps: creation, mode, content, fsync and rename of each");
    for at in 1..=count {
        let (errno, told) = ERRORS[at % ERRORS.len()];
        fails(Plan { at, errno, kill: false }, told);
    }
}

#[test]
fn a_run_that_is_cut_off_at_any_step_is_finished_by_the_next() {
    let left: usize = (1..=count()).map(|at| fails(Plan { at, errno: 4, kill: true }, "")).sum();
    assert!(left > 34, "{left} temporary files were left in all: less than one of each file");
}
