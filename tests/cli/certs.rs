//! `kubestrap certs …`, `token …` and `kubeconfig user`, on a PKI that kubestrap made. The same was run on one that
//! kubeadm 1.36.2 made, and compared with what kubeadm prints.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kubestrap::testing::{Bundle, Certificate, KeyType, PrivateKey, verify_chain};
use serde_json::Value;
use tempfile::TempDir;
use time::OffsetDateTime;

use super::support::{Done, Run, kubestrap};

const LEAVES: [&str; 7] = [
    "apiserver",
    "apiserver-etcd-client",
    "apiserver-kubelet-client",
    "etcd/healthcheck-client",
    "etcd/peer",
    "etcd/server",
    "front-proxy-client",
];

/// A control plane's certificates in a folder: `pki` and the kubeconfigs.
pub(crate) struct Plane(TempDir);

impl Plane {
    pub(crate) fn new() -> Self {
        let plane = Self(tempfile::tempdir().unwrap());
        fs::write(plane.config(), plane.configuration("ECDSA-P256")).unwrap();
        for phase in ["certs", "kubeconfig"] {
            let run = kubestrap(&["init", "phase", phase, "all", "--config"]).arg(plane.config());
            run.arg("--kubeconfig-dir").arg(plane.dir()).run().succeeded();
        }
        plane
    }

    fn configuration(&self, algorithm: &str) -> String {
        format!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nlocalAPIEndpoint: {{advertiseAddress: 192.0.2.9}}\nnodeRegistration: {{name: cp-1, criSocket: 'unix:///run/none.sock'}}\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nencryptionAlgorithm: {algorithm}\ncertificatesDir: {}\n",
            self.file("pki").display()
        )
    }

    pub(crate) fn dir(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.file("kubeadm.yaml")
    }

    /// The command `certs ARGS` on this plane.
    pub(crate) fn command(&self, args: &str) -> Run {
        let run = kubestrap(&["certs"]).args(args).arg("--config").arg(self.config());
        run.arg("--kubeconfig-dir").arg(self.dir())
    }

    fn certs(&self, args: &str) -> Done {
        self.command(args).run()
    }

    fn bundle(&self, name: &str) -> Bundle {
        Bundle::from_pem(&fs::read(self.file(name)).unwrap()).unwrap()
    }

    fn key(&self, name: &str) -> PrivateKey {
        PrivateKey::from_pem(&fs::read(self.file(name)).unwrap()).unwrap()
    }

    /// What a kubeconfig embeds: client certificate, key, CA.
    fn embedded(&self, name: &str) -> (Bundle, PrivateKey, Bundle) {
        let text = fs::read_to_string(self.file(name)).unwrap();
        let data = |key: &str| {
            let line = text.lines().find_map(|l| l.trim().strip_prefix(&format!("{key}: "))).unwrap();
            STANDARD.decode(line).unwrap()
        };
        (
            Bundle::from_pem(&data("client-certificate-data")).unwrap(),
            PrivateKey::from_pem(&data("client-key-data")).unwrap(),
            Bundle::from_pem(&data("certificate-authority-data")).unwrap(),
        )
    }

    /// Every file with its content.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.dir().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                // What is written at the moment may be gone again.
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    _ => drop(found.insert(entry.path(), fs::read(entry.path()).unwrap_or_default())),
                }
            }
        }
        found
    }
}

fn said(certificate: &Certificate) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        certificate.subject_text().to_owned(),
        certificate.issuer_text().to_owned(),
        certificate.dns_names().to_vec(),
        certificate.ip_addresses().to_vec(),
        certificate.extended_key_usages().to_vec(),
        certificate.authority_key_id().map(<[u8]>::to_vec),
    )
}

#[test]
fn expiration_is_told_in_kubeadms_forms() {
    let plane = Plane::new();
    let output = plane.certs("check-expiration -o json");
    let info: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(info["kind"], "CertificateExpirationInfo");
    assert_eq!(info["apiVersion"], "output.kubeadm.k8s.io/v1alpha3");
    let names = |list: &str| -> Vec<String> {
        info[list].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("certificates").len(), 11);
    assert_eq!(names("certificateAuthorities"), ["ca", "etcd-ca", "front-proxy-ca"]);
    let first = info["certificates"][0].as_object().unwrap();
    let keys: Vec<&String> = first.keys().collect();
    assert_eq!(keys, ["caName", "expirationDate", "externallyManaged", "missing", "name", "residualTime"]);
    assert!(output.stdout.starts_with("{\n    \"kind\": "), "kubeadm's order and indentation");

    fs::remove_file(plane.file("super-admin.conf")).unwrap();
    fs::remove_file(plane.file("pki/ca.key")).unwrap();
    let output = plane.certs("check-expiration");
    let text = output.stdout;
    assert!(output.code == Some(0) && output.stderr.is_empty(), "{}", output.stderr);
    assert!(text.contains("!MISSING! super-admin.conf\n"), "{text}");
    assert!(text.lines().any(|l| l.starts_with("apiserver ") && l.ends_with("yes")), "{text}");
    assert!(
        text.lines().any(|l| l.starts_with("etcd-ca ") && l.ends_with("no") && l.contains("9y")),
        "{text}"
    );
}

#[test]
fn monitoring_is_told_by_the_exit_code() {
    let plane = Plane::new();
    let code = |args: &str| plane.certs(&format!("check-expiration {args}")).code.unwrap();
    assert_eq!(
        (code("--fail-within 30d"), code("--fail-within 8760h1m"), code("--fail-within 30")),
        (0, 1, 2)
    );
    // What a control plane does without is no alarm; what it needs is.
    fs::remove_file(plane.file("super-admin.conf")).unwrap();
    assert_eq!(code("--fail-within 0"), 0);
    fs::copy(plane.file("pki/etcd/peer.key"), plane.file("pki/etcd/server.key")).unwrap();
    let output = plane.certs("check-expiration --fail-within 0");
    assert!(
        output.stderr.contains("etcd-server can't be used: the certificate is for another key"),
        "{}",
        output.stderr
    );
    assert_eq!((output.code, code("")), (Some(1), 0));
    fs::remove_file(plane.file("scheduler.conf")).unwrap();
    assert!(plane.certs("check-expiration --fail-within 0").stderr.contains("scheduler.conf is missing"));
    // kubeadm takes the CA's name out of the certificate.
    let listed: Value = serde_json::from_str(&plane.certs("check-expiration -o json").stdout).unwrap();
    let missing = listed["certificates"].as_array().unwrap().iter().find(|c| c["missing"] == true).unwrap();
    assert_eq!((&missing["name"], missing.get("caName")), (&"scheduler.conf".into(), None));
    fs::rename(plane.file("pki/ca.crt"), plane.file("pki/ca.old")).unwrap();
    let output = plane.certs("check-expiration");
    assert!(output.stdout.lines().any(|l| l == "!MISSING! ca"), "{}", output.stdout);
    assert_eq!((output.code, code("--fail-within 0")), (Some(0), 1), "{}", output.stderr);
    fs::rename(plane.file("pki/ca.old"), plane.file("pki/ca.crt")).unwrap();
    fs::write(plane.file("pki/apiserver.crt"), "nothing").unwrap();
    assert_eq!(code(""), 1);
}

#[test]
fn what_goes_by_an_exchanged_ca_is_named() {
    let (plane, other) = (Plane::new(), Plane::new());
    assert_eq!(plane.certs("check-expiration").stderr, "");
    for file in ["pki/ca.crt", "pki/ca.key"] {
        fs::copy(other.file(file), plane.file(file)).unwrap();
    }
    let output = plane.certs("check-expiration");
    let told = output.stderr;
    assert_eq!(output.code, Some(0), "{told}");
    for name in [
        "apiserver",
        "apiserver-kubelet-client",
        "admin.conf",
        "super-admin.conf",
        "controller-manager.conf",
        "scheduler.conf",
    ] {
        assert!(told.contains(&format!(" {name}: ")) && told.contains("has not signed it"), "{name}: {told}");
    }
    assert!(told.contains("kubelet.conf: it trusts another CA"), "{told}");
    assert!(!told.contains("etcd-server") && !told.contains("front-proxy"), "{told}");
    assert_eq!(plane.certs("check-expiration --fail-within 0").code, Some(1));
}

#[test]
fn renewal_changes_key_and_time_and_nothing_else() {
    let plane = Plane::new();
    let old: Vec<Bundle> = LEAVES.iter().map(|l| plane.bundle(&format!("pki/{l}.crt"))).collect();
    let admin = fs::read_to_string(plane.file("admin.conf")).unwrap();
    fs::set_permissions(plane.file("admin.conf"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(plane.config(), plane.configuration("ECDSA-P384")).unwrap();
    let output = plane.certs("renew all");
    assert!(output.code == Some(0), "{}", output.stderr);
    assert!(output.stdout.starts_with("Renewed 11 certificates."), "{}", output.stdout);
    let now = OffsetDateTime::now_utc();
    for (leaf, old) in LEAVES.iter().zip(&old) {
        let new = plane.bundle(&format!("pki/{leaf}.crt"));
        assert_eq!(said(&new.certificate), said(&old.certificate), "{leaf}");
        assert_ne!(new.certificate.spki_der(), old.certificate.spki_der(), "{leaf}");
        assert_eq!(new.certificate.key_type(), &KeyType::EcdsaP384, "{leaf}");
        assert!(new.certificate.matches_key(&plane.key(&format!("pki/{leaf}.key"))), "{leaf}");
        let ca = match leaf.split_once('/').map_or(*leaf, |(dir, _)| dir) {
            "etcd" | "apiserver-etcd-client" => "pki/etcd/ca.crt",
            "front-proxy-client" => "pki/front-proxy-ca.crt",
            _ => "pki/ca.crt",
        };
        verify_chain(&new, &[plane.bundle(ca).certificate], now).unwrap();
        assert_eq!(
            new.certificate.not_after() - new.certificate.not_before(),
            time::Duration::minutes(365 * 24 * 60 + 5)
        );
    }
    let (certificate, key, ca) = plane.embedded("admin.conf");
    assert!(certificate.certificate.matches_key(&key) && ca == plane.bundle("pki/ca.crt"));
    assert_eq!(certificate.certificate.subject().organizations, ["kubeadm:cluster-admins"]);
    let shape = |text: &str| -> Vec<String> {
        text.lines().map(|l| l.split("-data: ").next().unwrap().to_owned()).collect()
    };
    assert_eq!(shape(&fs::read_to_string(plane.file("admin.conf")).unwrap()), shape(&admin));
    assert_eq!(fs::metadata(plane.file("admin.conf")).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_kubeconfig_keeps_what_its_owner_added_and_gets_the_ca_anew() {
    let plane = Plane::new();
    let text = fs::read_to_string(plane.file("admin.conf")).unwrap();
    let (_, _, ca) = plane.embedded("admin.conf");
    let edited = text
        .replace(&STANDARD.encode(ca.to_pem()), &STANDARD.encode(plane.bundle("pki/etcd/ca.crt").to_pem()))
        .replace("    server: ", "    tls-server-name: api\n    server: ")
        + "- name: other\n  user: {token: abc}\n";
    fs::write(plane.file("admin.conf"), edited).unwrap();
    let wrong = plane.certs("inspect admin.conf");
    assert!(wrong.stdout.contains("trusts another CA") && wrong.code != Some(0), "{}", wrong.stdout);
    assert!(plane.certs("renew admin.conf").code == Some(0));
    assert!(plane.embedded("admin.conf").2 == ca);
    let renewed = fs::read_to_string(plane.file("admin.conf")).unwrap();
    assert!(renewed.contains("tls-server-name: api") && renewed.contains("token: abc"), "the rest stays");
}

#[test]
fn what_can_not_be_renewed_keeps_nothing_else_from_it() {
    let plane = Plane::new();
    fs::remove_file(plane.file("pki/front-proxy-ca.key")).unwrap();
    fs::remove_file(plane.file("scheduler.conf")).unwrap();
    let output = plane.certs("renew front-proxy-client scheduler.conf etcd-peer -o json");
    assert!(output.code == Some(0));
    let result: Value = serde_json::from_str(output.stdout.lines().last().unwrap()).unwrap();
    let outcomes: Vec<&str> =
        result["certificates"].as_array().unwrap().iter().map(|c| c["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["renewed", "external", "missing"]);

    fs::write(plane.file("pki/apiserver.crt"), "nothing").unwrap();
    let before = fs::read(plane.file("pki/apiserver-etcd-client.crt")).unwrap();
    let output = plane.certs("renew apiserver apiserver-etcd-client");
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("kubestrap init phase certs apiserver"), "{}", output.stderr);
    assert_ne!(fs::read(plane.file("pki/apiserver-etcd-client.crt")).unwrap(), before);
}

#[test]
fn two_renewals_do_not_mix() {
    let plane = Plane::new();
    let _lock = kubestrap::testing::Lock::take(&[&plane.file("pki")], "init").unwrap();
    let before = plane.files();
    let output = plane.certs("renew all");
    assert!(output.stderr.contains("another kubestrap is at work"), "{}", output.stderr);
    assert!(plane.files() == before);
}

#[test]
fn a_renewal_that_is_killed_leaves_files_old_or_new_and_the_next_mends_it() {
    let plane = Plane::new();
    let start = std::time::Instant::now();
    assert!(plane.certs("renew all").code == Some(0));
    let whole = start.elapsed();
    for step in 0..30_u32 {
        let before = plane.files();
        let run = plane.command("renew all");
        let mut run = run.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * step / 30);
        let _ = run.kill();
        run.wait().unwrap();
        let after = plane.files();
        for (path, old) in &before {
            let Some(new) = after.get(path).filter(|new| *new != old) else {
                assert!(after.contains_key(path) || path.to_string_lossy().contains(".kubestrap-"));
                continue;
            };
            let name = path.strip_prefix(plane.dir()).unwrap().to_string_lossy().into_owned();
            match path.extension().and_then(|e| e.to_str()) {
                Some("crt") => drop(Bundle::from_pem(new).unwrap()),
                Some("key") => drop(PrivateKey::from_pem(new).unwrap()),
                _ if name.ends_with(".conf") => {
                    let (certificate, key, _) = plane.embedded(&name);
                    assert!(certificate.certificate.matches_key(&key), "{name}");
                }
                _ => assert!(name.contains(".kubestrap-"), "{name} changed"),
            }
        }
    }
    std::thread::sleep(Duration::from_millis(10));
    assert!(plane.certs("renew all").code == Some(0));
    for leaf in LEAVES {
        let certificate = plane.bundle(&format!("pki/{leaf}.crt")).certificate;
        assert!(certificate.matches_key(&plane.key(&format!("pki/{leaf}.key"))), "{leaf}");
    }
    let left: Vec<PathBuf> =
        plane.files().into_keys().filter(|p| p.to_string_lossy().contains(".kubestrap-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn requests_are_made_once_or_not_at_all() {
    let plane = Plane::new();
    let (pki, dir) = (plane.file("csr/pki"), plane.file("csr"));
    let run = || {
        let run = kubestrap(&["certs", "generate-csr", "--config"]).arg(plane.config());
        run.arg("--cert-dir").arg(&pki).arg("--kubeconfig-dir").arg(&dir).run()
    };
    let output = run();
    assert!(output.code == Some(0), "{}", output.stderr);
    assert_eq!(output.stdout.lines().count(), 12);
    for leaf in LEAVES {
        let text = fs::read_to_string(pki.join(format!("{leaf}.csr"))).unwrap();
        assert!(text.starts_with("-----BEGIN CERTIFICATE REQUEST-----"), "{leaf}");
        plane.key(&format!("csr/pki/{leaf}.key"));
    }
    let kubelet = fs::read_to_string(plane.file("csr/kubelet.conf")).unwrap();
    assert!(
        kubelet.contains("client-key-data") && !kubelet.contains("certificate-"),
        "a key and no certificate"
    );
    assert_eq!(fs::metadata(plane.file("csr/kubelet.conf.csr")).unwrap().permissions().mode() & 0o777, 0o600);

    fs::remove_file(pki.join("apiserver.csr")).unwrap();
    let before = plane.files();
    let output = run();
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("apiserver.key"), "{}", output.stderr);
    assert!(plane.files() == before, "nothing was written");
}

#[test]
fn inspection_says_what_is_wrong_and_what_it_breaks() {
    let plane = Plane::new();
    let fine = plane.certs("inspect");
    assert!(fine.code == Some(0), "{}", fine.stdout);
    fs::create_dir(plane.file("manifests")).unwrap();
    let manifest = "apiVersion: v1\nkind: Pod\nspec: {containers: [{command: [kube-apiserver, --etcd-servers=https://198.51.100.1:2379, --service-cluster-ip-range=10.97.0.0/16]}]}\n";
    fs::write(plane.file("manifests/kube-apiserver.yaml"), manifest).unwrap();
    fs::copy(plane.file("pki/etcd/peer.key"), plane.file("pki/apiserver-etcd-client.key")).unwrap();
    let text = fs::read_to_string(plane.file("kubelet.conf")).unwrap();
    fs::write(
        plane.file("kubelet.conf"),
        text.replace("https://192.0.2.9:6443", "https://lb.example.com:6443"),
    )
    .unwrap();
    fs::copy(plane.file("pki/front-proxy-ca.crt"), plane.file("pki/etcd/ca.crt")).unwrap();
    let output = plane.certs("inspect -o json");
    assert_eq!(output.code, Some(1));
    let found: Value = serde_json::from_str(&output.stdout).unwrap();
    let problems = |name: &str| -> String {
        let all = found["certificates"].as_array().unwrap();
        all.iter().find(|c| c["name"] == name).unwrap()["problems"].to_string()
    };
    assert!(
        problems("apiserver")
            .contains("lb.example.com, under which it is reached by clients that use kubelet.conf"),
        "{}",
        problems("apiserver")
    );
    assert!(problems("apiserver").contains("10.97.0.1"), "{}", problems("apiserver"));
    assert!(problems("etcd-server").contains("198.51.100.1"), "{}", problems("etcd-server"));
    assert!(problems("etcd-peer").contains("etcd-ca"), "{}", problems("etcd-peer"));
    assert!(
        problems("apiserver-etcd-client").contains("for another key"),
        "{}",
        problems("apiserver-etcd-client")
    );
    assert!(problems("etcd-ca").contains("key"), "{}", problems("etcd-ca"));
    assert_eq!(problems("front-proxy-client"), "[]");
}

#[test]
fn keys_and_tokens_are_printed_alone() {
    let key = kubestrap(&["certs", "certificate-key"]).run().stdout;
    assert!(key.len() == 65 && key.trim_end().bytes().all(|b| b.is_ascii_hexdigit()));
    let token = kubestrap(&["token", "generate"]).run().stdout;
    assert!(kubestrap::testing::split_token(token.trim_end()).is_some());
}

#[test]
fn a_token_that_can_not_be_is_refused_before_anything_is_created() {
    let create = |args: &[&str]| {
        let mut run = kubestrap(&["token", "create", "--kubeconfig", "/nonexistent"]);
        for arg in args {
            run = run.arg(arg);
        }
        let done = run.run();
        (done.code.unwrap(), done.everything())
    };
    let key = "ab".repeat(32);
    for (args, told) in [
        (vec!["--certificate-key", &key], "--print-join-command"),
        (vec!["--print-join-command", "--certificate-key", "abc"], "64 hexadecimal digits"),
        (vec!["--ttl=-1h"], "--ttl"),
        (vec!["--usages", "everything"], "--usages"),
        (vec!["--groups", "system:masters"], "system:bootstrappers:"),
        (vec!["ABC"], "abcdef.0123456789abcdef"),
        (vec!["--config", "/dev/null", "--ttl", "1h", "--groups", "g"], "--groups, --ttl"),
    ] {
        let (code, text) = create(&args);
        assert!(code == 2 && text.contains(told) && !text.contains(&key), "{args:?}: {code} {text}");
    }
    let (code, text) = create(&["abcdef.0123456789abcdef", "--dry-run", "--ttl", "0", "--description", "d"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("bootstrap-token-abcdef")
            && !text.contains("0123456789abcdef")
            && !text.contains("expiration")
    );
    assert!(create(&[]).1.contains("/nonexistent can't be read"));
}

#[test]
fn users_get_kubeconfigs() {
    let plane = Plane::new();
    let user = |args: &str| {
        let run = kubestrap(&["kubeconfig", "user", "--client-name", "jane", "--config"]);
        run.arg(plane.config()).args(args).run()
    };
    let output = user("--org dev,ops --org third --validity-period 24h");
    assert!(output.code == Some(0), "{}", output.stderr);
    fs::write(plane.file("jane.conf"), &output.stdout).unwrap();
    let (certificate, key, ca) = plane.embedded("jane.conf");
    assert!(certificate.certificate.matches_key(&key));
    verify_chain(&certificate, &[ca.certificate], OffsetDateTime::now_utc()).unwrap();
    let subject = certificate.certificate.subject();
    assert_eq!(
        (subject.common_name.as_str(), subject.organizations.join(" ")),
        ("jane", "dev ops third".into())
    );
    let left = certificate.certificate.not_after() - OffsetDateTime::now_utc();
    assert!(left <= time::Duration::hours(24) && left > time::Duration::hours(23));

    // Without the CA's key, a token will do, where kubeadm wants the key all the same.
    fs::remove_file(plane.file("pki/ca.key")).unwrap();
    let output = user("");
    assert!(output.code == Some(1) && output.stderr.contains("ca.key is missing"));
    let output = user("--token abcdef.0123456789abcdef");
    assert!(output.code == Some(0) && output.stdout.contains("token: abcdef.0123456789abcdef"));
    assert!(output.stdout.contains("server: https://192.0.2.9:6443"));
}
