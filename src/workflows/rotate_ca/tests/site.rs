//! A node after init, whose files are real.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::super::Rotation;
use crate::certs::Embedded;
use crate::certs::rotation::{Progress, Staging};
use crate::config::Settings;
use crate::host::{Host, RealHost};
use crate::kubeconfig::Kubeconfig;
use crate::node::fake::FakeNode;
use crate::phases::bootstrap_token::Tokens;
use crate::pki::{Bundle, PrivateKey};
use crate::preflight::test_settings;
use crate::workflow::{Run, Selection};
use crate::workflows::init;

/// A node after init.
pub(super) struct Site(pub(super) TempDir);

impl Site {
    pub(super) fn new() -> Self {
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
    pub(super) fn rotate_kubelet(&self) {
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
    pub(super) fn fresh_again(&self) {
        std::fs::remove_dir_all(self.path("kubernetes")).unwrap();
        RealHost::of_files().copy_all(&self.path("copy"), &self.path("kubernetes")).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn kubelet_client(&self) -> PathBuf {
        self.path("kubernetes/kubelet-client-current.pem")
    }

    pub(super) fn settings(&self) -> Settings {
        let mut settings = test_settings("encryptionAlgorithm: ECDSA-P256\n");
        settings.node.paths.kubeconfig_dir = self.path("kubernetes");
        settings.node.paths.manifests = self.path("kubernetes/manifests");
        settings.node.paths.certificates = self.path("kubernetes/pki");
        settings.node.paths.kubelet = self.path("kubelet");
        settings.cluster.config.certificates_dir = self.path("kubernetes/pki").display().to_string();
        settings
    }

    pub(super) fn run(&self, node: Arc<FakeNode>) -> Run {
        node.run(&self.settings())
    }

    /// A rotation of it; it takes up what an earlier one left.
    pub(super) fn rotation(&self, node: FakeNode) -> Rotation {
        let staging = Staging::of(&self.path("kubernetes/pki"));
        let progress = Progress::read(&staging, &RealHost::of_files()).unwrap().unwrap_or_default();
        Rotation { run: self.run(Arc::new(node)), progress, force: false }
    }

    pub(super) fn bundle(&self, file: &str) -> Bundle {
        Bundle::from_pem(&std::fs::read(self.path("kubernetes/pki").join(file)).unwrap()).unwrap()
    }

    pub(super) fn embedded(&self, file: &str) -> Client {
        let text = std::fs::read(self.path("kubernetes").join(file)).unwrap();
        let embedded = Embedded::parse(&text).unwrap();
        Client { trusts: embedded.authority().unwrap(), shows: embedded.certificate().unwrap() }
    }

    pub(super) fn kubelet(&self) -> Client {
        let text = std::fs::read(self.path("kubernetes/kubelet.conf")).unwrap();
        let shows = Bundle::from_pem(&std::fs::read(self.kubelet_client()).unwrap()).unwrap();
        Client { trusts: Embedded::parse(&text).unwrap().authority().unwrap(), shows }
    }

    /// All that is verified, and kube-controller-manager's manifest.
    pub(super) fn contents(&self) -> Vec<u8> {
        let mut files = vec![self.path("kubernetes/manifests/kube-controller-manager.yaml")];
        for folder in ["kubernetes", "kubernetes/pki", "kubernetes/pki/etcd"] {
            files.extend(RealHost::of_files().list(&self.path(folder)).unwrap());
        }
        files.iter().filter(|file| file.is_file()).flat_map(|file| std::fs::read(file).unwrap()).collect()
    }

    pub(super) fn public_keys(&self) -> Vec<Vec<u8>> {
        let text = std::fs::read(self.path("kubernetes/pki/sa.pub")).unwrap();
        pem::parse_many(text).unwrap().into_iter().map(pem::Pem::into_contents).collect()
    }

    pub(super) fn signing_key(&self) -> Vec<u8> {
        let text = std::fs::read(self.path("kubernetes/pki/sa.key")).unwrap();
        PrivateKey::from_pem(&text).unwrap().spki_der().to_vec()
    }
}

/// A client of the API server: whom it trusts, and what it shows.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) trusts: Bundle,
    pub(super) shows: Bundle,
}
