//! Discovery by a kubeconfig.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::by_token::run;
use super::server::*;
use crate::config::v1beta4::{Discovery, FileDiscovery};
use crate::discovery::cluster_info::PATH;
use crate::discovery::{Cause, Discovered, DiscoveryError};
use crate::pki::{CertificateSpec, Subject, Usages};

const LIMIT: Duration = Duration::from_secs(10);

struct Scene {
    dir: TempDir,
    ca: Ca,
    server: Server,
}

impl Scene {
    fn new(answer: impl Fn(&Asked<'_>, &serde_json::Value) -> Reply + Send + Sync + 'static) -> Self {
        let ca = Ca::new("kubernetes");
        let info = cluster_info(&kubeconfig_of("https://cp.lab.test:6443", &ca), &[]);
        let server = Server::of(&ca, move |asked| answer(asked, &info));
        Self { dir: TempDir::new().unwrap(), ca, server }
    }

    /// A cluster that shows cluster-info to those who show credentials.
    fn for_known() -> Self {
        Self::new(|asked, info| match asked.token.is_some() || asked.certificate {
            true if asked.path == PATH => Reply::ok(info),
            _ => Reply::status(403, "forbidden"),
        })
    }

    fn ca_data(&self) -> String {
        format!("certificate-authority-data: {}", STANDARD.encode(self.ca.certificate.to_pem()))
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn discovery(&self, ca: &str, user: &str) -> Discovery {
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: lab\n  cluster:\n    {ca}\n    server: https://127.0.0.1:{}\ncontexts:\n- name: lab\n  context: {{cluster: lab, user: joiner}}\ncurrent-context: lab\nusers:\n- name: other\n  user: {{exec: {{command: x}}}}\n- name: joiner\n  user: {user}\n",
            self.server.port
        );
        let path = self.write("discovery.conf", text);
        let file = FileDiscovery { kube_config_path: path.to_str().unwrap().into() };
        Discovery { file: Some(file), ..Discovery::default() }
    }

    fn found(&self, ca: &str, user: &str) -> Discovered {
        run(&self.discovery(ca, user), LIMIT).unwrap()
    }
}

#[test]
fn the_file_s_user_with_a_token_is_kept() {
    let scene = Scene::for_known();
    let cluster = format!("tls-server-name: 127.0.0.1\n    {}", scene.ca_data());
    let found = scene.found(&cluster, &format!("{{token: {TOKEN}}}"));
    let kubeconfig = &found.kubeconfig;
    assert_eq!(kubeconfig.clusters[0].cluster.tls_server_name, "127.0.0.1");
    assert_eq!((kubeconfig.current_context.as_str(), kubeconfig.users.len()), ("lab", 1));
    assert_eq!(
        (kubeconfig.clusters[0].name.as_str(), kubeconfig.users[0].name.as_str()),
        ("kubernetes", "joiner")
    );
    assert_eq!(kubeconfig.current_user().unwrap().token, TOKEN);
    assert_eq!(found.server, format!("https://127.0.0.1:{}", scene.server.port), "the file's");
    assert!(
        found.warnings[0].contains("names the API server https://cp.lab.test:6443"),
        "{:?}",
        found.warnings
    );
    assert_eq!(*scene.server.requests.lock().unwrap(), [format!("{PATH}+")]);
}

#[test]
fn what_the_file_names_by_path_is_embedded() {
    let scene = Scene::for_known();
    let now = time::OffsetDateTime::now_utc();
    let spec = CertificateSpec {
        subject: Subject::new("joiner"),
        dns_names: vec![],
        ip_addresses: vec![],
        usages: Usages::Client,
        not_before: now - time::Duration::hours(1),
        not_after: now + time::Duration::hours(1),
    };
    let (certificate, key) = scene.ca.issue(&spec);
    scene.write("joiner.crt", certificate.to_pem());
    let key = scene.write("joiner.key", key.to_pem().unwrap().as_bytes());
    scene.write("ca.crt", scene.ca.certificate.to_pem());
    let user = format!("{{client-certificate: joiner.crt, client-key: {}}}", key.display());
    let found = scene.found("certificate-authority: ca.crt", &user);
    let user = found.kubeconfig.current_user().unwrap();
    assert_eq!(STANDARD.decode(&user.client_certificate_data).unwrap(), certificate.to_pem().as_bytes());
    assert!(
        user.client_certificate.is_empty() && user.client_key.is_empty() && !user.client_key_data.is_empty()
    );
    let cluster = found.kubeconfig.current_cluster().unwrap();
    assert!(cluster.certificate_authority.is_empty() && !cluster.certificate_authority_data.is_empty());
    scene.write("token", format!("{TOKEN}\n"));
    let found = scene.found(&scene.ca_data(), "{tokenFile: token}");
    assert_eq!(found.kubeconfig.current_user().unwrap().token, TOKEN);
}

#[test]
fn a_token_for_the_tls_bootstrap_takes_the_place_of_the_user() {
    let scene = Scene::new(|_, info| Reply::ok(info));
    let discovery =
        Discovery { tls_bootstrap_token: TOKEN.into(), ..scene.discovery(&scene.ca_data(), "{}") };
    let found = run(&discovery, LIMIT).unwrap();
    assert_eq!(found.kubeconfig.current_context, "tls-bootstrap-token-user@kubernetes");
    assert_eq!(found.kubeconfig.current_user().unwrap().token, TOKEN);
    assert_eq!(*scene.server.requests.lock().unwrap(), [PATH], "discovery is as who the file says: nobody");
}

#[test]
fn a_copy_of_cluster_info_is_a_discovery_file_too() {
    let scene = Scene::new(|_, info| Reply::ok(info));
    let path = scene.write(
        "cluster-info.conf",
        kubeconfig_of(&format!("https://127.0.0.1:{}", scene.server.port), &scene.ca),
    );
    let file = Some(FileDiscovery { kube_config_path: format!("file://{}", path.display()) });
    let discovery = Discovery { file, tls_bootstrap_token: TOKEN.into(), bootstrap_token: None };
    assert_eq!(run(&discovery, LIMIT).unwrap().kubeconfig.current_user().unwrap().token, TOKEN);
}

#[test]
fn who_may_not_read_cluster_info_goes_on_with_what_the_file_says() {
    let scene = Scene::new(|_, _| Reply::status(403, "forbidden"));
    let found = scene.found(&scene.ca_data(), &format!("{{token: {TOKEN}}}"));
    assert_eq!(found.warnings, [""; 0], "it is usual: cluster-info is for those without credentials");
    assert_eq!(found.ca, scene.ca.certificate.to_pem());
    let said = fails(&scene, "", &format!("{{token: {TOKEN}}}")).to_string();
    assert!(!said.contains("anybody") && said.contains("certificate-authority-data"), "{said}");
}

#[test]
fn where_nobody_may_read_cluster_info_a_token_goes_on_and_warns() {
    let scene = Scene::new(|_, _| Reply::status(403, "forbidden"));
    let discovery =
        Discovery { tls_bootstrap_token: TOKEN.into(), ..scene.discovery(&scene.ca_data(), "{}") };
    let found = run(&discovery, LIMIT).unwrap();
    assert!(
        found.warnings[0].contains("let anybody read") && found.warnings[0].contains("going on"),
        "{:?}",
        found.warnings
    );
}

fn fails(scene: &Scene, ca: &str, user: &str) -> DiscoveryError {
    run(&scene.discovery(ca, user), Duration::from_millis(300)).unwrap_err()
}

#[test]
fn what_a_file_lacks_is_told() {
    let scene = Scene::for_known();
    let ca = scene.ca_data();
    let unverified = format!("insecure-skip-tls-verify: true\n    {ca}");
    for (ca, user, want) in [
        (unverified.as_str(), "{token: a}", "insecure-skip-tls-verify, which exclude each other"),
        (ca.as_str(), "{}", "no credentials for the TLS bootstrap"),
        (&ca, "{exec: {command: aws}}", "authenticates by `exec`"),
        (&ca, "{auth-provider: {name: gcp}}", "authenticates by `auth-provider`"),
        (&ca, "{client-certificate-data: YQ==}", "a client certificate without a key"),
        (&ca, "{tokenFile: nowhere}", "its file nowhere: No such file"),
        (&ca, "[c2VjcmV0]", "can't be used"),
        ("certificate-authority: nowhere.crt", "{token: a}", "its file nowhere.crt: No such file"),
        ("certificate-authority-data: '!'", "{token: a}", "its CA is not base64"),
    ] {
        let error = fails(&scene, ca, user);
        assert!(error.to_string().contains(want) && error.cause.is_usage(), "{error} / {want}");
        assert!(!error.to_string().contains("c2Vj"), "{error}");
    }
    assert!(scene.server.requests.lock().unwrap().is_empty(), "nothing is asked with such a file");
}

#[test]
fn a_file_that_is_not_there_is_told_with_its_name() {
    for path in ["/nowhere.conf", "file:///nowhere.conf"] {
        let file = Some(FileDiscovery { kube_config_path: path.into() });
        let error = run(&Discovery { file, ..Discovery::default() }, LIMIT).unwrap_err();
        assert!(error.to_string().contains("nowhere.conf") && error.after.as_secs() == 0, "{error}");
    }
}

#[test]
fn credentials_that_the_cluster_does_not_know_are_told_as_that() {
    let scene = Scene::new(|_, _| Reply::status(401, "Unauthorized"));
    let error = fails(&scene, &scene.ca_data(), &format!("{{token: {TOKEN}}}"));
    assert!(matches!(*error.cause, Cause::Unauthorized { .. }), "{error}");
    assert!(error.to_string().contains("does not accept the token of the discovery file"), "{error}");
    assert!(!error.to_string().contains(SECRET));
}

#[test]
fn a_file_without_a_ca_trusts_what_the_machine_trusts() {
    let scene = Scene::for_known();
    let error = fails(&scene, "insecure-skip-tls-verify: false", &format!("{{token: {TOKEN}}}"));
    // A machine without any CA can't even make the connection.
    assert!(matches!(*error.cause, Cause::OtherCa { trusted: None, .. } | Cause::Client { .. }), "{error}");
}

#[test]
fn an_https_url_of_a_server_that_nobody_vouches_for_is_refused() {
    let scene = Scene::for_known();
    for scheme in ["https", "HTTPS"] {
        let url = format!("{scheme}://127.0.0.1:{}/discovery.conf", scene.server.port);
        let discovery =
            Discovery { file: Some(FileDiscovery { kube_config_path: url }), ..Discovery::default() };
        let error = run(&discovery, Duration::from_millis(300)).unwrap_err();
        assert!(
            matches!(*error.cause, Cause::OtherCa { trusted: None, .. } | Cause::Client { .. }),
            "{error}"
        );
        assert!(scene.server.requests.lock().unwrap().is_empty());
    }
}
