//! A rotation on a node whose files are real: before each of its acts, everybody who is there verifies everybody else.
//!
//! [`World`] knows what each component has read and when it reads again; certificates are verified as they do.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use time::OffsetDateTime;

use super::{Rotation, clear, turn_back, workflow};
use crate::certs::Embedded;
use crate::certs::rotation::{Progress, Stage, Staging};
use crate::config::Settings;
use crate::error::Error;
use crate::host::{Host, RealHost};
use crate::kubeconfig::Kubeconfig;
use crate::manifest::{self, Component};
use crate::node::StaticPod;
use crate::node::fake::{FakeNode, Observer};
use crate::phases::bootstrap_token::Tokens;
use crate::pki::{Bundle, Certificate, PrivateKey, verify_chain};
use crate::preflight::test_settings;
use crate::workflow::{Run, Selection};
use crate::workflows::init;

/// A node after init.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        // In memory, where fsync costs nothing.
        let memory = Path::new("/dev/shm");
        let site = Self(if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap());
        let run = site.run(Arc::new(FakeNode::default()));
        let mut init = init::Init::new(run, Tokens::default(), "", init::Options::default());
        for phase in ["certs", "kubeconfig", "etcd", "control-plane"] {
            let only = Selection { only: Some(phase.into()), skip: vec![] };
            init::workflow().run(&only, &mut init).unwrap();
        }
        site.rotate_kubelet();
        RealHost::of_files().copy_all(&site.path("kubernetes"), &site.path("copy")).unwrap();
        site
    }

    /// kubelet keeps its client certificate in a file, once it has started.
    fn rotate_kubelet(&self) {
        let (conf, file) = (self.path("kubernetes/kubelet.conf"), self.kubelet_client());
        let mut kubeconfig = Kubeconfig::parse(&std::fs::read_to_string(&conf).unwrap()).unwrap();
        let user = kubeconfig.current_user_mut().unwrap();
        let decode = |data: &mut String| STANDARD.decode(std::mem::take(data)).unwrap();
        let (certificate, key) =
            (decode(&mut user.client_certificate_data), decode(&mut user.client_key_data));
        user.client_certificate = file.display().to_string();
        user.client_key = file.display().to_string();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, [certificate, key].concat()).unwrap();
        std::fs::write(conf, kubeconfig.to_yaml().unwrap()).unwrap();
    }

    /// As it was at first.
    fn fresh_again(&self) {
        std::fs::remove_dir_all(self.path("kubernetes")).unwrap();
        RealHost::of_files().copy_all(&self.path("copy"), &self.path("kubernetes")).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn kubelet_client(&self) -> PathBuf {
        self.path("kubernetes/kubelet-client-current.pem")
    }

    fn settings(&self) -> Settings {
        let mut settings = test_settings("encryptionAlgorithm: ECDSA-P256\n");
        settings.node.paths.kubeconfig_dir = self.path("kubernetes");
        settings.node.paths.manifests = self.path("kubernetes/manifests");
        settings.node.paths.certificates = self.path("kubernetes/pki");
        settings.node.paths.kubelet = self.path("kubelet");
        settings.cluster.config.certificates_dir = self.path("kubernetes/pki").display().to_string();
        settings
    }

    fn run(&self, node: Arc<FakeNode>) -> Run {
        node.run(&self.settings())
    }

    /// A rotation of it; it takes up what an earlier one left.
    fn rotation(&self, node: FakeNode) -> Rotation {
        let staging = Staging::of(&self.path("kubernetes/pki"));
        let progress = Progress::read(&staging, &RealHost::of_files()).unwrap().unwrap_or_default();
        Rotation { run: self.run(Arc::new(node)), progress, force: false }
    }

    fn bundle(&self, file: &str) -> Bundle {
        Bundle::from_pem(&std::fs::read(self.path("kubernetes/pki").join(file)).unwrap()).unwrap()
    }

    fn embedded(&self, file: &str) -> Client {
        let text = std::fs::read(self.path("kubernetes").join(file)).unwrap();
        let embedded = Embedded::parse(&text).unwrap();
        Client { trusts: embedded.authority().unwrap(), shows: embedded.certificate().unwrap() }
    }

    fn kubelet(&self) -> Client {
        let text = std::fs::read(self.path("kubernetes/kubelet.conf")).unwrap();
        let shows = Bundle::from_pem(&std::fs::read(self.kubelet_client()).unwrap()).unwrap();
        Client { trusts: Embedded::parse(&text).unwrap().authority().unwrap(), shows }
    }

    /// All that is verified, and kube-controller-manager's manifest.
    fn contents(&self) -> Vec<u8> {
        let mut files = vec![self.path("kubernetes/manifests/kube-controller-manager.yaml")];
        for folder in ["kubernetes", "kubernetes/pki", "kubernetes/pki/etcd"] {
            files.extend(RealHost::of_files().list(&self.path(folder)).unwrap());
        }
        files.iter().filter(|file| file.is_file()).flat_map(|file| std::fs::read(file).unwrap()).collect()
    }

    fn public_keys(&self) -> Vec<Vec<u8>> {
        let text = std::fs::read(self.path("kubernetes/pki/sa.pub")).unwrap();
        pem::parse_many(text).unwrap().into_iter().map(pem::Pem::into_contents).collect()
    }

    fn signing_key(&self) -> Vec<u8> {
        let text = std::fs::read(self.path("kubernetes/pki/sa.key")).unwrap();
        PrivateKey::from_pem(&text).unwrap().spki_der().to_vec()
    }
}

/// A client of the API server: whom it trusts, and what it shows.
#[derive(Clone)]
struct Client {
    trusts: Bundle,
    shows: Bundle,
}

/// What everybody has read.
struct World {
    site: Arc<Site>,
    clients: BTreeMap<&'static str, Client>,
    /// Of etcd, which it trusts clients by; and of the API server, which it trusts etcd by.
    etcd_trusts: Bundle,
    api_server_trusts_etcd: Bundle,
    verifies_tokens: Vec<Vec<u8>>,
    signs_tokens: Vec<Vec<u8>>,
    /// A Pod's token, until it gets a new one.
    token: Vec<u8>,
    /// A worker's kubelet and an extension API server.
    worker_trusts: Bundle,
    extension_trusts: Bundle,
    stopped: Vec<Component>,
    /// What was verified already before: no file and nobody has changed since.
    unchanged: Vec<u8>,
    /// Events are only followed.
    follows_only: bool,
    checks: usize,
}

fn verify(shown: &Bundle, trusted: &Bundle, what: &str) {
    let roots: Vec<Certificate> = trusted.iter().cloned().collect();
    verify_chain(shown, &roots, OffsetDateTime::now_utc()).unwrap_or_else(|e| panic!("{what}: {e}"));
}

impl World {
    fn new(site: Arc<Site>) -> Self {
        let copy = site.embedded("admin.conf");
        let components = [
            ("controller-manager", site.embedded("controller-manager.conf")),
            ("scheduler", site.embedded("scheduler.conf")),
            ("kubelet", site.kubelet()),
            ("copy of admin.conf", copy.clone()),
            ("worker", site.kubelet()),
        ];
        Self {
            clients: components.into(),
            etcd_trusts: site.bundle("etcd/ca.crt"),
            api_server_trusts_etcd: site.bundle("etcd/ca.crt"),
            verifies_tokens: site.public_keys(),
            signs_tokens: vec![site.signing_key()],
            token: site.signing_key(),
            worker_trusts: copy.trusts,
            extension_trusts: site.bundle("front-proxy-ca.crt"),
            stopped: vec![],
            unchanged: vec![],
            follows_only: false,
            checks: 0,
            site,
        }
    }

    /// Users, workers and Pods do what they are told to do before the old CAs are dropped.
    fn follow(&mut self) {
        let admin = self.site.embedded("admin.conf");
        self.worker_trusts = admin.trusts.clone();
        self.extension_trusts = self.site.bundle("front-proxy-ca.crt");
        self.token = self.site.signing_key();
        self.clients.insert("worker", self.site.kubelet());
        self.clients.insert("copy of admin.conf", admin);
    }

    fn event(&mut self, event: &str) {
        let files = self.site.contents();
        if !self.follows_only && self.unchanged != files {
            self.check();
            self.unchanged = files;
        }
        let component =
            Component::ALL.into_iter().find(|c| event.starts_with(&format!("stop {}-", c.name())));
        self.stopped.extend(component);
        if event == "start kubelet" {
            let site = Arc::clone(&self.site);
            self.clients.insert("kubelet", site.kubelet());
            for component in std::mem::take(&mut self.stopped) {
                match component {
                    Component::Etcd => self.etcd_trusts = site.bundle("etcd/ca.crt"),
                    Component::ApiServer => {
                        self.api_server_trusts_etcd = site.bundle("etcd/ca.crt");
                        self.verifies_tokens = site.public_keys();
                        self.signs_tokens = vec![site.signing_key()];
                    }
                    Component::ControllerManager => {
                        self.signing_ca();
                        self.clients.insert("controller-manager", site.embedded("controller-manager.conf"));
                    }
                    Component::Scheduler => {
                        self.clients.insert("scheduler", site.embedded("scheduler.conf"));
                    }
                }
            }
            if !self.follows_only {
                self.check();
            }
        }
    }

    /// kube-controller-manager's signing CA, which must be one certificate with its key.
    fn signing_ca(&self) -> Certificate {
        let manifests = self.site.path("kubernetes/manifests");
        let pod = StaticPod::read(&manifests, Component::ControllerManager, &RealHost::of_files());
        let pod = pod.unwrap().unwrap();
        let file = |flag| std::fs::read(pod.flag(flag).unwrap()).unwrap();
        let bundle = Bundle::from_pem(&file("cluster-signing-cert-file")).unwrap();
        assert!(bundle.intermediates.is_empty(), "a signing certificate's file with several");
        let key = PrivateKey::from_pem(&file("cluster-signing-key-file")).unwrap();
        assert!(bundle.certificate.matches_key(&key));
        bundle.certificate
    }

    /// Everybody verifies everybody.
    fn check(&mut self) {
        self.checks += 1;
        let site = &self.site;
        let (served, client_ca) = (site.bundle("apiserver.crt"), site.bundle("ca.crt"));
        let mut clients: Vec<(&str, Client)> = self.clients.iter().map(|(n, c)| (*n, c.clone())).collect();
        clients.push(("admin.conf", site.embedded("admin.conf")));
        for (name, client) in &clients {
            verify(&served, &client.trusts, &format!("the API server, as {name} verifies it"));
            verify(&client.shows, &client_ca, &format!("{name}, as the API server verifies it"));
        }
        let to_kubelets = site.bundle("apiserver-kubelet-client.crt");
        verify(&to_kubelets, &client_ca, "the API server, as this node's kubelet verifies it");
        verify(&to_kubelets, &self.worker_trusts, "the API server, as a worker's kubelet verifies it");
        verify(&site.bundle("front-proxy-client.crt"), &self.extension_trusts, "the front proxy");
        verify(&site.bundle("etcd/server.crt"), &self.api_server_trusts_etcd, "etcd");
        for client in ["apiserver-etcd-client.crt", "etcd/peer.crt", "etcd/healthcheck-client.crt"] {
            verify(&site.bundle(client), &self.etcd_trusts, client);
        }
        for key in self.signs_tokens.iter().chain([&self.token]) {
            assert!(self.verifies_tokens.contains(key), "a token that the API server does not verify");
        }
        assert!(client_ca.iter().any(|ca| *ca == self.signing_ca()), "a kubelet's new certificate");
    }
}

/// A site, and what everybody has read there.
fn site() -> (Arc<Site>, Arc<Mutex<World>>) {
    let site = Arc::new(Site::new());
    let world = Arc::new(Mutex::new(World::new(Arc::clone(&site))));
    (site, world)
}

fn observed(world: &Arc<Mutex<World>>, killed_at: usize) -> FakeNode {
    let world = Arc::clone(world);
    let observer: Observer = Arc::new(move |event| world.lock().unwrap().event(event));
    FakeNode { observer: Some(observer), killed_at, ..FakeNode::default() }
}

/// All stages up to `last`, or as far as the process gets.
fn go(site: &Site, node: FakeNode, last: Stage) -> Result<Vec<String>, Error> {
    let events = Arc::clone(&node.events);
    let mut rotation = site.rotation(node);
    for stage in Stage::ALL.into_iter().filter(|stage| *stage <= last) {
        if rotation.progress.reached < Some(stage) {
            workflow(stage).run(&Selection::default(), &mut rotation)?;
        }
    }
    let events = events.lock().unwrap().clone();
    Ok(events)
}

#[test]
fn everybody_verifies_everybody_before_each_act_and_the_old_are_gone_at_the_end() {
    let (site, world) = site();
    let (old, old_key) = (site.bundle("ca.crt").certificate, site.signing_key());
    let events = go(&site, observed(&world, 0), Stage::Switched).unwrap();
    let restarts: Vec<&str> = events.iter().map(String::as_str).filter(|e| e.ends_with(" s")).collect();
    assert_eq!(
        restarts,
        [
            // Its manifest is replaced before the files of the stage.
            "stop kube-controller-manager-cp-1 within 3 s",
            "stop kube-apiserver-cp-1 within 3 s",
            "stop etcd-cp-1 within 30 s",
            "stop kube-controller-manager-cp-1 within 3 s",
            "stop kube-scheduler-cp-1 within 3 s",
            "stop kube-controller-manager-cp-1 within 3 s",
            "stop kube-apiserver-cp-1 within 3 s",
            "stop kube-controller-manager-cp-1 within 3 s",
            "stop kube-scheduler-cp-1 within 3 s",
        ]
    );
    let first = &site.bundle("ca.crt").certificate;
    assert_ne!(*first, old, "the CA that signs comes first");
    world.lock().unwrap().follow();
    go(&site, observed(&world, 0), Stage::Finished).unwrap();
    world.lock().unwrap().check();
    assert!(world.lock().unwrap().checks > 40);
    for file in ["ca.crt", "front-proxy-ca.crt", "etcd/ca.crt", "apiserver.crt", "etcd/server.crt"] {
        assert_eq!(site.bundle(file).iter().count(), 1, "{file}");
    }
    assert_eq!(site.bundle("ca.crt").certificate, *first);
    assert!(!site.public_keys().contains(&old_key));
    for client in ["admin.conf", "super-admin.conf", "scheduler.conf", "controller-manager.conf"] {
        assert_eq!(site.embedded(client).trusts, first.clone().into(), "{client}");
    }
    assert_eq!(world.lock().unwrap().signing_ca(), *first);
    let rotation = site.rotation(FakeNode::default());
    assert_eq!(rotation.progress.reached, Some(Stage::Finished));
    clear(&rotation).unwrap();
    assert!(!rotation.staging().dir.exists());
}

#[test]
fn killed_at_any_moment_it_is_resumed_to_the_same_end_and_breaks_nobody() {
    let (site, _) = site();
    // Every one would take a minute.
    for killed in (0..).step_by(7) {
        site.fresh_again();
        let world = Arc::new(Mutex::new(World::new(Arc::clone(&site))));
        let old = site.bundle("ca.crt").certificate;
        // The test before this one has verified all that comes before the kill.
        world.lock().unwrap().follows_only = true;
        let node = observed(&world, killed + 1);
        let attempt = catch_unwind(AssertUnwindSafe(|| go(&site, node, Stage::Switched)));
        // A look at what the kill left; whoever was stopped comes back with the resumed run.
        world.lock().unwrap().check();
        world.lock().unwrap().follows_only = false;
        let ended = attempt.is_ok();
        go(&site, observed(&world, 0), Stage::Switched).unwrap();
        world.lock().unwrap().check();
        let rotation = site.rotation(FakeNode::default());
        assert_eq!(rotation.progress.reached, Some(Stage::Switched), "killed before act {}", killed + 1);
        let signer = site.bundle("ca.crt").certificate;
        assert_ne!(signer, old);
        for leaf in ["apiserver.crt", "apiserver-kubelet-client.crt"] {
            let leaf: Bundle = site.bundle(leaf).certificate.into();
            verify(&leaf, &signer.clone().into(), "a leaf of the new CA");
        }
        let clients = world.lock().unwrap().clients.clone();
        for component in ["controller-manager", "scheduler", "kubelet"] {
            verify(&clients[component].shows, &signer.clone().into(), component);
        }
        if ended {
            assert!(killed > 50, "{killed}");
            break;
        }
    }
}

#[test]
fn killed_while_the_old_are_dropped_it_is_finished_by_the_next_run() {
    let (site, world) = site();
    go(&site, observed(&world, 0), Stage::Switched).unwrap();
    let switched = site.path("switched");
    RealHost::of_files().copy_all(&site.path("kubernetes"), &switched).unwrap();
    for killed_at in (1..).step_by(3) {
        std::fs::remove_dir_all(site.path("kubernetes")).unwrap();
        RealHost::of_files().copy_all(&switched, &site.path("kubernetes")).unwrap();
        let mut fresh = World::new(Arc::clone(&site));
        fresh.follow();
        let world = Arc::new(Mutex::new(fresh));
        let node = observed(&world, killed_at);
        let ended = catch_unwind(AssertUnwindSafe(|| go(&site, node, Stage::Finished))).is_ok();
        go(&site, observed(&world, 0), Stage::Finished).unwrap();
        world.lock().unwrap().check();
        assert_eq!(site.bundle("etcd/ca.crt").iter().count(), 1);
        assert_eq!(site.public_keys().len(), 1);
        if ended {
            assert!(killed_at > 20);
            break;
        }
    }
}

#[test]
fn rolled_back_from_any_stage_the_old_ca_signs_again_and_breaks_nobody() {
    for stage in [Stage::Trusted, Stage::Switched] {
        let (site, world) = site();
        let (old, old_key) = (site.bundle("ca.crt").certificate, site.signing_key());
        go(&site, observed(&world, 0), stage).unwrap();
        // Somebody has taken the new admin.conf already.
        let copy = site.embedded("admin.conf");
        world.lock().unwrap().clients.insert("new copy of admin.conf", copy);
        turn_back(&mut site.rotation(observed(&world, 0))).unwrap();
        go(&site, observed(&world, 0), Stage::Switched).unwrap();
        assert_eq!(site.bundle("ca.crt").certificate, old);
        assert_eq!(site.signing_key(), old_key);
        world.lock().unwrap().clients.remove("new copy of admin.conf");
        go(&site, observed(&world, 0), Stage::Finished).unwrap();
        world.lock().unwrap().check();
        assert_eq!(site.bundle("ca.crt"), old.into());
        assert_eq!(site.public_keys(), [old_key]);
    }
}

#[test]
fn init_and_upgrade_render_the_signing_ca_that_the_rotation_set() {
    let (site, world) = site();
    for stage in Stage::ALL {
        if stage == Stage::Finished {
            world.lock().unwrap().follow();
        }
        go(&site, observed(&world, 0), stage).unwrap();
        let facts = site.run(Arc::new(FakeNode::default())).pki_facts().unwrap();
        let rendered = manifest::render(Component::ControllerManager, &site.settings(), facts).unwrap();
        let rendered = StaticPod::new(Component::ControllerManager, serde_json::to_value(&rendered).unwrap());
        let manifests = site.path("kubernetes/manifests");
        let on_disk = StaticPod::read(&manifests, Component::ControllerManager, &RealHost::of_files());
        let on_disk = on_disk.unwrap().unwrap();
        for flag in ["cluster-signing-cert-file", "cluster-signing-key-file"] {
            assert_eq!(rendered.flag(flag), on_disk.flag(flag), "{stage:?}");
        }
    }
}

#[test]
fn external_ca_is_refused_and_nothing_is_written() {
    let (site, _) = site();
    std::fs::remove_file(site.path("kubernetes/pki/front-proxy-ca.key")).unwrap();
    let error = go(&site, FakeNode::default(), Stage::Switched).unwrap_err();
    assert!(error.message.contains("external CA") && error.message.contains("front-proxy-ca.key"), "{error}");
    assert!(!site.path("kubernetes/pki/ca-rotation").exists());
}

#[test]
fn component_that_is_given_another_file_is_refused() {
    let (site, _) = site();
    let manifest = site.path("kubernetes/manifests/kube-apiserver.yaml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("pki/sa.pub", "pki/mine.pub")).unwrap();
    let error = go(&site, FakeNode::default(), Stage::Switched).unwrap_err();
    assert!(
        error.message.contains("--service-account-key-file=") && error.message.contains("mine.pub"),
        "{error}"
    );
}

#[test]
fn ca_of_one_s_own_takes_over_where_it_was_put_before() {
    let (site, world) = site();
    let other = Site::new();
    let new = site.path("kubernetes/pki/ca-rotation/new");
    std::fs::create_dir_all(&new).unwrap();
    for file in ["ca.crt", "ca.key"] {
        std::fs::copy(other.path("kubernetes/pki").join(file), new.join(file)).unwrap();
    }
    go(&site, observed(&world, 0), Stage::Switched).unwrap();
    assert_eq!(site.bundle("ca.crt").certificate, other.bundle("ca.crt").certificate);
}
