//! What everybody has read, and whether everybody verifies everybody else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use time::OffsetDateTime;

use super::site::{Client, Site};
use crate::host::RealHost;
use crate::manifest::Component;
use crate::node::StaticPod;
use crate::node::fake::{FakeNode, Observer};
use crate::pki::{Bundle, Certificate, PrivateKey, verify_chain};

/// What everybody has read.
pub(super) struct World {
    pub(super) site: Arc<Site>,
    pub(super) clients: BTreeMap<&'static str, Client>,
    /// Of etcd, which it trusts clients by; and of the API server, which it trusts etcd by.
    pub(super) etcd_trusts: Bundle,
    pub(super) api_server_trusts_etcd: Bundle,
    pub(super) verifies_tokens: Vec<Vec<u8>>,
    pub(super) signs_tokens: Vec<Vec<u8>>,
    /// A Pod's token, until it gets a new one.
    pub(super) token: Vec<u8>,
    /// A worker's kubelet and an extension API server.
    pub(super) worker_trusts: Bundle,
    pub(super) extension_trusts: Bundle,
    pub(super) stopped: Vec<Component>,
    /// What was verified already before: no file and nobody has changed since.
    pub(super) unchanged: Vec<u8>,
    /// Events are only followed.
    pub(super) follows_only: bool,
    pub(super) checks: usize,
}

pub(super) fn verify(shown: &Bundle, trusted: &Bundle, what: &str) {
    let roots: Vec<Certificate> = trusted.iter().cloned().collect();
    verify_chain(shown, &roots, OffsetDateTime::now_utc()).unwrap_or_else(|e| panic!("{what}: {e}"));
}

impl World {
    pub(super) fn new(site: Arc<Site>) -> Self {
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
    pub(super) fn follow(&mut self) {
        let admin = self.site.embedded("admin.conf");
        self.worker_trusts = admin.trusts.clone();
        self.extension_trusts = self.site.bundle("front-proxy-ca.crt");
        self.token = self.site.signing_key();
        self.clients.insert("worker", self.site.kubelet());
        self.clients.insert("copy of admin.conf", admin);
    }

    pub(super) fn event(&mut self, event: &str) {
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
    pub(super) fn signing_ca(&self) -> Certificate {
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
    pub(super) fn check(&mut self) {
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

pub(super) fn observed(world: &Arc<Mutex<World>>, killed_at: usize) -> FakeNode {
    let world = Arc::clone(world);
    let observer: Observer = Arc::new(move |event| world.lock().unwrap().event(event));
    FakeNode { observer: Some(observer), killed_at, ..FakeNode::default() }
}
