//! Members of a real etcd cluster, as processes.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::etcd::{Credentials, Etcd, EtcdClient};
use crate::pki::{
    Certificate, CertificateSpec, Issuer, KeyAlgorithm, PrivateKey, Subject, Usages, issue, self_sign_ca,
};

/// A cluster's PKI and binary.
pub(super) struct Lab {
    etcd: PathBuf,
    dir: TempDir,
    ca: Certificate,
    ca_key: PrivateKey,
}

/// A member's process, ended with its test.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) client_url: String,
    pub(super) peer_url: String,
    pub(super) data: PathBuf,
    log: PathBuf,
    child: Mutex<Option<Child>>,
}

fn new_key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

impl Lab {
    /// None, with a note, where there is no etcd.
    pub(super) fn new() -> Option<Self> {
        let path = std::env::var_os("PATH")?;
        let found = std::env::split_paths(&path).map(|dir| dir.join("etcd")).find(|file| file.is_file());
        let Some(etcd) = found else {
            println!("NOT TESTED HERE: etcd is not in PATH");
            return None;
        };
        let now = OffsetDateTime::now_utc();
        let ca_key = new_key();
        let spec = CertificateSpec::ca("etcd-ca", now - time::Duration::HOUR, now + time::Duration::DAY);
        let ca = self_sign_ca(&spec, &ca_key).unwrap();
        let lab = Self { etcd, dir: tempfile::tempdir().unwrap(), ca, ca_key };
        let Credentials { ca, certificate, key } = lab.credentials(Usages::Both, now + time::Duration::DAY);
        for (name, content) in [("ca.crt", &ca), ("server.crt", &certificate), ("server.key", &*key)] {
            fs::write(lab.dir.path().join(name), content).unwrap();
        }
        Some(lab)
    }

    fn credentials(&self, usages: Usages, not_after: OffsetDateTime) -> Credentials {
        let key = new_key();
        let spec = CertificateSpec {
            subject: Subject::new("kube-etcd-healthcheck-client"),
            dns_names: vec![],
            ip_addresses: if usages == Usages::Client { vec![] } else { vec![Ipv4Addr::LOCALHOST.into()] },
            usages,
            not_before: not_after - time::Duration::days(2),
            not_after,
        };
        let certificate = issue(&spec, &key, &Issuer::new(&self.ca, &self.ca_key).unwrap()).unwrap();
        Credentials {
            ca: self.ca.to_pem().into_bytes(),
            certificate: certificate.to_pem().into_bytes(),
            key: Zeroizing::new(key.to_pem().unwrap().as_bytes().to_vec()),
        }
    }

    /// What a client of this cluster shows.
    pub(super) fn client_credentials(&self) -> Credentials {
        self.credentials(Usages::Client, OffsetDateTime::now_utc() + time::Duration::DAY)
    }

    /// The same, expired.
    pub(super) fn expired_credentials(&self) -> Credentials {
        self.credentials(Usages::Client, OffsetDateTime::now_utc() - time::Duration::HOUR)
    }

    /// A client of the cluster by way of these nodes.
    pub(super) fn client(&self, nodes: &[&Node]) -> EtcdClient {
        let urls = nodes.iter().map(|node| node.client_url.clone()).collect();
        EtcdClient::new(urls, &self.client_credentials()).unwrap()
    }

    /// A member that is not running yet.
    pub(super) fn node(&self, name: &str) -> Node {
        let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [client, peer] = held.map(|listener| listener.local_addr().unwrap().port());
        Node {
            name: name.into(),
            client_url: format!("https://127.0.0.1:{client}"),
            peer_url: format!("https://127.0.0.1:{peer}"),
            data: self.dir.path().join(format!("{name}-{peer}")),
            log: self.dir.path().join(format!("{name}-{peer}.log")),
            child: Mutex::new(None),
        }
    }

    /// Starts a member as its manifest would.
    pub(super) fn start(&self, node: &Node, initial_cluster: &str, state: &str, more: &[&str]) {
        let file = |name: &str| self.dir.path().join(name).to_str().unwrap().to_owned();
        let data = node.data.to_str().unwrap();
        let flags = [
            ("name", node.name.as_str()),
            ("data-dir", data),
            ("listen-client-urls", &node.client_url),
            ("advertise-client-urls", &node.client_url),
            ("listen-peer-urls", &node.peer_url),
            ("initial-advertise-peer-urls", &node.peer_url),
            ("initial-cluster", initial_cluster),
            ("initial-cluster-state", state),
            ("cert-file", &file("server.crt")),
            ("key-file", &file("server.key")),
            ("trusted-ca-file", &file("ca.crt")),
            ("client-cert-auth", "true"),
            ("peer-cert-file", &file("server.crt")),
            ("peer-key-file", &file("server.key")),
            ("peer-trusted-ca-file", &file("ca.crt")),
            ("peer-client-cert-auth", "true"),
        ];
        let log = File::options().create(true).append(true).open(&node.log).unwrap();
        let mut command = Command::new(&self.etcd);
        command.env_clear().stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        command.args(flags.map(|(name, value)| format!("--{name}={value}"))).args(more);
        *node.child.lock().unwrap() = Some(command.spawn().unwrap());
    }

    /// A new cluster whose members all run and have a leader.
    pub(super) fn cluster(&self, names: &[&str], more: &[&str]) -> Vec<Node> {
        let nodes: Vec<Node> = names.iter().map(|name| self.node(name)).collect();
        let initial: Vec<String> = nodes.iter().map(|n| format!("{}={}", n.name, n.peer_url)).collect();
        for node in &nodes {
            self.start(node, &initial.join(","), "new", more);
        }
        for node in &nodes {
            let mut etcd = self.client(&[node]);
            wait(Duration::from_secs(20), || etcd.check_quorum().map_err(|e| format!("{e}\n{}", node.log())));
        }
        nodes
    }
}

impl Node {
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// As a machine that loses its power.
    pub(super) fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Tries again until it succeeds.
#[track_caller]
pub(super) fn wait<T, E: std::fmt::Display>(limit: Duration, mut done: impl FnMut() -> Result<T, E>) -> T {
    let start = Instant::now();
    loop {
        match done() {
            Ok(value) => return value,
            Err(error) => assert!(start.elapsed() < limit, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
