//! A server for tests: real TLS on this machine, with answers by path.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::discovery::cluster_info::PATH;
use crate::discovery::jws;
use crate::pki::{
    Certificate, CertificateSpec, Issuer, KeyAlgorithm, PrivateKey, Subject, Usages, issue, self_sign_ca,
};

pub(super) const ID: &str = "abcdef";
pub(super) const SECRET: &str = "0123456789abcdef";
pub(super) const TOKEN: &str = "abcdef.0123456789abcdef";

/// A CA and its key.
pub(super) struct Ca {
    pub(super) certificate: Certificate,
    key: PrivateKey,
}

impl Ca {
    pub(super) fn new(name: &str) -> Self {
        let now = OffsetDateTime::now_utc();
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let spec = CertificateSpec::ca(name, now - Duration::days(30), now + Duration::days(30));
        Self { certificate: self_sign_ca(&spec, &key).unwrap(), key }
    }

    pub(super) fn pin(&self) -> String {
        self.certificate.spki_sha256()
    }

    /// A certificate and its key, PEM.
    pub(super) fn issue(&self, spec: &CertificateSpec) -> (Certificate, PrivateKey) {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let issuer = Issuer::new(&self.certificate, &self.key).unwrap();
        (issue(spec, &key, &issuer).unwrap(), key)
    }

    /// What a server's certificate says, for 127.0.0.1, that began `age` ago and lasts for `rest`.
    pub(super) fn server_spec(age: Duration, rest: Duration) -> CertificateSpec {
        let now = OffsetDateTime::now_utc();
        CertificateSpec {
            subject: Subject::new("kube-apiserver"),
            dns_names: vec!["cp.lab.test".into()],
            ip_addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            usages: Usages::Server,
            not_before: now - age,
            not_after: now + rest,
        }
    }
}

/// An answer: status, body, and what the header `Date` says.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) body: String,
    pub(super) date: Option<&'static str>,
}

impl Reply {
    pub(super) fn ok(value: &Value) -> Self {
        Self { code: 200, body: value.to_string(), date: None }
    }

    /// A Kubernetes `Status`.
    pub(super) fn status(code: u16, message: &str) -> Self {
        let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code});
        Self { code, body: body.to_string(), date: None }
    }
}

/// What it is asked: the path, the token shown, whether a client certificate was.
pub(super) struct Asked<'a> {
    pub(super) path: &'a str,
    pub(super) token: Option<&'a str>,
    pub(super) certificate: bool,
}

type Answer = dyn Fn(&Asked<'_>) -> Reply + Send + Sync;

pub(super) struct Server {
    pub(super) port: u16,
    /// The paths asked for, with a `+` behind those that came with credentials.
    pub(super) requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server with a certificate of `ca`, for 127.0.0.1.
    pub(super) fn of(ca: &Ca, answer: impl Fn(&Asked<'_>) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(ca, &Ca::server_spec(Duration::days(1), Duration::days(1)), answer)
    }

    /// A server whose certificate `ca` issues by `spec`.
    pub(super) fn with(
        ca: &Ca,
        spec: &CertificateSpec,
        answer: impl Fn(&Asked<'_>) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let (certificate, key) = ca.issue(spec);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(ca.certificate.der().to_vec())).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.to_pem().unwrap().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![CertificateDer::from(certificate.der().to_vec())], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), requests: Arc::default() };
        let (config, answer, requests) = (Arc::new(config), Arc::new(answer), Arc::clone(&server.requests));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (config, answer, requests) =
                    (Arc::clone(&config), Arc::clone(&answer), Arc::clone(&requests));
                std::thread::spawn(move || serve(stream.unwrap(), config, answer.as_ref(), &requests));
            }
        });
        server
    }

    pub(super) fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// One request of one connection; what fails in it ends it.
fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    answer: &Answer,
    requests: &Mutex<Vec<String>>,
) -> Option<()> {
    let connection = ServerConnection::new(config).ok()?;
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    let mut head = vec![];
    loop {
        let mut line = String::new();
        if reader.by_ref().take(65536).read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push(line.trim_end().to_owned());
    }
    let path = head.first()?.split(' ').nth(1)?.to_owned();
    let header = |name: &str| {
        let named = |l: &&String| l.to_lowercase().starts_with(&format!("{name}:"));
        head.iter().find(named).and_then(|l| l.split_once(": ")).map(|(_, value)| value)
    };
    let token = header("authorization").and_then(|a| a.strip_prefix("Bearer "));
    let certificate = reader.get_ref().conn.peer_certificates().is_some();
    let mark = if token.is_some() || certificate { "+" } else { "" };
    requests.lock().unwrap().push(format!("{path}{mark}"));
    let Reply { code, body, date } = answer(&Asked { path: &path, token, certificate });
    let date = date.map(|d| format!("Date: {d}\r\n")).unwrap_or_default();
    let text = format!(
        "HTTP/1.1 {code} Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{date}Connection: close\r\n\r\n{body}",
        body.len()
    );
    let stream = reader.get_mut();
    stream.write_all(text.as_bytes()).ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()
}

/// The kubeconfig of a cluster-info.
pub(super) fn kubeconfig_of(server: &str, ca: &Ca) -> String {
    let data = STANDARD.encode(ca.certificate.to_pem());
    format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {data}\n    server: {server}\n  name: \"\"\ncontexts: null\ncurrent-context: \"\"\nkind: Config\nusers: null\n"
    )
}

/// A cluster-info of `kubeconfig`, signed with the tokens given.
pub(super) fn cluster_info(kubeconfig: &str, tokens: &[(&str, &str)]) -> Value {
    let mut data = BTreeMap::from([("kubeconfig".to_owned(), kubeconfig.to_owned())]);
    for (id, secret) in tokens {
        data.insert(format!("jws-kubeconfig-{id}"), jws::sign(kubeconfig, id, secret));
    }
    json!({
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "cluster-info", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "data": data,
    })
}

/// Answers with `info` at its path, and with 403 elsewhere.
pub(super) fn shows(info: Value) -> impl Fn(&Asked<'_>) -> Reply + Send + Sync {
    move |asked| if asked.path == PATH { Reply::ok(&info) } else { Reply::status(403, "forbidden") }
}
