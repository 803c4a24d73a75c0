//! CAs whose keys are elsewhere: everything that they must have signed is needed, and nothing is signed here.

use kubestrap::testing::PrivateKey;

use super::existing_pki::Place;

fn external() -> Place {
    Place::filled().without(&["ca.key"])
}

#[test]
fn a_complete_pki_without_the_ca_s_key_is_enough() {
    let place = external();
    let before = place.state();
    let done = place.certs("all").run().succeeded();
    assert!(done.stderr.contains("existing external"), "{}", done.stderr);
    place.phase("kubeconfig all").run().succeeded();
    assert!(before == place.state());
    let done = place.dry_run().run().succeeded();
    let manager = done.text("/etc/kubernetes/manifests/kube-controller-manager.yaml");
    for flag in ["--cluster-signing-cert-file=\n", "--cluster-signing-key-file=\n"] {
        assert!(manager.contains(flag), "{flag} is empty in:\n{manager}");
    }
    let key = done.out().join(place.pki("ca.key").strip_prefix("/").unwrap());
    assert!(!key.exists(), "no key is made up");
    let ours = super::existing_pki::Place::filled().dry_run().run().succeeded();
    let manager = ours.text("/etc/kubernetes/manifests/kube-controller-manager.yaml");
    assert!(manager.contains("/pki/ca.key\n"));
}

#[test]
fn what_the_ca_must_sign_is_named() {
    for (base, phase) in
        [("apiserver", "certs/apiserver:"), ("apiserver-kubelet-client", "certs/apiserver-kubelet-client:")]
    {
        let place = external().without(&[&format!("{base}.crt"), &format!("{base}.key")]);
        let done =
            place.certs("all").run().refused(1, &[phase, "external CA", "ca.key", &format!("{base}.crt")]);
        assert!(done.stderr.contains("fix:"), "{}", done.stderr);
        assert!(!place.pki(&format!("{base}.key")).exists());
    }
    let place = external();
    std::fs::remove_file(place.path().join("scheduler.conf")).unwrap();
    place.phase("kubeconfig all").run().refused(1, &["scheduler.conf", "external CA", "fix:"]);
}

#[test]
fn what_other_cas_sign_is_still_made() {
    let place = external().without(&["front-proxy-client.crt", "front-proxy-client.key"]);
    place.certs("all").run().succeeded();
    assert!(place.pki("front-proxy-client.crt").exists());
    let place = Place::filled().without(&["front-proxy-ca.key"]);
    place.certs("all").run().succeeded();
    let place = place.without(&["front-proxy-client.crt", "front-proxy-client.key"]);
    place.certs("all").run().refused(1, &["certs/front-proxy-client:", "front-proxy-ca.key"]);
    let place = Place::filled().without(&["etcd/ca.key"]);
    place.certs("all").run().succeeded();
    let place = place.without(&["etcd/peer.crt", "etcd/peer.key"]);
    place.certs("all").run().refused(1, &["certs/etcd-peer:", "etcd/ca.key"]);
}

#[test]
fn a_leaf_of_a_foreign_ca_is_refused() {
    let (place, other) = (external(), Place::filled());
    for file in ["apiserver.crt", "apiserver.key"] {
        std::fs::copy(other.pki(file), place.pki(file)).unwrap();
    }
    place.certs("all").run().refused(1, &["certs/apiserver:", "was not issued by the CA beside it"]);
}

#[test]
fn keys_that_are_elsewhere_are_not_uploaded() {
    for key in ["ca.key", "front-proxy-ca.key"] {
        let place = Place::filled().without(&[key]);
        let done = place.dry_run().args("--upload-certs").run();
        done.refused(2, &["upload-certs:", key, "external CA"]);
    }
}

#[test]
fn service_account_keys_are_left_alone() {
    let place = external();
    let before = place.state();
    place.certs("sa").run().succeeded();
    assert!(before == place.state());
}

#[test]
fn service_account_keys_need_no_ca() {
    let place = external().without(&["sa.key", "sa.pub"]);
    place.certs("all").run().succeeded();
    let key = PrivateKey::from_pem(&std::fs::read(place.pki("sa.key")).unwrap()).unwrap();
    assert_eq!(std::fs::read_to_string(place.pki("sa.pub")).unwrap(), key.public_key_pem());
    // Who signs tokens elsewhere has the public key here alone.
    let place = external().without(&["sa.key"]);
    place.certs("all").run().succeeded();
    assert!(!place.pki("sa.key").exists());
}
