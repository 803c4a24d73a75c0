use super::*;

#[test]
fn openssl_verifies_requests_of_every_algorithm() {
    let Some(openssl) = Openssl::new() else { return };
    let subject = Subject::new("system:node:node-a").with_organizations(["system:nodes", "extra_group"]);
    let mut spec = spec(subject, Usages::Both);
    spec.dns_names = vec!["localhost".to_owned()];
    spec.ip_addresses = vec!["::1".parse().unwrap()];
    for algorithm in KeyAlgorithm::ALL {
        let request = certificate_request(&spec, key(algorithm)).unwrap();
        assert!(request.starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"));
        openssl.write("csr.pem", &request);
        let text = openssl.run("req -verify -noout -text -in csr.pem -nameopt RFC2253,show_type,-dn_rev");
        assert!(
            text.contains("O=UTF8STRING:extra_group+O=PRINTABLESTRING:system:nodes,CN=PRINTABLESTRING:system:node:node-a"),
            "{text}"
        );
        assert!(text.contains("DNS:localhost, IP Address:0:0:0:0:0:0:0:1"), "{text}");
        assert!(!text.contains("Key Usage") && !text.contains("Basic Constraints"), "{text}");
        assert_eq!(openssl.run("req -noout -pubkey -in csr.pem"), key(algorithm).public_key_pem());
    }
}

#[test]
fn a_request_without_names_has_no_attributes() {
    let Some(openssl) = Openssl::new() else { return };
    let request =
        certificate_request(&spec(Subject::new("kubernetes-admin"), Usages::Client), &new_key()).unwrap();
    openssl.write("csr.pem", request);
    let text = openssl.run("req -verify -noout -text -in csr.pem");
    assert!(text.contains("(none)"), "{text}");
}
