//! An archive, written and read.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::*;
use crate::config::Paths;

/// A node's files in a folder, and a snapshot.
struct Node {
    dir: TempDir,
    paths: Paths,
    snapshot: PathBuf,
}

impl Node {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        let put = |path: &str, text: &str| {
            fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            fs::write(at(path), text).unwrap();
        };
        put("kubernetes/pki/ca.crt", "ca");
        put("kubernetes/pki/ca.key", "secret of the ca");
        put("kubernetes/pki/etcd/ca.key", "secret of etcd");
        put("kubernetes/admin.conf", "admin");
        put("kubernetes/enc/keys.yaml", "encryption key");
        put("kubernetes/manifests/.hidden.yaml", "no");
        let volume = |path: &Path| format!("{{name: v, hostPath: {{path: {}}}}}", path.display());
        let volumes = [at("kubernetes/enc"), at("kubernetes/pki"), at("etcd"), "/etc/ssl/certs".into()];
        let volumes = volumes.map(|path| volume(&path)).join(", ");
        put("kubernetes/manifests/kube-apiserver.yaml", &format!("spec: {{volumes: [{volumes}]}}\n"));
        put("etcd/member/snap/db", "not this");
        put("kubelet/config.yaml", "kubelet");
        // Larger than a chunk of age's, and not to be compressed away.
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        fs::write(at("snapshot.db"), bytes).unwrap();
        let pki = at("kubernetes/pki");
        let paths = Paths {
            manifests: at("kubernetes/manifests"),
            kubelet: at("kubelet"),
            ..Paths::new(pki.to_str().unwrap(), Some(&at("kubernetes")))
        };
        Self { snapshot: at("snapshot.db"), paths, dir }
    }

    fn backup(&self, lock: &Lock) -> PathBuf {
        let path = self.dir.path().join("new/a.tar.gz.age");
        let mut collected = collect(&self.paths, Some(&self.dir.path().join("etcd"))).unwrap();
        collected.configuration("kind: ClusterConfiguration\n");
        let manifest = Manifest {
            format: 1,
            id: "id".into(),
            time: String::new(),
            program: String::new(),
            node: NodeFacts::default(),
            cluster: ClusterFacts::default(),
            snapshot: None,
            entries: vec![],
            left_out: collected.left_out.clone(),
            how_to_use: vec![],
        };
        write(&path, lock, manifest, &collected, Some(&self.snapshot)).unwrap();
        path
    }
}

fn passphrase(text: &str) -> (Lock, Unlock) {
    let text = Zeroizing::new(text.to_owned());
    (Lock::Passphrase(text.clone()), Unlock::Passphrase(text))
}

#[test]
fn what_was_written_is_read_back_and_only_what_belongs_there() {
    let node = Node::new();
    let (lock, unlock) = passphrase("correct horse");
    let path = node.backup(&lock);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let archive = Archive::open(&path, &unlock).unwrap();
    let names = |kind| -> Vec<String> {
        let entries = archive.files(kind);
        entries.map(|(entry, _)| entry.name.rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(Kind::Pki), ["ca.crt", "ca.key", "ca.key"]);
    assert_eq!(names(Kind::Kubeconfig), ["admin.conf"]);
    assert_eq!(names(Kind::StaticPod), ["kube-apiserver.yaml"]);
    assert_eq!(names(Kind::Mounted), ["keys.yaml"]);
    assert_eq!(names(Kind::Kubelet)[0], "config.yaml");
    let (entry, content) = archive.files(Kind::Mounted).next().unwrap();
    assert_eq!(content, b"encryption key");
    assert_eq!(entry.path.as_deref(), Some(node.paths.kubeconfig("enc/keys.yaml").as_path()));
    assert_eq!(archive.configuration().as_deref(), Some("kind: ClusterConfiguration\n"));
    let mut snapshot = vec![];
    archive.extract_snapshot(&mut snapshot).unwrap();
    assert_eq!(snapshot, fs::read(&node.snapshot).unwrap());
    assert_eq!(verify(&path, &unlock).unwrap(), archive.manifest);
}

#[test]
fn key_that_does_not_fit_is_told_with_the_fix() {
    let node = Node::new();
    let identity = age::x25519::Identity::generate();
    let lock = Lock::Recipients(vec![identity.to_public().to_string()]);
    let path = node.backup(&lock);
    let of = |identity: &age::x25519::Identity| {
        use age::secrecy::ExposeSecret as _;
        let text = format!("# created\n{}\n", identity.to_string().expose_secret());
        Unlock::Identities(vec![Zeroizing::new(text)])
    };
    verify(&path, &of(&identity)).unwrap();
    let error = |unlock: &Unlock, path: &Path| verify(path, unlock).unwrap_err().to_string();
    let other = error(&of(&age::x25519::Identity::generate()), &path);
    assert!(other.contains("none of the identities"), "{other}");
    let (_, wrong_kind) = passphrase("x");
    assert!(error(&wrong_kind, &path).contains("--identity"));

    fs::remove_file(&path).unwrap();
    let (lock, _) = passphrase("right");
    let path = node.backup(&lock);
    let wrong = error(&passphrase("wrong").1, &path);
    assert!(wrong.contains("the passphrase is wrong") && wrong.contains("fix:"), "{wrong}");
    assert!(error(&of(&identity), &path).contains("--passphrase-file"));
    let bad = Lock::Recipients(vec!["ssh-ed25519 AAAA".into()]);
    assert!(bad.recipients().err().unwrap().to_string().contains("age1"));
}

#[test]
fn changed_or_missing_bytes_are_refused_wherever_they_are() {
    let node = Node::new();
    let (lock, unlock) = passphrase("p");
    let path = node.backup(&lock);
    let size = fs::metadata(&path).unwrap().len();
    let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    for place in [30, 100, 180, 300, size / 2, size - 1] {
        let mut byte = [0];
        file.read_exact_at(&mut byte, place).unwrap();
        file.write_all_at(&[byte[0] ^ 1], place).unwrap();
        let error = verify(&path, &unlock).unwrap_err();
        assert!(!matches!(error, BackupError::File { .. }), "{place}: {error}");
        file.write_all_at(&byte, place).unwrap();
    }
    verify(&path, &unlock).unwrap();
    for size in [size - 1, size / 2, 250, 20] {
        file.set_len(size).unwrap();
        let error = verify(&path, &unlock).unwrap_err();
        assert!(!matches!(error, BackupError::File { .. }), "{size}: {error}");
    }
}

#[test]
fn existing_file_is_not_overwritten() {
    let node = Node::new();
    let (lock, _) = passphrase("p");
    let path = node.backup(&lock);
    let manifest =
        Manifest { id: "other".into(), ..Archive::open(&path, &passphrase("p").1).unwrap().manifest };
    let error = write(&path, &lock, manifest, &Collected::default(), None).unwrap_err();
    assert!(matches!(error, BackupError::Exists { .. }), "{error}");
    let name = file_name("n1", OffsetDateTime::UNIX_EPOCH);
    assert_eq!(name, "kubestrap-backup-n1-19700101T000000Z.tar.gz.age");
}

#[test]
fn what_a_killed_backup_left_is_removed_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::create_dir(path(".kubestrap-backup-a1")).unwrap();
    fs::write(path(".kubestrap-backup-a1/snapshot.db"), "").unwrap();
    fs::write(path(".kubestrap-backup-a2"), "").unwrap();
    fs::write(path("kubestrap-backup-n1.tar.gz.age"), "").unwrap();
    super::remove_unfinished(dir.path()).unwrap();
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["kubestrap-backup-n1.tar.gz.age"]);
}
