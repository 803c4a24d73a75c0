//! Tests of the whole module against openssl, which knows none of our code.

mod chains;
mod issuing;
mod keys;
mod requests;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::*;

/// Within the validity of everything that [`spec`] describes.
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// One key of each algorithm, made once: RSA takes its time.
fn key(algorithm: KeyAlgorithm) -> &'static PrivateKey {
    static KEYS: LazyLock<Vec<PrivateKey>> = LazyLock::new(|| {
        KeyAlgorithm::ALL.map(|algorithm| PrivateKey::generate(algorithm).unwrap()).to_vec()
    });
    &KEYS[KeyAlgorithm::ALL.iter().position(|known| *known == algorithm).unwrap()]
}

/// A key of its own, quickly made.
fn new_key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

fn spec(subject: Subject, usages: Usages) -> CertificateSpec {
    CertificateSpec {
        subject,
        dns_names: Vec::new(),
        ip_addresses: Vec::new(),
        usages,
        not_before: now() - Duration::minutes(5),
        not_after: now() + Duration::days(365),
    }
}

fn ca(common_name: &str, key: &PrivateKey) -> Certificate {
    let spec = CertificateSpec::ca(common_name, now() - Duration::minutes(5), datetime!(2045-01-01 0:00 UTC));
    self_sign_ca(&spec, key).unwrap()
}

/// A folder to run openssl in. `None`, with a note, where there is no openssl.
struct Openssl(tempfile::TempDir);

impl Openssl {
    fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: there is no openssl on this machine");
            return None;
        }
        Some(Self(tempfile::tempdir().unwrap()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Runs a command line, split at spaces; gives stdout, or both outputs of a failure.
    fn try_run(&self, line: &str) -> Result<String, String> {
        self.try_args(&line.split_whitespace().collect::<Vec<_>>())
    }

    fn try_args(&self, args: &[&str]) -> Result<String, String> {
        let output = Command::new("openssl").args(args).current_dir(self.0.path()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let stdout = text(&output.stdout);
        if output.status.success() { Ok(stdout) } else { Err(stdout + &text(&output.stderr)) }
    }

    #[track_caller]
    fn run(&self, line: &str) -> String {
        self.try_run(line).unwrap_or_else(|error| panic!("openssl {line}: {error}"))
    }

    /// Runs a command line with `input` on stdin.
    fn pipe(&self, line: &str, input: &[u8]) -> Vec<u8> {
        let mut child = Command::new("openssl")
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "openssl {line}");
        output.stdout
    }

    /// A CA made by `openssl req`, with the lines of a configuration file's `[dn]` and `[ext]`.
    #[track_caller]
    fn foreign_ca(&self, key_args: &str, dn: &str, ext: &str) -> (Certificate, PrivateKey) {
        let config = format!(
            "[req]\nprompt = no\nutf8 = yes\nstring_mask = utf8only\ndistinguished_name = dn\nx509_extensions = ext\n\
             [dn]\n{dn}\n[ext]\n{ext}\n"
        );
        self.write("ca.cnf", config);
        self.run(&format!(
            "req -x509 -config ca.cnf -newkey {key_args} -nodes -days 30 -keyout foreign.key -out foreign.crt"
        ));
        let certificate = Certificate::from_pem(&self.read("foreign.crt")).unwrap();
        (certificate, PrivateKey::from_pem(&self.read("foreign.key")).unwrap())
    }
}

impl AsRef<Path> for Openssl {
    fn as_ref(&self) -> &Path {
        self.0.path()
    }
}
