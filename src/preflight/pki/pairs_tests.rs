//! Tests of the PKI's check, on certificates made here.

use std::sync::OnceLock;

use time::Duration;

use super::*;
use crate::pki::{CertificateSpec, Issuer, KeyAlgorithm, Subject, Usages, issue, self_sign_ca};
use crate::preflight::fake::{FakeMachine, settings};

const ROW: &str = "PkiPair";

fn key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

fn spec(name: &str, days: i64, usages: Usages) -> CertificateSpec {
    let now = OffsetDateTime::now_utc();
    CertificateSpec {
        subject: Subject::new(name),
        dns_names: vec![],
        ip_addresses: vec!["192.0.2.10".parse().unwrap()],
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
fn matching_certificates_and_keys_are_fine() {
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
    // What a run left that was cut off.
    assert_eq!(with(&[("apiserver.key", &m.leaf.1)]).check(ROW, &settings("")), []);
    // What a run left that was cut off between the two files.
    assert_eq!(with(&[("ca.key", &m.ca.1)]).check(ROW, &settings("")), []);
}

#[test]
fn two_generations_of_a_ca_and_of_keys_are_fine() {
    let m = made();
    let (authorities, keys) = (m.other_ca.0.clone() + &m.ca.0, key().public_key_pem() + &m.sa.0);
    let files = [
        ("ca.crt", authorities.as_str()),
        ("ca.key", &m.other_ca.1),
        ("apiserver.crt", &m.leaf.0),
        ("apiserver.key", &m.leaf.1),
        ("sa.key", &m.sa.1),
        ("sa.pub", &keys),
    ];
    assert_eq!(with(&files).check(ROW, &settings("")), []);
}

#[test]
fn each_fault_is_reported_with_its_file_and_fix() {
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
    assert!(what.contains("ca.crt and /etc/kubernetes/pki/ca.key are not a pair"), "{what}");
    assert!(fix.contains("backup"));

    let leaf = |crt| [ca_crt, ca_key, ("apiserver.crt", crt), ("apiserver.key", &*m.leaf.1)];
    let (what, fix) = finding(&leaf(&m.expired.0));
    assert!(what.ends_with("apiserver.crt has expired"), "{what}");
    assert!(
        fix.starts_with("`rm /etc/kubernetes/pki/apiserver.crt /etc/kubernetes/pki/apiserver.key`"),
        "{fix}"
    );

    let found = with(&[ca_crt, ("apiserver.crt", &m.expired.0)]).check(ROW, &s);
    assert!(found[0].fix.as_ref().unwrap().contains("whoever holds the CA's key"), "{found:?}");

    let other = [("ca.crt", &*m.other_ca.0), ("ca.key", &m.other_ca.1), ("apiserver.crt", &m.leaf.0)];
    assert!(finding(&other).0.ends_with("was not issued by the CA beside it"));

    let mixed = [ca_crt, ca_key, ("apiserver.crt", &m.leaf.0), ("apiserver.key", &m.sa.1)];
    assert!(finding(&mixed).0.contains("are not a pair"));
    assert!(finding(&leaf("rubbish")).0.contains("can't be used"));
    assert_eq!(with(&leaf(&m.leaf.0[..100])).check(ROW, &s), [], "one that is cut off is made again");
    assert!(finding(&[ca_key, ("apiserver.crt", &m.leaf.0)]).0.contains("without its certificate"));
    assert!(
        finding(&[("sa.key", &m.sa.1), ("sa.pub", "-----BEGIN PUBLIC KEY-----\nx\n")]).0.contains("sa.pub")
    );
    assert!(
        finding(&[("sa.key", &m.sa.1), ("sa.pub", "rubbish")]).1.contains("rm /etc/kubernetes/pki/sa.pub")
    );
    assert!(finding(&[("sa.key", "rubbish")]).0.contains("sa.key can't be used"));
}

#[test]
fn certificates_that_cannot_be_generated_are_reported_first() {
    let m = made();
    let found = with(&[("ca.crt", &m.ca.0), ("apiserver.crt", &m.leaf.0)]).finding(ROW, &settings(""));
    assert_eq!(found.evidence, ["/etc/kubernetes/pki/apiserver-kubelet-client.crt"]);
    assert!(found.cause.unwrap().contains("external CA") && found.fix.unwrap().contains("generate-csr"));
}

#[test]
fn api_server_certificate_must_name_the_advertise_address() {
    let m = made();
    let elsewhere = "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nlocalAPIEndpoint: {advertiseAddress: 203.0.113.9}\n";
    let files = [
        ("ca.crt", &*m.ca.0),
        ("apiserver.crt", &m.leaf.0),
        ("apiserver.key", &m.leaf.1),
        ("ca.key", &m.ca.1),
    ];
    let found = with(&files[..3]).check(ROW, &settings(elsewhere));
    let found = found.iter().find(|f| f.what.contains("does not name 203.0.113.9")).unwrap();
    assert!(found.fix.as_ref().unwrap().contains("issued again by whoever holds the CA's key"));
    assert_eq!(with(&files).check(ROW, &settings(elsewhere)), [], "init adds it");
}

#[test]
fn etcd_s_files_do_not_matter_where_etcd_is_external() {
    let machine = with(&[("etcd/ca.crt", "rubbish")]);
    assert_eq!(machine.check(ROW, &settings("")).len(), 1);
    let external = "etcd: {external: {endpoints: ['http://192.0.2.3:2379']}}\n";
    assert_eq!(machine.check(ROW, &settings(external)), []);
}

#[test]
fn ca_without_its_key_is_no_fault_while_the_key_is_to_be_downloaded() {
    let machine = with(&[("etcd/ca.crt", &made().ca.0)]);
    assert_eq!(check(&settings(""), &machine, true), []);
    let [finding] = &check(&settings(""), &machine, false)[..] else { panic!("no finding") };
    assert!(finding.what.contains("etcd/ca.key"), "{}", finding.what);
}
