//! Tests of the PKI's check, on certificates made here.

use std::sync::OnceLock;

use time::Duration;

use super::super::fake::{FakeMachine, settings};
use super::*;
use crate::pki::{CertificateSpec, Issuer, KeyAlgorithm, Subject, Usages, issue, self_sign_ca};

const ROW: &str = "PkiPair";

fn key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

fn spec(name: &str, days: i64, usages: Usages) -> CertificateSpec {
    let now = OffsetDateTime::now_utc();
    CertificateSpec {
        subject: Subject::new(name),
        dns_names: vec![],
        ip_addresses: vec![],
        usages,
        not_before: now - Duration::days(30),
        not_after: now + Duration::days(days),
    }
}

/// Name, certificate and key as text.
type Pair = (String, String);

struct Made {
    ca: Pair,
    other_ca: Pair,
    leaf: Pair,
    expired: Pair,
    sa: Pair,
}

/// One set for all tests.
fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let text = |key: &PrivateKey| key.to_pem().unwrap().as_str().to_owned();
        let (ca_key, other_key, leaf_key) = (key(), key(), key());
        let ca = self_sign_ca(&spec("kubernetes", 3650, Usages::Ca), &ca_key).unwrap();
        let other = self_sign_ca(&spec("kubernetes", 3650, Usages::Ca), &other_key).unwrap();
        let issuer = Issuer::new(&ca, &ca_key).unwrap();
        let leaf =
            |days| issue(&spec("kube-apiserver", days, Usages::Server), &leaf_key, &issuer).unwrap().to_pem();
        Made {
            ca: (ca.to_pem(), text(&ca_key)),
            other_ca: (other.to_pem(), text(&other_key)),
            leaf: (leaf(365), text(&leaf_key)),
            expired: (leaf(-1), text(&leaf_key)),
            sa: (other_key.public_key_pem(), text(&other_key)),
        }
    })
}

fn with(files: &[(&str, &str)]) -> FakeMachine {
    FakeMachine::with(|m| {
        files.iter().for_each(|(name, text)| m.file(&format!("/etc/kubernetes/pki/{name}"), text))
    })
}

#[test]
fn what_belongs_together_is_fine() {
    let m = made();
    let files = [
        ("ca.crt", &*m.ca.0),
        ("ca.key", &m.ca.1),
        ("apiserver.crt", &m.leaf.0),
        ("apiserver.key", &m.leaf.1),
        ("sa.key", &m.sa.1),
        ("sa.pub", &m.sa.0),
    ];
    assert_eq!(with(&files).check(ROW, &settings("")), []);
    // A CA whose key is elsewhere, and a leaf whose key is missing: init's own business.
    assert_eq!(with(&[files[0], files[2]]).check(ROW, &settings("")), []);
    assert_eq!(with(&[("apiserver.key", &m.leaf.1)]).check(ROW, &settings("")), []);
    // What a run left that was cut off between the two files.
    assert_eq!(with(&[("ca.key", &m.ca.1)]).check(ROW, &settings("")), []);
}

#[test]
fn each_fault_is_told_with_its_file_and_what_to_do() {
    let m = made();
    let s = settings("");
    let finding = |files: &[(&str, &str)]| {
        let found = with(files).finding(ROW, &s);
        let told = format!("{found:?}");
        assert!(!told.contains("PRIVATE KEY-"), "{told}");
        (found.what, found.fix.unwrap())
    };
    let (ca_crt, ca_key) = (("ca.crt", &*m.ca.0), ("ca.key", &*m.ca.1));

    let (what, fix) = finding(&[ca_crt, ("ca.key", &m.other_ca.1)]);
    assert!(what.contains("ca.crt and /etc/kubernetes/pki/ca.key do not belong together"), "{what}");
    assert!(fix.contains("backup"));

    let leaf = |crt| [ca_crt, ca_key, ("apiserver.crt", crt), ("apiserver.key", &*m.leaf.1)];
    let (what, fix) = finding(&leaf(&m.expired.0));
    assert!(what.ends_with("apiserver.crt has expired"), "{what}");
    assert!(
        fix.starts_with("`rm /etc/kubernetes/pki/apiserver.crt /etc/kubernetes/pki/apiserver.key`"),
        "{fix}"
    );

    let (_, fix) = finding(&[ca_crt, ("apiserver.crt", &m.expired.0)]);
    assert!(fix.contains("whoever holds the CA's key"), "{fix}");

    let other = [("ca.crt", &*m.other_ca.0), ("ca.key", &m.other_ca.1), ("apiserver.crt", &m.leaf.0)];
    assert!(finding(&other).0.ends_with("is not of the CA beside it"));

    let mixed = [ca_crt, ca_key, ("apiserver.crt", &m.leaf.0), ("apiserver.key", &m.sa.1)];
    assert!(finding(&mixed).0.contains("do not belong together"));
    assert!(finding(&leaf(&m.leaf.0[..100])).0.contains("can't be used"));
    assert!(finding(&[ca_key, ("apiserver.crt", &m.leaf.0)]).0.contains("without its certificate"));
    assert!(
        finding(&[("sa.key", &m.sa.1), ("sa.pub", "-----BEGIN PUBLIC KEY-----\nx\n")]).0.contains("sa.pub")
    );
    assert!(finding(&[("sa.key", "rubbish")]).0.contains("sa.key can't be used"));
}

#[test]
fn etcd_s_files_do_not_matter_where_etcd_is_external() {
    let machine = with(&[("etcd/ca.crt", "rubbish")]);
    assert_eq!(machine.check(ROW, &settings("")).len(), 1);
    let external = "etcd: {external: {endpoints: ['http://192.0.2.3:2379']}}\n";
    assert_eq!(machine.check(ROW, &settings(external)), []);
}
