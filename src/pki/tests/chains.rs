use super::*;
use crate::pki::load::LoadError;
use crate::pki::pem_text::PemError;

struct Pki {
    root: Certificate,
    root_key: PrivateKey,
}

impl Pki {
    fn new(common_name: &str) -> Self {
        let root_key = new_key();
        Self { root: ca(common_name, &root_key), root_key }
    }

    fn issue(&self, spec: &CertificateSpec, key: &PrivateKey) -> Certificate {
        issue(spec, key, &Issuer::new(&self.root, &self.root_key).unwrap()).unwrap()
    }

    /// A CA below this one.
    fn intermediate(&self, common_name: &str) -> Self {
        let root_key = new_key();
        let mut spec = spec(Subject::new(common_name), Usages::Ca);
        // Longer than any leaf, so that a leaf can expire alone.
        spec.not_after += Duration::days(1);
        Self { root: self.issue(&spec, &root_key), root_key }
    }

    fn leaf(&self) -> Certificate {
        self.issue(&spec(Subject::new("leaf"), Usages::Server), &new_key())
    }
}

fn bundle(certificates: &[&Certificate]) -> Bundle {
    let pem: String = certificates.iter().map(|certificate| certificate.to_pem()).collect();
    let bundle = Bundle::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(bundle.to_pem(), pem);
    bundle
}

fn check(certificates: &[&Certificate], roots: &[&Certificate]) -> Result<(), ChainError> {
    let roots: Vec<_> = roots.iter().map(|&root| root.clone()).collect();
    verify_chain(&bundle(certificates), &roots, now())
}

#[test]
fn cross_signed_ca_leads_from_what_it_signs_to_the_ca_of_the_same_name_before_it() {
    let (old, new) = (Pki::new("kubernetes"), Pki::new("kubernetes"));
    let leaf = new.leaf();
    let issuer = Issuer::new(&old.root, &old.root_key).unwrap();
    let validity = (new.root.not_before(), new.root.not_after());
    let link = cross_sign(&new.root, &new.root_key, validity, &issuer).unwrap();
    assert!(check(&[&leaf], &[&old.root]).is_err());
    assert_eq!(check(&[&leaf, &link], &[&old.root]), Ok(()));
    assert_eq!(check(&[&leaf, &link], &[&new.root]), Ok(()));
    assert_eq!(link.subject_key_id(), new.root.subject_key_id());
    assert_eq!(link.authority_key_id(), old.root.subject_key_id());
    assert!(cross_sign(&new.root, &old.root_key, validity, &issuer).is_err(), "the key of another CA");
}

#[test]
fn follows_intermediates_in_any_order() {
    let root = Pki::new("root");
    let upper = root.intermediate("upper");
    let lower = upper.intermediate("lower");
    let leaf = lower.leaf();
    assert_eq!(check(&[&leaf, &lower.root, &upper.root], &[&root.root]), Ok(()));
    assert_eq!(check(&[&leaf, &upper.root, &lower.root, &root.root], &[&root.root]), Ok(()));
    assert_eq!(check(&[&leaf, &lower.root], &[&upper.root]), Ok(()), "an intermediate can be trusted");
    assert_eq!(check(&[&root.root], &[&root.root]), Ok(()), "a root is valid under itself");
    assert_eq!(
        check(&[&leaf, &lower.root], &[&root.root]),
        Err(ChainError::UnknownIssuer {
            certificate: "CN=lower".to_owned(),
            issuer: "CN=upper".to_owned(),
            authorities: vec!["CN=root".to_owned()],
        }),
        "a gap"
    );
}

#[test]
fn names_the_stranger() {
    let (ours, theirs) = (Pki::new("ours"), Pki::new("theirs"));
    let error = check(&[&theirs.leaf()], &[&ours.root]).unwrap_err();
    assert_eq!(error.to_string(), r#"the certificate "CN=leaf" was issued by "CN=theirs", not by "CN=ours""#);
    // The stranger's root in the bundle does not make it trusted.
    assert!(matches!(
        check(&[&theirs.leaf(), &theirs.root], &[&ours.root]),
        Err(ChainError::UnknownIssuer { certificate, .. }) if certificate == "CN=theirs"
    ));
    assert!(check(&[&ours.leaf()], &[]).unwrap_err().to_string().ends_with("any CA, as none is trusted"));
}

#[test]
fn tells_a_ca_made_anew_under_the_same_name() {
    let (old, new) = (Pki::new("kubernetes"), Pki::new("kubernetes"));
    let leaf = old.leaf();
    let names = |error| {
        matches!(error, Err(ChainError::BadSignature { certificate, issuer })
        if certificate == "CN=leaf" && issuer == "CN=kubernetes")
    };
    assert!(names(check(&[&leaf], &[&new.root])));
    assert_eq!(check(&[&leaf], &[&new.root, &old.root]), Ok(()), "a rotation trusts both");
}

#[test]
fn a_forged_certificate_is_refused() {
    let pki = Pki::new("kubernetes");
    let leaf = pki.leaf();
    // One letter of the subject, which is signed and changes no length.
    let at = leaf.der().windows(4).position(|window| window == b"leaf").unwrap();
    let mut der = leaf.der().to_vec();
    der[at] = b'L';
    let forged = Certificate::from_der(&der).unwrap();
    assert!(matches!(check(&[&forged], &[&pki.root]), Err(ChainError::BadSignature { .. })));
}

#[test]
fn time_bounds_are_inclusive() {
    let pki = Pki::new("kubernetes");
    let leaf = pki.leaf();
    let at = |now| verify_chain(&leaf.clone().into(), std::slice::from_ref(&pki.root), now);
    let second = Duration::SECOND;
    assert_eq!(at(leaf.not_before().max(pki.root.not_before())), Ok(()));
    assert_eq!(at(leaf.not_after()), Ok(()));
    assert!(matches!(at(leaf.not_before() - second), Err(ChainError::NotYetValid { .. })));
    let expired = at(leaf.not_after() + second);
    assert_eq!(
        expired,
        Err(ChainError::Expired {
            certificate: "CN=leaf".to_owned(),
            at: leaf.not_after(),
            now: leaf.not_after() + second,
        })
    );
}

#[test]
fn an_expired_ca_is_named() {
    let root_key = new_key();
    let mut spec = CertificateSpec::ca("old", datetime!(2020-01-01 0:00 UTC), datetime!(2021-01-01 0:00 UTC));
    let pki = Pki { root: self_sign_ca(&spec, &root_key).unwrap(), root_key };
    let leaf = pki.leaf();
    let error = check(&[&leaf], &[&pki.root]).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(r#"the certificate "CN=old" expired at 2021-01-01T00:00:00Z; it is 20"#),
        "{error}"
    );
    // The same key and name, made valid again: as a renewed CA is.
    spec.not_after = now() + Duration::DAY;
    let renewed = self_sign_ca(&spec, &pki.root_key).unwrap();
    assert_eq!(check(&[&leaf], &[&pki.root, &renewed]), Ok(()));
}

#[test]
fn a_leaf_cannot_issue() {
    let Some(openssl) = Openssl::new() else { return };
    let pki = Pki::new("kubernetes");
    let (middle_key, leaf_key) = (new_key(), new_key());
    let middle = pki.issue(&spec(Subject::new("middle"), Usages::Both), &middle_key);
    openssl.write("middle.crt", middle.to_pem());
    openssl.write("middle.key", middle_key.to_pem().unwrap().as_bytes());
    openssl.write(
        "leaf.csr",
        certificate_request(&spec(Subject::new("leaf"), Usages::Server), &leaf_key).unwrap(),
    );
    openssl
        .run("x509 -req -in leaf.csr -CA middle.crt -CAkey middle.key -CAcreateserial -days 1 -out leaf.crt");
    let leaf = Certificate::from_pem(&openssl.read("leaf.crt")).unwrap();
    let expected = ChainError::NotACa { certificate: "CN=leaf".to_owned(), issuer: "CN=middle".to_owned() };
    assert_eq!(check(&[&leaf, &middle], &[&pki.root]), Err(expected));
}

#[test]
fn path_length_and_key_usage_of_a_ca_count() {
    let Some(openssl) = Openssl::new() else { return };
    openssl.run("ecparam -name prime256v1 -out curve");
    let limited = "basicConstraints = critical,CA:TRUE,pathlen:0";
    let (root, root_key) = openssl.foreign_ca("ec:curve", "CN = limited", limited);
    let root = Pki { root, root_key };
    assert_eq!(check(&[&root.leaf()], &[&root.root]), Ok(()));
    let below = root.intermediate("below");
    assert_eq!(
        check(&[&below.leaf(), &below.root], &[&root.root]),
        Err(ChainError::PathTooLong { issuer: "CN=limited".to_owned(), allowed: 0, found: 1 })
    );
    let no_signing = "basicConstraints = critical,CA:TRUE\nkeyUsage = digitalSignature";
    let (ca, key) = openssl.foreign_ca("ec:curve", "CN = limited", no_signing);
    assert!(ca.is_ca() && !ca.can_sign_certificates());
    assert_eq!(
        Issuer::new(&ca, &key).unwrap_err(),
        IssueError::NotACa { certificate: "CN=limited".to_owned() }
    );
    assert!(matches!(check(&[&root.leaf()], &[&ca]), Err(ChainError::NotACa { .. })));
}

#[test]
fn signatures_of_other_tools_are_checked_or_named() {
    let Some(openssl) = Openssl::new() else { return };
    for (curve, digest, expected) in [
        // openssl's default digest on a P-384 key.
        ("secp384r1", "sha256", true),
        ("prime256v1", "sha384", true),
        ("secp521r1", "sha256", true),
        ("secp521r1", "sha512", true),
        ("secp224r1", "sha256", false),
    ] {
        openssl.run(&format!("ecparam -name {curve} -genkey -noout -out ca.key"));
        openssl.run(&format!("req -x509 -{digest} -key ca.key -subj /CN=corp -days 2 -out ca.crt"));
        openssl.write(
            "leaf.csr",
            certificate_request(&spec(Subject::new("leaf"), Usages::Server), &new_key()).unwrap(),
        );
        openssl.run(&format!(
            "x509 -req -{digest} -in leaf.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 1 -out leaf.crt"
        ));
        let [ca, leaf] =
            ["ca.crt", "leaf.crt"].map(|file| Certificate::from_pem(&openssl.read(file)).unwrap());
        match check(&[&leaf], &[&ca]) {
            Ok(()) => assert!(expected, "{curve} {digest}"),
            Err(ChainError::UnsupportedSignature { key, .. }) => {
                assert_eq!((expected, &*key), (false, "ECDSA-P224"))
            }
            Err(error) => panic!("{curve} {digest}: {error}"),
        }
    }
}

#[test]
fn missing_names_are_listed() {
    let pki = Pki::new("kubernetes");
    let mut wanted = spec(Subject::new("kube-apiserver"), Usages::Server);
    wanted.dns_names = ["kubernetes", "*.example.com"].map(str::to_owned).to_vec();
    wanted.ip_addresses = ["10.96.0.1", "fd00::1"].map(|ip| ip.parse().unwrap()).to_vec();
    let leaf = pki.issue(&wanted, &new_key());
    assert_eq!(check_sans(&leaf, &wanted.dns_names, &wanted.ip_addresses), []);
    let dns = ["KUBERNETES", "api.example.com", "example.com", "*.other.com"].map(str::to_owned);
    let ips = ["::ffff:10.96.0.1", "10.96.0.2", "fd00:0::1"].map(|ip| ip.parse().unwrap());
    assert_eq!(
        check_sans(&leaf, &dns, &ips),
        [
            San::Dns("example.com".to_owned()),
            San::Dns("*.other.com".to_owned()),
            San::Ip("10.96.0.2".parse().unwrap())
        ]
    );
}

#[test]
fn files_are_read_past_text_and_refused_when_broken() {
    let pki = Pki::new("kubernetes");
    let (leaf, root) = (pki.leaf(), &pki.root);
    let key = pki.root_key.to_pem().unwrap();
    let text = format!(
        "Certificate:\n  Subject: Zürich\n{}\n{}junk\n{}",
        key.as_str(),
        leaf.to_pem(),
        root.to_pem()
    );
    let read = Bundle::from_pem(text.as_bytes()).unwrap();
    assert_eq!(read, Bundle { certificate: leaf.clone(), intermediates: vec![root.clone()] });
    assert_eq!(Bundle::from_pem(text.replace('\n', "\r\n").as_bytes()), Ok(read));
    let error = |text: &str| Bundle::from_pem(text.as_bytes()).unwrap_err();
    assert_eq!(error(""), LoadError::NoCertificate { found: vec![] });
    assert_eq!(error(key.as_str()), LoadError::NoCertificate { found: vec!["EC PRIVATE KEY".to_owned()] });
    assert_eq!(error(&text[..text.len() - 40]), LoadError::Pem(PemError::Truncated));
    let mut der = leaf.der().to_vec();
    der.push(0);
    let trailing = root.to_pem() + &crate::pki::pem_text::encode("CERTIFICATE", &der);
    assert_eq!(error(&trailing), LoadError::Malformed { number: 2, reason: "1 bytes follow it".to_owned() });
    der.truncate(100);
    assert!(matches!(Certificate::from_der(&der), Err(LoadError::Malformed { number: 1, .. })));
}
