//! Real tools accept what we write: `openssl` the PKI, `kubectl` the kubeconfigs.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::support::{Done, INIT, KUBECONFIGS, PKI, config, dry_run, note_skipped, one, program, tool};

/// Each leaf, its CA, and the purposes for which it must and must not be taken.
const LEAVES: &[(&str, &str, &[&str], &[&str])] = &[
    ("apiserver", "ca", &["sslserver"], &["sslclient"]),
    ("apiserver-kubelet-client", "ca", &["sslclient"], &["sslserver"]),
    ("front-proxy-client", "front-proxy-ca", &["sslclient"], &["sslserver"]),
    ("apiserver-etcd-client", "etcd/ca", &["sslclient"], &["sslserver"]),
    ("etcd/server", "etcd/ca", &["sslserver", "sslclient"], &[]),
    ("etcd/peer", "etcd/ca", &["sslserver", "sslclient"], &[]),
    ("etcd/healthcheck-client", "etcd/ca", &["sslclient"], &["sslserver"]),
];
const AUTHORITIES: &[&str] = &["ca", "front-proxy-ca", "etcd/ca"];

fn openssl() -> Command {
    Command::new("openssl")
}

fn accepts(ca: &Path, purpose: &str, more: &[&str], certificate: &Path) -> bool {
    let mut command = openssl();
    command.args(["verify", "-x509_strict", "-purpose", purpose]).args(more).arg("-CAfile").arg(ca);
    let output = command.arg(certificate).output().unwrap();
    output.status.success()
}

/// What `openssl` says of a whole PKI and of the kubeconfigs' certificates.
fn check_with_openssl(done: &Done, algorithm: &str) {
    let pki = done.file(PKI);
    let (crt, key) =
        (|base: &str| pki.join(format!("{base}.crt")), |base: &str| pki.join(format!("{base}.key")));
    for (leaf, ca, good, bad) in LEAVES {
        for purpose in *good {
            assert!(accepts(&crt(ca), purpose, &[], &crt(leaf)), "{leaf} as {purpose} ({algorithm})");
        }
        for purpose in *bad {
            assert!(!accepts(&crt(ca), purpose, &[], &crt(leaf)), "{leaf} as {purpose} ({algorithm})");
        }
        for other in AUTHORITIES.iter().filter(|other| *other != ca) {
            assert!(!accepts(&crt(other), "any", &[], &crt(leaf)), "{leaf} by {other}");
        }
    }
    for (leaf, ca, host) in [
        ("apiserver", "ca", "kubernetes.default.svc.cluster.local"),
        ("apiserver", "ca", "api.example.org"),
        ("etcd/server", "etcd/ca", "localhost"),
        ("etcd/peer", "etcd/ca", "cp-1"),
    ] {
        assert!(accepts(&crt(ca), "sslserver", &["-verify_hostname", host], &crt(leaf)), "{leaf} as {host}");
        assert!(!accepts(&crt(ca), "sslserver", &["-verify_hostname", "evil.org"], &crt(leaf)), "{leaf}");
    }
    for (leaf, ca, ip) in [
        ("apiserver", "ca", "10.96.0.1"),
        ("apiserver", "ca", "192.0.2.2"),
        ("etcd/server", "etcd/ca", "::1"),
        ("etcd/server", "etcd/ca", "127.0.0.1"),
    ] {
        assert!(accepts(&crt(ca), "sslserver", &["-verify_ip", ip], &crt(leaf)), "{leaf} as {ip}");
    }
    for base in AUTHORITIES.iter().copied().chain(LEAVES.iter().map(|(leaf, ..)| *leaf)) {
        let of_certificate = tool(openssl().args(["x509", "-noout", "-pubkey", "-in"]).arg(crt(base)));
        let of_key = tool(openssl().args(["pkey", "-pubout", "-in"]).arg(key(base)));
        assert_eq!(of_certificate, of_key, "{base}");
        // The forms that other programs expect: PKCS#1 and SEC1, not PKCS#8.
        let header = if algorithm.starts_with("RSA") { "RSA PRIVATE KEY" } else { "EC PRIVATE KEY" };
        let text = std::fs::read_to_string(key(base)).unwrap();
        assert!(text.starts_with(&format!("-----BEGIN {header}-----\n")), "{base} is {:.40}", text);
        tool(openssl().args(["pkey", "-check", "-noout", "-in"]).arg(key(base)));
        let about = tool(openssl().args(["x509", "-noout", "-text", "-in"]).arg(crt(base)));
        assert!(about.contains(size(algorithm)), "{about}");
        assert!(about.contains(&format!("Signature Algorithm: {}", signature(algorithm))), "{about}");
    }
    let public = std::fs::read_to_string(pki.join("sa.pub")).unwrap();
    assert_eq!(tool(openssl().args(["pkey", "-pubout", "-in"]).arg(key("sa"))), public);
    for file in
        ["admin.conf", "super-admin.conf", "kubelet.conf", "controller-manager.conf", "scheduler.conf"]
    {
        let kubeconfig = one(&done.text(&format!("{KUBECONFIGS}/{file}")));
        let user = &kubeconfig["users"][0]["user"];
        let decode = |v: &Value| STANDARD.decode(v.as_str().unwrap()).unwrap();
        let (client, client_key) = (done.path().join("client.crt"), done.path().join("client.key"));
        std::fs::write(&client, decode(&user["client-certificate-data"])).unwrap();
        std::fs::write(&client_key, decode(&user["client-key-data"])).unwrap();
        assert!(accepts(&crt("ca"), "sslclient", &[], &client), "{file}");
        assert!(!accepts(&crt("ca"), "sslserver", &[], &client), "{file}");
        let of_certificate = tool(openssl().args(["x509", "-noout", "-pubkey", "-in"]).arg(&client));
        assert_eq!(
            of_certificate,
            tool(openssl().args(["pkey", "-pubout", "-in"]).arg(&client_key)),
            "{file}"
        );
        let ca = decode(&kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"]);
        assert!(ca == std::fs::read(crt("ca")).unwrap(), "{file}");
    }
}

fn size(algorithm: &str) -> &'static str {
    match algorithm {
        "RSA-2048" => "Public-Key: (2048 bit)",
        "RSA-3072" => "Public-Key: (3072 bit)",
        "RSA-4096" => "Public-Key: (4096 bit)",
        "ECDSA-P256" => "NIST CURVE: P-256",
        _ => "NIST CURVE: P-384",
    }
}

fn signature(algorithm: &str) -> &'static str {
    match algorithm {
        "ECDSA-P256" => "ecdsa-with-SHA256",
        "ECDSA-P384" => "ecdsa-with-SHA384",
        _ => "sha256WithRSAEncryption",
    }
}

fn check_algorithm(algorithm: &str) {
    if program("openssl").is_none() {
        return note_skipped("openssl is not here");
    }
    let cluster = "apiServer: {certSANs: [api.example.org, 203.0.113.9, '*.wild.example.org']}\n";
    let text = config("", cluster).replace("ECDSA-P256", algorithm);
    check_with_openssl(&dry_run().config(text).run().succeeded(), algorithm);
}

#[test]
fn openssl_takes_an_rsa_2048_pki() {
    check_algorithm("RSA-2048");
}

#[test]
fn openssl_takes_an_rsa_3072_pki() {
    check_algorithm("RSA-3072");
}

#[test]
fn openssl_takes_an_rsa_4096_pki() {
    check_algorithm("RSA-4096");
}

#[test]
fn openssl_takes_an_ecdsa_p256_pki() {
    check_algorithm("ECDSA-P256");
}

#[test]
fn openssl_takes_an_ecdsa_p384_pki() {
    check_algorithm("ECDSA-P384");
}

#[test]
fn life_times_are_those_asked_for() {
    if program("openssl").is_none() {
        return note_skipped("openssl is not here");
    }
    let cluster = "certificateValidityPeriod: 48h\ncaCertificateValidityPeriod: 720h\n";
    let done = dry_run().config(config("", cluster)).run().succeeded();
    let valid_in = |file: &str, hours: u32| {
        let mut command = openssl();
        command.args(["x509", "-noout", "-checkend", &(hours * 3600).to_string(), "-in"]).arg(done.pki(file));
        command.output().unwrap().status.success()
    };
    for (file, hours) in [("ca.crt", 720), ("etcd/ca.crt", 720), ("apiserver.crt", 48), ("etcd/peer.crt", 48)]
    {
        assert!(valid_in(file, hours - 1) && !valid_in(file, hours + 1), "{file}");
    }
}

#[test]
fn kubectl_takes_each_kubeconfig() {
    if program("kubectl").is_none() {
        return note_skipped("kubectl is not here");
    }
    for init in [INIT.to_owned(), INIT.replace("192.0.2.2", "\"2001:db8::2\"")] {
        let ipv6 = init.contains("2001:db8");
        let nets = if ipv6 { "networking: {serviceSubnet: 'fd00:10:96::/112'}\n" } else { "" };
        let text = format!("{init}---\n{}clusterName: \"on\"\n{nets}", super::support::CLUSTER);
        let done = dry_run().config(text).run().succeeded();
        let local = if ipv6 { "https://[2001:db8::2]:6443" } else { "https://192.0.2.2:6443" };
        for (file, user) in [
            ("admin.conf", "kubernetes-admin"),
            ("super-admin.conf", "kubernetes-super-admin"),
            ("kubelet.conf", "system:node:cp-1"),
            ("controller-manager.conf", "system:kube-controller-manager"),
            ("scheduler.conf", "system:kube-scheduler"),
        ] {
            let path = done.file(&format!("{KUBECONFIGS}/{file}"));
            let view = |more: &[&str]| {
                let mut command = Command::new("kubectl");
                command.args(["config", "view", "-o", "json"]).args(more).arg("--kubeconfig").arg(&path);
                serde_json::from_str::<Value>(&tool(&mut command)).unwrap()
            };
            let shown = view(&["--minify"]);
            assert_eq!(shown["current-context"], format!("{user}@on"), "{file}");
            assert_eq!(shown["clusters"][0]["cluster"]["server"], local, "{file}");
            assert_eq!(shown["contexts"][0]["context"]["user"], user, "{file}");
            let mut raw = view(&["--raw"]);
            // kubectl before 1.34 adds what is empty.
            raw.as_object_mut().unwrap().remove("preferences");
            assert!(raw == one(&std::fs::read_to_string(&path).unwrap()), "{file}");
        }
    }
}
