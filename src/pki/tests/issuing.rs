use std::net::IpAddr;

use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;

#[test]
fn openssl_verifies_every_algorithm_and_usage() {
    let Some(openssl) = Openssl::new() else { return };
    for algorithm in KeyAlgorithm::ALL {
        let ca_key = key(algorithm);
        let ca = ca("kubernetes", ca_key);
        openssl.write("ca.crt", ca.to_pem());
        openssl.run("verify -x509_strict -CAfile ca.crt ca.crt");
        for (usages, server, client) in
            [(Usages::Server, true, false), (Usages::Client, false, true), (Usages::Both, true, true)]
        {
            let mut spec = spec(Subject::new("kube-apiserver"), usages);
            spec.dns_names = vec!["localhost".to_owned()];
            let leaf_key = new_key();
            let leaf = issue(&spec, &leaf_key, &Issuer::new(&ca, ca_key).unwrap()).unwrap();
            openssl.write("leaf.crt", leaf.to_pem());
            for (purpose, allowed) in [("sslserver", server), ("sslclient", client)] {
                let line = format!("verify -x509_strict -purpose {purpose} -CAfile ca.crt leaf.crt");
                assert_eq!(openssl.try_run(&line).is_ok(), allowed, "{algorithm} {usages:?} {purpose}");
            }
            assert_eq!(verify_chain(&leaf.clone().into(), std::slice::from_ref(&ca), now()), Ok(()));
            assert!(leaf.matches_key(&leaf_key) && !leaf.matches_key(ca_key));
        }
        let signature = match algorithm {
            KeyAlgorithm::EcdsaP256 => "ecdsa-with-SHA256",
            KeyAlgorithm::EcdsaP384 => "ecdsa-with-SHA384",
            _ => "sha256WithRSAEncryption",
        };
        let text = openssl.run("x509 -noout -text -in leaf.crt");
        assert_eq!(text.matches(&format!("Signature Algorithm: {signature}\n")).count(), 2, "{text}");
        assert!(text.contains("Version: 3 (0x2)"));
    }
}

/// What `openssl x509 -text` says after `X509v3 extensions:`, each extension with its value, sorted.
fn extensions(openssl: &Openssl, certificate: &Certificate) -> Vec<String> {
    openssl.write("shown.crt", certificate.to_pem());
    let text = openssl.run("x509 -noout -text -in shown.crt -certopt no_sigdump");
    let text = text.split_once("X509v3 extensions:\n").unwrap().1.lines().map(str::trim);
    let mut found: Vec<String> = Vec::new();
    for line in text.take_while(|line| !line.starts_with("Signature Algorithm")) {
        match found.last_mut() {
            Some(last) if !line.starts_with("X509v3") => last.push_str(line),
            _ => found.push(line.to_owned()),
        }
    }
    found.sort();
    found
}

#[test]
fn extensions_are_exactly_kubeadms() {
    let Some(openssl) = Openssl::new() else { return };
    let ca_key = new_key();
    let ca = ca("etcd-ca", &ca_key);
    let (_, parsed) = X509Certificate::from_der(ca.der()).unwrap();
    let bits = &parsed.public_key().subject_public_key.data;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bits);
    let id = digest.as_ref()[..20].iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    assert_eq!(
        extensions(&openssl, &ca),
        [
            "X509v3 Basic Constraints: criticalCA:TRUE".to_owned(),
            "X509v3 Key Usage: criticalDigital Signature, Key Encipherment, Certificate Sign".to_owned(),
            "X509v3 Subject Alternative Name:DNS:etcd-ca".to_owned(),
            format!("X509v3 Subject Key Identifier:{id}"),
        ]
    );
    let mut spec = spec(Subject::new("node-a"), Usages::Both);
    spec.dns_names = vec!["localhost".to_owned(), "*.example.com".to_owned()];
    spec.ip_addresses = ["127.0.0.1", "::1", "::ffff:10.0.0.1"].map(|ip| ip.parse().unwrap()).to_vec();
    let leaf = issue(&spec, &new_key(), &Issuer::new(&ca, &ca_key).unwrap()).unwrap();
    assert_eq!(
        extensions(&openssl, &leaf),
        [
            format!("X509v3 Authority Key Identifier:{id}"),
            "X509v3 Basic Constraints: criticalCA:FALSE".to_owned(),
            "X509v3 Extended Key Usage:TLS Web Server Authentication, TLS Web Client Authentication"
                .to_owned(),
            "X509v3 Key Usage: criticalDigital Signature, Key Encipherment".to_owned(),
            "X509v3 Subject Alternative Name:DNS:localhost, DNS:*.example.com, IP Address:127.0.0.1, \
             IP Address:0:0:0:0:0:0:0:1, IP Address:10.0.0.1"
                .to_owned(),
        ]
    );
    // CA:FALSE is the default, so DER leaves it out.
    let constraints = b"\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x02\x30\x00";
    assert!(leaf.der().windows(constraints.len()).any(|window| window == constraints));
    let client = issue(
        &self::spec(Subject::new("x"), Usages::Client),
        &new_key(),
        &Issuer::new(&ca, &ca_key).unwrap(),
    );
    assert_eq!(extensions(&openssl, &client.unwrap()).len(), 4, "no SAN without names");
}

#[test]
fn subjects_are_written_as_go_writes_them() {
    let Some(openssl) = Openssl::new() else { return };
    let ca_key = new_key();
    let ca = ca("kubernetes", &ca_key);
    let subject = Subject::new("jane_doe").with_organizations(["kubeadm:cluster-admins", "R&D", "ops"]);
    let leaf = issue(&spec(subject.clone(), Usages::Client), &new_key(), &Issuer::new(&ca, &ca_key).unwrap());
    let leaf = leaf.unwrap();
    openssl.write("leaf.crt", leaf.to_pem());
    assert_eq!(
        openssl.run("x509 -noout -subject -nameopt RFC2253,show_type,-dn_rev,-esc_2253 -in leaf.crt").trim(),
        "subject=O=UTF8STRING:R&D+O=PRINTABLESTRING:ops+O=PRINTABLESTRING:kubeadm:cluster-admins,CN=UTF8STRING:jane_doe"
    );
    let mut organizations = leaf.subject().organizations.clone();
    organizations.sort();
    assert_eq!((leaf.subject().common_name.as_str(), organizations.len()), ("jane_doe", 3));
    assert_eq!(leaf.issuer(), &Subject::new("kubernetes"));
}

/// CAs as people have them: their names must come out of our leaves byte for byte.
#[test]
fn leaves_of_foreign_cas_verify() {
    let Some(openssl) = Openssl::new() else { return };
    let ca_ext = "basicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign,cRLSign\n";
    let ski = format!("{ca_ext}subjectKeyIdentifier = hash");
    let short_ski = format!("{ca_ext}subjectKeyIdentifier = 01:02:03:04");
    let no_ski = format!("{ca_ext}subjectKeyIdentifier = none");
    let plain = "C = CH\nO = Example\nCN = corp-root";
    // Two OUs, one after the other; then Vault's way, all in one set; then mixed types and an address.
    let two_ous = "C = CH\n0.OU = Platform\n1.OU = Security\nCN = Zürich CA";
    let one_set = "O = Example\n0.OU = Platform\n+1.OU = Security\n+2.OU = Audit\nCN = vault";
    let mixed = "DC = example\nserialNumber = 42\nCN = mixed\nemailAddress = pki@example.com";
    for (key_args, dn, ext) in [
        ("rsa:2048", plain, &ski),
        ("rsa:2048", two_ous, &short_ski),
        ("ec:curve", one_set, &no_ski),
        ("ec:curve", mixed, &ski),
    ] {
        openssl.run("ecparam -name secp384r1 -out curve");
        let (ca, ca_key) = openssl.foreign_ca(key_args, dn, ext);
        let mut spec = spec(Subject::new("kube-apiserver"), Usages::Server);
        spec.dns_names = vec!["kubernetes".to_owned()];
        let leaf = issue(&spec, &new_key(), &Issuer::new(&ca, &ca_key).unwrap()).unwrap();
        let (_, parsed) = X509Certificate::from_der(leaf.der()).unwrap();
        let (_, parsed_ca) = X509Certificate::from_der(ca.der()).unwrap();
        assert_eq!(parsed.issuer().as_raw(), parsed_ca.subject().as_raw(), "{dn}");
        assert_eq!(leaf.authority_key_id(), ca.subject_key_id(), "{dn}");
        assert_eq!(
            ca.subject_key_id().map(<[u8]>::len),
            match ext.rsplit_once(' ').unwrap().1 {
                "none" => None,
                "hash" => Some(20),
                _ => Some(4),
            }
        );
        openssl.write("leaf.crt", leaf.to_pem());
        openssl.run("verify -purpose sslserver -CAfile foreign.crt leaf.crt");
        assert_eq!(verify_chain(&leaf.into(), &[ca], now()), Ok(()), "{dn}");
    }
}

#[test]
fn an_issuer_must_be_a_ca_and_own_its_key() {
    let ca_key = new_key();
    let root = ca("kubernetes", &ca_key);
    let other = new_key();
    let error = Issuer::new(&root, &other).unwrap_err();
    assert!(matches!(&error, IssueError::KeyMismatch { key, .. } if *key == other.spki_sha256()), "{error}");
    let leaf =
        issue(&spec(Subject::new("leaf"), Usages::Both), &other, &Issuer::new(&root, &ca_key).unwrap());
    let error = Issuer::new(&leaf.unwrap(), &other).unwrap_err();
    assert_eq!(error, IssueError::NotACa { certificate: "CN=leaf".to_owned() });
}

#[test]
fn validity_is_written_to_the_second_in_utc() {
    let Some(openssl) = Openssl::new() else { return };
    let mut spec = CertificateSpec::ca(
        "kubernetes",
        datetime!(2026-11-23 23:30:01.999 -3),
        datetime!(2060-01-02 03:04:05 UTC),
    );
    let certificate = self_sign_ca(&spec, &new_key()).unwrap();
    openssl.write("ca.crt", certificate.to_pem());
    assert_eq!(
        openssl.run("x509 -noout -dates -in ca.crt"),
        "notBefore=Nov 24 02:30:01 2026 GMT\nnotAfter=Jan  2 03:04:05 2060 GMT\n"
    );
    assert_eq!(certificate.not_before(), datetime!(2026-11-24 02:30:01 UTC));
    assert_eq!(certificate.not_after(), datetime!(2060-01-02 03:04:05 UTC));
    spec.not_after = spec.not_before - Duration::seconds(1);
    assert!(matches!(self_sign_ca(&spec, &new_key()), Err(IssueError::InvalidValidity { .. })));
    spec.not_before = datetime!(1900-01-01 0:00 UTC);
    assert!(matches!(self_sign_ca(&spec, &new_key()), Err(IssueError::InvalidValidity { .. })));
}

#[test]
fn names_outside_ascii_are_refused_by_name() {
    let mut spec = CertificateSpec::ca("kubernetes", now(), now());
    spec.dns_names.push("zürich.example.com".to_owned());
    let error = self_sign_ca(&spec, &new_key()).unwrap_err();
    assert_eq!(error, IssueError::InvalidDnsName { name: "zürich.example.com".to_owned() });
}

#[test]
fn names_are_critical_where_the_subject_is_empty() {
    let ca_key = new_key();
    let root = ca("kubernetes", &ca_key);
    let mut spec = spec(Subject::default(), Usages::Server);
    spec.dns_names = vec!["localhost".to_owned()];
    let leaf = issue(&spec, &new_key(), &Issuer::new(&root, &ca_key).unwrap()).unwrap();
    let (_, parsed) = X509Certificate::from_der(leaf.der()).unwrap();
    assert!(parsed.subject_alternative_name().unwrap().unwrap().critical);
    assert_eq!(leaf.subject(), &Subject::default());
}

#[test]
fn a_renewal_keeps_what_the_certificate_says() {
    let ca_key = new_key();
    let root = ca("kubernetes", &ca_key);
    let mut old = spec(Subject::new("jane").with_organizations(["a", "b"]), Usages::Both);
    old.dns_names = vec!["b".to_owned(), "a".to_owned()];
    old.ip_addresses = vec![IpAddr::from([10, 0, 0, 1])];
    let certificate = issue(&old, &new_key(), &Issuer::new(&root, &ca_key).unwrap()).unwrap();
    let (from, to) = (datetime!(2030-01-01 0:00 UTC), datetime!(2031-01-01 0:00 UTC));
    let renewal = CertificateSpec::renewal(&certificate, from, to).unwrap();
    assert_eq!(renewal, CertificateSpec { not_before: from, not_after: to, ..old });
    let error = CertificateSpec::renewal(&root, from, to).unwrap_err();
    assert_eq!(error, IssueError::NoUsages { certificate: "CN=kubernetes".to_owned() });
}

#[test]
fn accessors_say_what_openssl_says() {
    let Some(openssl) = Openssl::new() else { return };
    let key = new_key();
    let root = ca("kubernetes", &key);
    openssl.write("ca.crt", root.to_pem());
    let said =
        openssl.run("x509 -noout -serial -fingerprint -sha256 -in ca.crt").to_lowercase().replace(':', "");
    assert!(said.contains(&root.fingerprint_sha256()), "{said}");
    let serial = said.lines().next().unwrap().strip_prefix("serial=").unwrap();
    assert_eq!(u64::from_str_radix(serial, 16), u64::from_str_radix(&root.serial_hex(), 16));
    assert_eq!(openssl.run("x509 -noout -pubkey -in ca.crt"), key.public_key_pem());
    assert_eq!(root.spki_sha256(), key.spki_sha256());
    assert!(root.is_ca() && root.path_length().is_none() && root.extended_key_usages().is_empty());
    assert_eq!(
        format!("{root:?}"),
        format!(
            "Certificate {{ subject: \"CN=kubernetes\", issuer: \"CN=kubernetes\", serial: \"{}\", .. }}",
            root.serial_hex()
        )
    );
}
