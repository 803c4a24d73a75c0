//! Certificates and keys that are there, and wrong.

use std::fs;
use std::path::Path;

use super::fault::{Fault, fault};
use super::scene::{OWN, PKI, Scene, put};
use crate::command::check;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "ca-pair-mismatch",
        "ca.crt and ca.key are not a pair",
        |s| mixed(s, &["ca.key"]),
        &["ca.crt", "ca.key", "are not a pair"],
        &["backup|kubestrap reset"],
    ),
    fault(
        "apiserver-pair-mismatch",
        "apiserver.crt and apiserver.key are not a pair",
        |s| mixed(s, &["apiserver.key"]),
        &["apiserver.crt", "apiserver.key", "are not a pair"],
        &["rm /etc/kubernetes/pki/apiserver.crt"],
    ),
    fault(
        "apiserver-cert-expired",
        "apiserver.crt has expired",
        |s| {
            s.phase(&["certs", "all"])?;
            sign_again(&["-days", "-1"])
        },
        &["apiserver.crt", "expired"],
        &["rm /etc/kubernetes/pki/apiserver.crt|certs renew"],
    ),
    fault(
        "apiserver-cert-not-yet-valid",
        "apiserver.crt is valid from next year on: the clock is wrong, or was",
        |s| {
            s.phase(&["certs", "all"])?;
            sign_in_future()
        },
        &["apiserver.crt", "not valid yet", "clock"],
        &["timedatectl|clock"],
    ),
    fault(
        "apiserver-cert-of-another-ca",
        "apiserver.crt is signed by another CA than ca.crt",
        |s| mixed(s, &["apiserver.crt", "apiserver.key"]),
        &["apiserver.crt", "not issued by the CA"],
        &["rm /etc/kubernetes/pki/apiserver.crt"],
    ),
    fault(
        "etcd-client-of-another-ca",
        "apiserver-etcd-client.crt is signed by another CA than etcd's",
        |s| mixed(s, &["apiserver-etcd-client.crt", "apiserver-etcd-client.key"]),
        &["apiserver-etcd-client.crt", "not issued by the CA"],
        &["rm /etc/kubernetes/pki/apiserver-etcd-client.crt"],
    ),
    fault(
        "etcd-ca-exchanged",
        "etcd's CA was made again; its certificates were not",
        |s| mixed(s, &["etcd/ca.crt", "etcd/ca.key"]),
        &["etcd/server.crt", "not issued by the CA"],
        &["rm /etc/kubernetes/pki/etcd/server.crt"],
    ),
    fault(
        "etcd-ca-exchanged-ignored",
        "a client certificate of another CA, with the check ignored: what signs certificates refuses it",
        |s| {
            s.ignored.push("PkiPair");
            mixed(s, &["apiserver-etcd-client.crt", "apiserver-etcd-client.key"])
        },
        &["apiserver-etcd-client.crt|certificate", "etcd", "CA|unknown authority|trust"],
        &["apiserver-etcd-client.crt|certs renew"],
    )
    .ends(&[1, 3, 4]),
    fault(
        "ca-broken",
        "ca.crt is half written",
        |s| {
            s.phase(&["certs", "all"])?;
            let file = format!("{PKI}/ca.crt");
            let text = fs::read_to_string(&file)?;
            put(&file, text.get(..300).unwrap_or_default())
        },
        &["ca.crt", "can't be used"],
        &["backup|kubestrap reset"],
    ),
    fault(
        "ca-key-without-certificate",
        "of the CA only the key is left",
        |s| {
            s.phase(&["certs", "all"])?;
            Ok(fs::remove_file(format!("{PKI}/ca.crt"))?)
        },
        &["ca.key", "without its certificate"],
        &["restore /etc/kubernetes/pki/ca.crt"],
    ),
    fault(
        "ca-external-and-incomplete",
        "the CA's key is kept elsewhere, and one certificate was not brought",
        |s| {
            s.phase(&["certs", "all"])?;
            fs::remove_file(format!("{PKI}/ca.key"))?;
            Ok(fs::remove_file(format!("{PKI}/apiserver.crt"))?)
        },
        &["apiserver.crt", "ca.key|external"],
        &["generate-csr|issue|sign|put"],
    ),
    fault(
        "front-proxy-ca-key-missing",
        "front-proxy-ca.key is missing, and front-proxy-client.crt with it",
        |s| {
            s.phase(&["certs", "all"])?;
            fs::remove_file(format!("{PKI}/front-proxy-ca.key"))?;
            Ok(fs::remove_file(format!("{PKI}/front-proxy-client.crt"))?)
        },
        &["front-proxy-client.crt", "front-proxy-ca.key|external"],
        &["generate-csr|issue|sign|put"],
    ),
    fault(
        "sa-pair-mismatch",
        "sa.key and sa.pub are not a pair",
        |s| mixed(s, &["sa.pub"]),
        &["sa.key", "sa.pub", "are not a pair"],
        &["rm /etc/kubernetes/pki/sa.pub"],
    ),
    fault(
        "sa-key-garbage",
        "sa.key holds no key",
        |s| {
            s.phase(&["certs", "all"])?;
            put(
                &format!("{PKI}/sa.key"),
                "-----BEGIN RSA PRIVATE KEY-----\nbm8=\n-----END RSA PRIVATE KEY-----\n",
            )
        },
        &["sa.key", "can't be used"],
        &["backup"],
    ),
    fault(
        "sa-pub-garbage",
        "sa.pub holds no key",
        |s| {
            s.phase(&["certs", "all"])?;
            put(&format!("{PKI}/sa.pub"), "nothing\n")
        },
        &["sa.pub"],
        &["rm /etc/kubernetes/pki/sa.pub"],
    ),
    fault(
        "apiserver-cert-without-address",
        "apiserver.crt does not name the address that is advertised, and its CA is external",
        |s| {
            s.init("localAPIEndpoint: {advertiseAddress: 10.88.0.77}");
            s.phase(&["certs", "all"])?;
            s.config.init.clear();
            fs::remove_file(Path::new(PKI).join("ca.key"))?;
            Ok(())
        },
        &["apiserver.crt", "10.88.0.2"],
        &["sign|request|CA"],
    ),
];

/// A whole PKI, of which some files are another's.
fn mixed(s: &Scene, files: &[&str]) -> anyhow::Result<()> {
    s.phase(&["certs", "all"])?;
    let other = Path::new(OWN).join("pki");
    fs::rename(PKI, &other)?;
    s.phase(&["certs", "all"])?;
    for file in files {
        fs::copy(other.join(file), Path::new(PKI).join(file))?;
    }
    Ok(())
}

/// Has openssl sign apiserver.crt again, with other dates.
fn sign_again(dates: &[&str]) -> anyhow::Result<()> {
    let request = format!("{OWN}/apiserver.csr");
    let [crt, key, ca, ca_key] =
        ["apiserver.crt", "apiserver.key", "ca.crt", "ca.key"].map(|f| format!("{PKI}/{f}"));
    check("openssl", &["x509", "-x509toreq", "-in", &crt, "-signkey", &key, "-out", &request])?;
    let mut words = vec!["x509", "-req", "-in", &request, "-CA", &ca, "-CAkey", &ca_key, "-out", &crt];
    words.extend(dates);
    check("openssl", &words).map(drop)
}

/// The same, valid from a date that is to come, which only `openssl ca` can do.
fn sign_in_future() -> anyhow::Result<()> {
    let folder = format!("{OWN}/ca");
    let config = format!(
        "[ca]\ndefault_ca = d\n[d]\nnew_certs_dir = {folder}\ndatabase = {folder}/index\nserial = {folder}/serial\n\
         default_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n"
    );
    put(&format!("{folder}/index"), "")?;
    put(&format!("{folder}/serial"), "01\n")?;
    put(&format!("{folder}/config"), &config)?;
    sign_again(&["-days", "1"])?;
    let [crt, ca, ca_key] = ["apiserver.crt", "ca.crt", "ca.key"].map(|f| format!("{PKI}/{f}"));
    let (config, request) = (format!("{folder}/config"), format!("{OWN}/apiserver.csr"));
    let mut words = vec!["ca", "-batch", "-notext", "-config", &config, "-cert", &ca, "-keyfile", &ca_key];
    words.extend([
        "-in",
        &request,
        "-out",
        &crt,
        "-startdate",
        "20400101000000Z",
        "-enddate",
        "20410101000000Z",
    ]);
    check("openssl", &words).map(drop)
}
