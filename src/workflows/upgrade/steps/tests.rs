//! The control plane's replacement on a node whose files are real: its order, what is put back after a failure, and what
//! becomes of it when the process is killed before any of its acts.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::super::journal::{self, Journal, Progress};
use super::super::outlook::Outlook;
use super::super::survey::Survey;
use super::super::{Options, Upgrade};
use super::{control_plane, post_upgrade, undo};
use crate::config::Settings;
use crate::error::Error;
use crate::health::{ComponentState, Snapshot, Stage, Watch, Watched};
use crate::host::{Host, RealHost};
use crate::manifest::Component;
use crate::node::fake::FakeNode;
use crate::phases::bootstrap_token::Tokens;
use crate::phases::{etcd_member, static_pods};
use crate::preflight::test_settings;
use crate::workflow::{Run, Selection};
use crate::workflows::init;

const OLD: &str = "v1.35.6";
const NEW: &str = "v1.36.2";
const ETCD_FILE: &str = "etcd/member/snap/db";

/// A control plane that does not get healthy while it is first waited for, with the new version; or does, and its
/// probes fail.
#[derive(Default)]
struct Unhealthy {
    probes: bool,
    waits: usize,
    components: Vec<Component>,
}

impl Watch for Unhealthy {
    fn begin(&mut self, watched: &Watched) -> Result<(), String> {
        self.waits += 1;
        self.components = watched.targets.iter().map(|t| t.component).collect();
        Ok(())
    }

    fn snapshot(&mut self) -> Snapshot {
        let stage = if self.probes || self.waits > 1 { Stage::Healthy } else { Stage::Running };
        let state = || ComponentState { stage, ..ComponentState::default() };
        Snapshot {
            components: self.components.iter().map(|c| (*c, state())).collect(),
            ..Snapshot::default()
        }
    }

    fn doomed(&mut self) -> BTreeMap<Component, String> {
        let fails = self.probes && self.waits == 1;
        fails.then(|| (Component::ApiServer, "/nowhere: 404 not found".to_owned())).into_iter().collect()
    }
}

/// A node of the old version, and a copy of it as it was.
struct Site(TempDir);

const FOLDERS: [&str; 2] = ["kubernetes", "etcd"];

impl Site {
    fn new() -> Self {
        // In memory, where fsync costs nothing.
        let memory = Path::new("/dev/shm");
        let site = Self(if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap());
        let run = site.run(OLD, Arc::new(FakeNode::default()));
        let mut init = init::Init::new(run, Tokens::default(), "", init::Options::default());
        for phase in ["certs", "kubeconfig", "etcd", "control-plane"] {
            let only = Selection { only: Some(phase.into()), skip: vec![] };
            init::workflow().run(&only, &mut init).unwrap();
        }
        std::fs::create_dir_all(site.path(ETCD_FILE).parent().unwrap()).unwrap();
        std::fs::write(site.path(ETCD_FILE), "old data").unwrap();
        for folder in FOLDERS {
            RealHost::of_files().copy_all(&site.path(folder), &site.path("copy").join(folder)).unwrap();
        }
        site
    }

    /// As it was at first.
    fn fresh_again(&self) {
        for folder in FOLDERS {
            std::fs::remove_dir_all(self.path(folder)).unwrap();
            RealHost::of_files().copy_all(&self.path("copy").join(folder), &self.path(folder)).unwrap();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn settings(&self, version: &str) -> Settings {
        let config = format!("kubernetesVersion: {version}\nencryptionAlgorithm: ECDSA-P256\n");
        let mut settings = test_settings(&config);
        settings.node.paths.kubeconfig_dir = self.path("kubernetes");
        settings.node.paths.manifests = self.path("kubernetes/manifests");
        settings.node.paths.certificates = self.path("kubernetes/pki");
        settings.node.paths.kubelet = self.path("kubelet");
        settings.cluster.config.etcd.local.as_mut().unwrap().data_dir =
            self.path("etcd").display().to_string();
        settings.node.timeouts.upgrade_manifests = Duration::from_millis(200);
        settings
    }

    fn run(&self, version: &str, node: Arc<FakeNode>) -> Run {
        node.run(&self.settings(version))
    }

    /// An upgrade of it; it takes up what an earlier one left.
    fn upgrade(&self, node: &Arc<FakeNode>) -> Upgrade {
        let run = self.run(NEW, Arc::clone(node));
        let journal = Journal::read(&run.settings.node.paths, &RealHost::of_files()).unwrap();
        Upgrade {
            run,
            options: Options {
                etcd_upgrade: true,
                certificate_renewal: true,
                force: false,
                allow_experimental: false,
                allow_candidates: false,
                ask: false,
            },
            current: OLD.parse().unwrap(),
            survey: Survey::default(),
            control_plane: true,
            outlook: Outlook::default(),
            journal,
            stored_text: String::new(),
            probe: None,
        }
    }

    /// Replaces the control plane to the end; tells whether it changed anything.
    fn apply(&self, node: &Arc<FakeNode>) -> Result<bool, Error> {
        let mut upgrade = self.upgrade(node);
        control_plane::upgrade(&mut upgrade)?;
        post_upgrade::finish(&mut upgrade)?;
        Ok(!upgrade.run.changes.is_empty())
    }

    /// The manifests, certificates and kubeconfigs.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path("kubernetes")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true if path.ends_with("tmp") => {}
                    true => folders.push(path),
                    false => drop(found.insert(path.clone(), std::fs::read(path).unwrap())),
                }
            }
        }
        found
    }

    fn images(&self) -> Vec<String> {
        let text =
            |c: Component| std::fs::read_to_string(self.path("kubernetes/manifests").join(c.file())).unwrap();
        let image = |text: &str| {
            let line = text.lines().find(|line| line.contains("image: ")).unwrap_or_default();
            line.rsplit_once(':').map(|(_, tag)| tag.trim_matches('"').to_owned()).unwrap_or_default()
        };
        Component::ALL.into_iter().map(|c| image(&text(c))).collect()
    }

    fn etcd_data(&self) -> String {
        std::fs::read_to_string(self.path(ETCD_FILE)).unwrap()
    }

    fn has_journal(&self) -> bool {
        journal::path(&self.settings(NEW).node.paths).exists()
    }
}

fn node(killed_at: usize) -> Arc<FakeNode> {
    Arc::new(FakeNode { killed_at, ..FakeNode::default() })
}

#[test]
fn manifest_is_replaced_while_kubelet_and_the_old_container_are_stopped() {
    let site = Site::new();
    let node = node(0);
    assert!(site.apply(&node).unwrap());
    assert_eq!(site.images(), ["3.6.8-0", NEW, NEW, NEW]);
    let events = node.events();
    let order = |component: &str| -> Vec<String> {
        let stopped = events.iter().position(|e| e.starts_with(&format!("stop {component}-"))).unwrap();
        let kubelet = events[..stopped].iter().rposition(|e| e == "stop kubelet").unwrap();
        let started = events.iter().skip(stopped).position(|e| e == "start kubelet").unwrap();
        events[kubelet..=stopped + started].to_vec()
    };
    assert_eq!(
        order("etcd"),
        [
            "stop kubelet",
            "stop kube-apiserver-cp-1 within 3 s",
            "stop etcd-cp-1 within 30 s",
            "copy etcd",
            "write kubestrap-upgrade.json",
            "write etcd.yaml",
            "start kubelet"
        ]
    );
    let scheduler = "stop kube-scheduler-cp-1 within 3 s";
    assert_eq!(
        order("kube-scheduler"),
        ["stop kubelet", scheduler, "write kube-scheduler.yaml", "start kubelet"]
    );
    assert!(!site.has_journal());
}

#[test]
fn second_upgrade_to_the_same_version_stops_nothing() {
    let site = Site::new();
    site.apply(&node(0)).unwrap();
    let (before, node) = (site.files(), node(0));
    assert!(!site.apply(&node).unwrap());
    assert_eq!(node.events(), [""; 0]);
    assert!(site.files() == before);
}

#[test]
fn etcd_member_keeps_the_members_it_joined_for_as_long_as_they_name_it() {
    let flags = |site: &Site| -> Vec<String> {
        let text = std::fs::read_to_string(site.path("kubernetes/manifests/etcd.yaml")).unwrap();
        let flags = text.lines().filter_map(|line| line.trim().strip_prefix("- --initial-cluster"));
        flags.map(str::to_owned).collect()
    };
    let own = format!("cp-1={}", etcd_member::peer_url(&Site::new().run(OLD, node(0))));
    for (members, kept) in [
        (format!("n1=https://192.0.2.9:2380,{own}"), true),
        (format!("{own},n1=https://192.0.2.9:2380"), true),
        ("n1=https://192.0.2.9:2380,cp-1=https://192.0.2.99:2380".to_owned(), false),
    ] {
        let site = Site::new();
        static_pods::write_joining_etcd(&mut site.run(OLD, node(0)), &members).unwrap();
        site.apply(&node(0)).unwrap();
        let expected = if kept {
            vec![format!("={members}"), "-state=existing".into()]
        } else {
            vec![format!("={own}")]
        };
        assert_eq!(flags(&site), expected);
        assert!(!site.apply(&node(0)).unwrap(), "a second upgrade restarts nothing");
    }
}

#[test]
fn control_plane_that_does_not_get_healthy_or_will_not_stay_so_is_put_back() {
    for probes in [false, true] {
        let site = Site::new();
        let before = site.files();
        let node = node(0);
        let mut upgrade = site.upgrade(&node);
        upgrade.run.watch = Box::new(Unhealthy { probes, ..Unhealthy::default() });
        let error = control_plane::upgrade(&mut upgrade).unwrap_err();
        assert_eq!(error.message.contains("probe fails: kubelet will kill it"), probes, "{error}");
        assert!(error.message.contains("this node is back at v1.35.6, and healthy"), "{error}");
        assert!(site.files() == before, "manifests, certificates and kubeconfigs are those from before");
        assert_eq!(site.etcd_data(), "old data");
        assert_eq!(node.events().iter().rfind(|e| e.ends_with("kubelet")).unwrap(), "start kubelet");
        assert!(!site.has_journal());
    }
}

#[test]
fn killed_before_any_act_it_is_finished_by_the_next_run() {
    let site = Site::new();
    let whole = node(0);
    site.apply(&whole).unwrap();
    let acts = whole.events().len();
    assert!(acts > 40, "{acts} acts: {:?}", whole.events());
    for killed_at in 1..=acts {
        site.fresh_again();
        let killed = catch_unwind(AssertUnwindSafe(|| site.apply(&node(killed_at))));
        assert!(killed.is_err(), "{killed_at}: it was not killed");
        let next = node(0);
        site.apply(&next).unwrap_or_else(|e| panic!("killed at {killed_at}: {e}"));
        assert_eq!(site.images(), ["3.6.8-0", NEW, NEW, NEW], "killed at {killed_at}");
        assert_eq!(site.etcd_data(), "old data", "killed at {killed_at}");
        assert!(!site.has_journal(), "killed at {killed_at}");
        assert!(!site.apply(&node(0)).unwrap(), "killed at {killed_at}: a third run has nothing to do");
    }
}

#[test]
fn killed_before_any_act_the_node_can_go_back() {
    let site = Site::new();
    let whole = node(0);
    site.apply(&whole).unwrap();
    for killed_at in 1..=whole.events().len() {
        site.fresh_again();
        let before = site.files();
        let killed = catch_unwind(AssertUnwindSafe(|| site.apply(&node(killed_at))));
        assert!(killed.is_err(), "{killed_at}: it was not killed");
        let mut back = site.run(OLD, node(0));
        let Some(journal) = Journal::read(&back.settings.node.paths, &RealHost::of_files()).unwrap() else {
            // Before anything was begun, or after everything was done.
            let done = killed_at + 1 > whole.events().len();
            assert!(site.files() == before || done, "killed at {killed_at}");
            continue;
        };
        undo::undo(&mut back, &journal).unwrap_or_else(|e| panic!("killed at {killed_at}: {e}"));
        assert!(site.files() == before, "killed at {killed_at}");
        assert_eq!(site.etcd_data(), "old data", "killed at {killed_at}");
        assert!(!site.has_journal(), "killed at {killed_at}");
    }
}

#[test]
fn data_of_etcd_is_put_back_only_where_the_old_one_needs_it() {
    for (progress, needed, data, lost) in [
        (Progress::Begun, false, "old data", false),
        (Progress::Healthy, false, "new data", false),
        (Progress::Healthy, true, "old data", true),
    ] {
        let site = Site::new();
        let mut upgrade = site.upgrade(&node(0));
        control_plane::upgrade(&mut upgrade).unwrap();
        std::fs::write(site.path(ETCD_FILE), "new data").unwrap();
        let mut journal = upgrade.journal.unwrap();
        journal.components.insert(Component::Etcd, progress);
        journal.etcd.as_mut().unwrap().needed = needed;
        let told = undo::undo(&mut site.run(OLD, node(0)), &journal).unwrap();
        assert_eq!((site.etcd_data().as_str(), told.is_some()), (data, lost), "{progress:?} {needed}");
        assert!(!site.path("etcd/member-of-failed-upgrade").exists());
    }
}
