//! A PKI that is there already: what is right stays untouched, what is missing is made, what is wrong is refused with
//! the file and the reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{Done, INIT, Run, files, kubestrap, note_skipped, program, tool};

/// A cluster configuration with its PKI and kubeconfigs in `dir`.
fn config(dir: &Path, more: &str) -> String {
    let pki = dir.join("pki");
    format!(
        "{INIT}---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.2\n\
        encryptionAlgorithm: ECDSA-P256\ncertificatesDir: {}\n{more}\n",
        pki.display()
    )
}

/// A folder with a PKI and kubeconfigs, and runs on it.
pub(crate) struct Place {
    dir: tempfile::TempDir,
    more: String,
}

impl Place {
    /// A folder without anything.
    pub(crate) fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), more: String::new() }
    }

    /// A folder in which a run made everything.
    pub(crate) fn filled() -> Self {
        let place = Self::empty();
        place.certs("all").run().succeeded();
        place.phase("kubeconfig all").run().succeeded();
        place
    }

    /// With more lines in the ClusterConfiguration of later runs.
    pub(crate) fn with(self, more: &str) -> Self {
        Self { more: more.to_owned(), ..self }
    }

    /// A run of phases.
    pub(crate) fn phase(&self, phase: &str) -> Run {
        let run = kubestrap(&["init", "phase"]).args(phase).config(config(self.path(), &self.more));
        run.arg("--kubeconfig-dir").arg(self.path())
    }

    /// A run of one of the `certs` phases.
    pub(crate) fn certs(&self, phase: &str) -> Run {
        self.phase(&format!("certs {phase}"))
    }

    /// A dry run of the whole on what is here.
    pub(crate) fn dry_run(&self) -> Run {
        let run = super::support::dry_run_here().config(config(self.path(), &self.more));
        run.arg("--kubeconfig-dir").arg(self.path())
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A file of the PKI.
    pub(crate) fn pki(&self, file: &str) -> PathBuf {
        self.path().join("pki").join(file)
    }

    /// Removes files of the PKI.
    pub(crate) fn without(self, gone: &[&str]) -> Self {
        gone.iter().for_each(|file| std::fs::remove_file(self.pki(file)).unwrap());
        self
    }

    /// Every file's content and time.
    pub(crate) fn state(&self) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
        let state = |f: PathBuf| {
            let meta = f.metadata().unwrap().modified().unwrap();
            (f.clone(), (std::fs::read(f).unwrap(), meta))
        };
        files(self.path()).into_iter().map(state).collect()
    }

    /// Checks that a run of all `certs` phases is refused with these words, and touches nothing that was there.
    fn refuses(&self, parts: &[&str]) {
        let before = self.state();
        let done = self.certs("all").run().refused(1, parts);
        assert!(done.stderr.contains("fix:"), "{}", done.stderr);
        let after = self.state();
        assert!(before.iter().all(|(file, state)| after.get(file) == Some(state)));
        // A dry run on it tells the same.
        self.dry_run().run().refused(1, parts);
    }
}

#[test]
fn what_is_right_stays_untouched() {
    let place = Place::filled();
    let before = place.state();
    assert_eq!(before.len(), 22 + 5);
    place.certs("all").run().succeeded();
    place.phase("kubeconfig all").run().succeeded();
    assert!(before == place.state());
    let done: Done = place.dry_run().run().succeeded();
    assert!(before == place.state(), "a dry run changes nothing");
    for (file, (content, _)) in before {
        let copy = done.out().join(file.strip_prefix("/").unwrap());
        assert!(std::fs::read(copy).unwrap() == content, "{} is used, not made again", file.display());
    }
}

#[test]
fn what_is_missing_is_made() {
    let gone = ["apiserver.crt", "apiserver.key", "etcd/peer.crt", "etcd/peer.key", "sa.pub"];
    let place = Place::filled().without(&gone);
    let before = place.state();
    place.certs("all").run().succeeded();
    let after = place.state();
    assert_eq!(after.len(), 22 + 5);
    assert!(before.iter().all(|(file, state)| after.get(file) == Some(state)));
    place.certs("all").run().succeeded();
    assert!(after == place.state());
}

#[test]
fn a_key_without_its_certificate_gets_one() {
    // What an interrupted run leaves. kubeadm gives up here.
    for base in ["ca", "apiserver", "etcd/ca", "front-proxy-client"] {
        let place = Place::empty();
        place.certs("all").run().succeeded();
        let key = std::fs::read(place.pki(&format!("{base}.key"))).unwrap();
        let place = place.without(&[&format!("{base}.crt")]);
        let done = place.certs("all").run().succeeded();
        assert!(std::fs::read(place.pki(&format!("{base}.key"))).unwrap() == key, "{base}: {}", done.stderr);
        // What a CA had signed with that key stays good.
        place.certs("all").run().succeeded();
    }
}

#[test]
fn a_certificate_without_its_key_is_refused() {
    Place::filled().without(&["apiserver.key"]).refuses(&["certs/apiserver:", "apiserver.key is missing"]);
    Place::filled().without(&["etcd/server.key"]).refuses(&["certs/etcd-server:", "server.key is missing"]);
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    for (from, to, phase) in [
        ("etcd/peer.key", "apiserver.key", "certs/apiserver:"),
        ("etcd/ca.key", "ca.key", "certs/ca:"),
        ("sa.key", "etcd/healthcheck-client.key", "certs/etcd-healthcheck-client:"),
    ] {
        let place = Place::filled();
        std::fs::copy(place.pki(from), place.pki(to)).unwrap();
        place.refuses(&[phase, to, "are not a pair"]);
    }
    let place = Place::filled();
    std::fs::copy(Place::filled().pki("sa.pub"), place.pki("sa.pub")).unwrap();
    place.refuses(&["certs/sa:", "sa.pub is not the public key"]);
}

#[test]
fn a_certificate_of_another_ca_is_refused() {
    let (place, other) = (Place::filled(), Place::filled());
    for file in ["apiserver.crt", "apiserver.key"] {
        std::fs::copy(other.pki(file), place.pki(file)).unwrap();
    }
    place.refuses(&["certs/apiserver:", "apiserver.crt was not issued by the CA beside it"]);
    // A CA that was made again under its old certificates.
    let (place, other) = (Place::filled(), Place::filled());
    for file in ["etcd/ca.crt", "etcd/ca.key"] {
        std::fs::copy(other.pki(file), place.pki(file)).unwrap();
    }
    place.refuses(&["server.crt was not issued by the CA beside it", "etcd-ca"]);
}

#[test]
fn a_leaf_in_a_ca_s_place_is_refused() {
    let place = Place::filled();
    for end in ["crt", "key"] {
        std::fs::copy(place.pki(&format!("apiserver.{end}")), place.pki(&format!("ca.{end}"))).unwrap();
    }
    place.refuses(&["certs/ca:", "ca.crt is not a CA certificate"]);
}

#[test]
fn what_is_no_certificate_is_refused() {
    for content in ["junk", "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n", "\0\u{1}"] {
        for file in ["ca.crt", "apiserver.crt", "etcd/server.crt"] {
            let place = Place::filled();
            std::fs::write(place.pki(file), content).unwrap();
            let done = place.certs("all").run().refused(1, &[file]);
            let helpful = ["fix:", "move it away"].iter().any(|help| done.stderr.contains(help));
            assert!(helpful, "{content:?} in {file}: {}", done.stderr);
            assert_eq!(std::fs::read_to_string(place.pki(file)).unwrap(), content);
        }
    }
}

#[test]
fn what_is_cut_off_is_made_anew() {
    // What other programs leave when they are killed, and file systems when the power goes.
    for file in ["apiserver.crt", "etcd/server.crt", "front-proxy-client.key", "admin.conf"] {
        for part in ["half", "nothing", "zeros"] {
            let place = Place::filled();
            let path = if file == "admin.conf" { place.path().join(file) } else { place.pki(file) };
            let whole = std::fs::read(&path).unwrap();
            let cut = match part {
                "half" if file == "admin.conf" => continue,
                "half" => whole[..whole.len() / 2].to_vec(),
                "nothing" => vec![],
                _ => vec![0; whole.len()],
            };
            std::fs::write(&path, cut).unwrap();
            if file.ends_with(".key") {
                std::fs::remove_file(path.with_extension("crt")).unwrap();
            }
            let key = std::fs::read(path.with_extension("key")).ok().filter(|_| file.ends_with(".crt"));
            place.certs("all").run().succeeded();
            place.phase("kubeconfig all").run().succeeded();
            let now = std::fs::read(&path).unwrap();
            assert!(now.len() + 20 > whole.len() && now != whole, "{part} of {file}");
            assert!(
                key.is_none_or(|key| std::fs::read(path.with_extension("key")).unwrap() == key),
                "{file}"
            );
        }
    }
}

#[test]
fn what_expired_is_refused() {
    let place = Place::filled().without(&["apiserver.crt", "apiserver.key"]);
    let place = place.with("certificateValidityPeriod: 1s");
    place.certs("apiserver").run().succeeded();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    place.refuses(&["certs/apiserver:", "apiserver.crt", "expired"]);
    let place = Place::empty().with("caCertificateValidityPeriod: 1s");
    place.certs("ca").run().succeeded();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    place.refuses(&["certs/ca:", "ca.crt has expired"]);
}

#[test]
fn names_that_a_certificate_lacks_are_added() {
    let place = Place::filled().with("apiServer: {certSANs: [new.example.org, 203.0.113.77]}");
    let before = place.state();
    let done = place.certs("all").run().succeeded();
    for part in ["+  DNS new.example.org", "+  IP 203.0.113.77"] {
        assert!(done.stderr.contains(part), "{}", done.stderr);
    }
    let after = place.state();
    let changed: Vec<_> = before.keys().filter(|f| before.get(*f) != after.get(*f)).collect();
    assert_eq!(changed, [&place.pki("apiserver.crt")], "its key and all else stay");
    place.certs("all").run().succeeded();
    assert!(after == place.state());
    // Names that are no longer asked for stay: somebody may use them.
    let place = place.with("apiServer: {certSANs: [newer.example.org]}");
    place.certs("all").run().succeeded();
    let pem = std::fs::read(place.pki("apiserver.crt")).unwrap();
    let certificate = kubestrap::testing::Certificate::from_pem(&pem).unwrap();
    for name in ["new.example.org", "newer.example.org", "cp-1"] {
        assert!(certificate.dns_names().iter().any(|n| n == name), "{name}");
    }
}

#[test]
fn certificate_that_gets_names_keeps_its_end() {
    let end = |place: &Place| {
        let pem = std::fs::read(place.pki("apiserver.crt")).unwrap();
        kubestrap::testing::Certificate::from_pem(&pem).unwrap().not_after()
    };
    let place = Place::filled().without(&["apiserver.crt"]).with("certificateValidityPeriod: 43800h");
    place.certs("all").run().succeeded();
    let before = end(&place);
    let place = place.with("apiServer: {certSANs: [new.example.org]}");
    let done = place.certs("all").run().succeeded();
    assert!(done.stderr.contains("+  DNS new.example.org"), "{}", done.stderr);
    assert_eq!(end(&place), before);
}

#[test]
fn keys_of_old_and_careful_users_are_used() {
    if program("openssl").is_none() {
        return note_skipped("keys of openssl's, which is not here");
    }
    let openssl = |place: &Place, line: &str| {
        tool(Command::new("openssl").args(line.split(' ')).current_dir(place.path().join("pki")))
    };
    let place = Place::empty();
    std::fs::create_dir(place.path().join("pki")).unwrap();
    openssl(&place, "ecparam -name secp521r1 -genkey -noout -out ca.key");
    openssl(&place, "req -x509 -sha512 -key ca.key -subj /CN=kubernetes -days 3650 -out ca.crt");
    openssl(&place, "genrsa -traditional -out sa.key 1024");
    openssl(&place, "rsa -in sa.key -pubout -out sa.pub");
    let before = place.state();
    let done = place.certs("all").run().succeeded();
    assert!(done.stderr.contains("sa.key is an RSA key of fewer than 2048 bits"), "{}", done.stderr);
    openssl(&place, "verify -CAfile ca.crt apiserver.crt");
    let made = place.state();
    assert!(before.iter().all(|(file, state)| made.get(file) == Some(state)));
    place.certs("all").run().succeeded();
    assert!(made == place.state(), "what a P-521 key signed is right the second time, too");
}

#[test]
fn names_that_a_certificate_of_an_external_ca_lacks_are_told() {
    let place = Place::filled().without(&["ca.key"]).with("apiServer: {certSANs: [new.example.org]}");
    let before = place.state();
    let done = place.certs("all").run().succeeded();
    let warning = done.stderr.lines().find(|l| l.contains("WARNING") && l.contains("new.example.org"));
    assert!(warning.is_some_and(|w| w.contains("apiserver.crt")), "{}", done.stderr);
    assert!(before == place.state());
}

#[test]
fn a_kubeconfig_of_another_cluster_is_refused() {
    let (place, other) = (Place::filled(), Place::filled());
    std::fs::copy(other.path().join("admin.conf"), place.path().join("admin.conf")).unwrap();
    let before = place.state();
    place.phase("kubeconfig all").run().refused(1, &["kubeconfig/admin:", "admin.conf", "ca.crt"]);
    assert!(before == place.state());
    let place = Place::filled();
    std::fs::write(place.path().join("scheduler.conf"), "half a kubeconf").unwrap();
    place.phase("kubeconfig all").run().refused(1, &["kubeconfig/scheduler:", "scheduler.conf"]);
    let place = Place::filled().with("controlPlaneEndpoint: moved.example.org:6443");
    let done = place.phase("kubeconfig all").run().succeeded();
    assert!(done.stderr.contains("WARNING") && done.stderr.contains("moved.example.org"), "{}", done.stderr);
}

#[test]
fn a_ca_made_by_others_is_taken() {
    if program("openssl").is_none() {
        return note_skipped("openssl is not here");
    }
    // PKCS#8, another algorithm, an intermediate with its root beside it.
    let place = Place::empty();
    std::fs::create_dir_all(place.pki("")).unwrap();
    let openssl = |args: &str| {
        let mut command = std::process::Command::new("openssl");
        tool(command.args(args.split_whitespace()).current_dir(place.pki("")))
    };
    let extensions =
        "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign";
    openssl(&format!(
        "req -x509 -newkey rsa:2048 -nodes -keyout ../root.key -out ../root.crt -subj /CN=root -days 99 {extensions}"
    ));
    openssl(&format!(
        "req -new -newkey rsa:2048 -nodes -keyout ca.key -out ../ca.csr -subj /CN=ours {extensions}"
    ));
    openssl(
        "x509 -req -in ../ca.csr -CA ../root.crt -CAkey ../root.key -CAcreateserial -copy_extensions copy -days 98 -out ca.crt",
    );
    let before = std::fs::read(place.pki("ca.crt")).unwrap();
    assert!(std::fs::read_to_string(place.pki("ca.key")).unwrap().starts_with("-----BEGIN PRIVATE KEY"));
    place.certs("all").run().succeeded();
    place.certs("all").run().succeeded();
    place.phase("kubeconfig all").run().succeeded();
    assert!(std::fs::read(place.pki("ca.crt")).unwrap() == before);
    openssl("verify -partial_chain -CAfile ca.crt apiserver.crt");
    openssl("verify -CAfile ../root.crt -untrusted ca.crt apiserver.crt");
}
