//! Discovery by token.

use std::time::Duration;

use super::server::*;
use crate::config::v1beta4::{BootstrapTokenDiscovery, Discovery};
use crate::discovery::cluster_info::PATH;
use crate::discovery::{Cause, Discovered, DiscoveryError, discover};
use crate::pki::Bundle;

/// Longer than what is doubted.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn by_token(endpoint: String, pins: &[String]) -> Discovery {
    let bootstrap = BootstrapTokenDiscovery {
        token: TOKEN.into(),
        api_server_endpoint: endpoint,
        ca_cert_hashes: pins.to_vec(),
        unsafe_skip_ca_verification: pins.is_empty(),
    };
    Discovery {
        bootstrap_token: Some(bootstrap),
        file: None,
        tls_bootstrap_token: "zzzzzz.0123456789abcdef".into(),
    }
}

pub(super) fn run(discovery: &Discovery, limit: Duration) -> Result<Discovered, DiscoveryError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    discover(runtime.handle(), discovery, limit, &mut |_| {})
}

/// A cluster whose cluster-info is signed with [`TOKEN`], and the discovery of it.
fn cluster(ca: &Ca) -> Server {
    let kubeconfig = kubeconfig_of("https://cp.lab.test:6443", ca);
    Server::of(ca, shows(cluster_info(&kubeconfig, &[(ID, SECRET)])))
}

#[test]
fn a_pinned_cluster_is_read_twice_and_its_kubeconfig_made() {
    let ca = Ca::new("kubernetes");
    let server = cluster(&ca);
    let found =
        run(&by_token(server.endpoint(), &["sha256:00".into(), ca.pin().to_uppercase()]), LIMIT).unwrap();
    assert_eq!(found.server, "https://cp.lab.test:6443");
    assert_eq!(Bundle::from_pem(found.ca.as_bytes()).unwrap().certificate, ca.certificate);
    let kubeconfig = &found.kubeconfig;
    assert_eq!(kubeconfig.current_context, "tls-bootstrap-token-user@kubernetes");
    assert_eq!(kubeconfig.clusters[0].name, "kubernetes");
    assert_eq!(kubeconfig.current_user().unwrap().token, "zzzzzz.0123456789abcdef");
    assert_eq!(kubeconfig.current_cluster().unwrap().server, found.server);
    assert_eq!(*server.requests.lock().unwrap(), [PATH, PATH], "as nobody, and twice");
}

#[test]
fn without_a_pin_the_signature_alone_counts() {
    let ca = Ca::new("kubernetes");
    let other = Ca::new("kubernetes");
    let kubeconfig = kubeconfig_of("https://cp.lab.test:6443", &ca);
    let server = Server::of(&other, shows(cluster_info(&kubeconfig, &[(ID, SECRET)])));
    run(&by_token(server.endpoint(), &[]), LIMIT).unwrap();
    assert_eq!(server.requests.lock().unwrap().len(), 1);
}

fn fails(discovery: &Discovery, limit: Duration) -> (Cause, String) {
    let error = run(discovery, limit).unwrap_err();
    let text = error.to_string();
    assert!(!text.contains(SECRET), "{text}");
    (*error.cause, text)
}

#[test]
fn another_ca_than_the_pinned_is_refused_at_once_with_both_hashes() {
    let ca = Ca::new("kubernetes");
    let (cause, text) =
        fails(&by_token(cluster(&ca).endpoint(), &[format!("sha256:{}", "0".repeat(64))]), LIMIT);
    assert!(matches!(cause, Cause::CaNotPinned { .. }), "{text}");
    assert!(text.contains(&ca.pin()) && text.contains("sha256:0000"), "{text}");
}

#[test]
fn a_server_that_another_ca_signed_does_not_pass_for_the_pinned_cluster() {
    let (ca, other) = (Ca::new("kubernetes"), Ca::new("kubernetes"));
    let info = cluster_info(&kubeconfig_of("https://cp.lab.test:6443", &ca), &[(ID, SECRET)]);
    let server = Server::of(&other, shows(info));
    let (cause, text) = fails(&by_token(server.endpoint(), &[ca.pin()]), LIMIT);
    assert!(matches!(cause, Cause::OtherCa { .. }), "{text}");
}

#[test]
fn another_secret_is_told_as_that() {
    let ca = Ca::new("kubernetes");
    let info = cluster_info(&kubeconfig_of("https://a:6443", &ca), &[(ID, "ffffffffffffffff")]);
    let server = Server::of(&ca, shows(info));
    let (cause, text) = fails(&by_token(server.endpoint(), &[ca.pin()]), LIMIT);
    assert!(matches!(cause, Cause::Signature { .. }), "{text}");
    assert!(text.contains("the token's secret"), "{text}");
}

#[test]
fn an_unknown_token_and_one_that_signs_nothing_are_told_apart() {
    let ca = Ca::new("kubernetes");
    let info = cluster_info(&kubeconfig_of("https://a:6443", &ca), &[("other1", SECRET)]);
    for (code, known, want) in [
        (401, Some(false), "the token abcdef does not exist: it expired"),
        (200, Some(true), "usage `signing`"),
    ] {
        let info = info.clone();
        let server = Server::of(&ca, move |asked| match asked.token {
            None if asked.path == PATH => Reply::ok(&info),
            Some(TOKEN) => Reply::status(code, ""),
            _ => Reply::status(403, ""),
        });
        let (cause, text) = fails(&by_token(server.endpoint(), &[ca.pin()]), Duration::from_secs(1));
        assert!(matches!(cause, Cause::NotSigned { known: told, .. } if told == known), "{text}");
        assert!(
            text.contains(want) && text.contains("kubestrap token create --print-join-command"),
            "{text}"
        );
        assert!(text.contains("signed with the tokens other1"), "{text}");
    }
}

#[test]
fn a_token_is_shown_to_no_server_that_is_not_pinned() {
    let (ca, other) = (Ca::new("kubernetes"), Ca::new("kubernetes"));
    let info = cluster_info(&kubeconfig_of("https://a:6443", &ca), &[]);
    for (server_ca, pins) in [(&other, vec![ca.pin()]), (&ca, vec![]), (&ca, vec![other.pin()])] {
        let server = Server::of(server_ca, shows(info.clone()));
        let (cause, _) = fails(&by_token(server.endpoint(), &pins), Duration::from_millis(500));
        assert!(matches!(cause, Cause::NotSigned { known: None, .. }));
        assert!(server.requests.lock().unwrap().iter().all(|r| !r.ends_with('+')));
    }
}

#[test]
fn a_token_that_is_signed_a_moment_later_is_waited_for() {
    let ca = Ca::new("kubernetes");
    let kubeconfig = kubeconfig_of("https://a:6443", &ca);
    let (before, after) = (cluster_info(&kubeconfig, &[]), cluster_info(&kubeconfig, &[(ID, SECRET)]));
    let begin = std::time::Instant::now();
    let server = Server::of(&ca, move |_| {
        Reply::ok(if begin.elapsed() < Duration::from_secs(1) { &before } else { &after })
    });
    run(&by_token(server.endpoint(), &[ca.pin()]), LIMIT).unwrap();
}

#[test]
fn what_an_api_server_refuses_is_named() {
    let ca = Ca::new("kubernetes");
    for (reply, want) in [
        (
            Reply::status(404, "configmaps \"cluster-info\" not found"),
            "no ConfigMap kube-public/cluster-info",
        ),
        (
            Reply::status(403, "User \"system:anonymous\" cannot get resource"),
            "kubeadm:bootstrap-signer-clusterinfo",
        ),
        (Reply::status(401, "Unauthorized"), "--anonymous-auth=false"),
        (
            Reply::status(403, "forbidden: User \"system:anonymous\" cannot get path \"/api\""),
            "not as a Kubernetes API server",
        ),
        (Reply { code: 404, body: "<html>\n<h1>nginx</h1>".into(), date: None }, "HTTP 404: <html>"),
        (
            Reply { code: 503, body: "no server is available".into(), date: None },
            "not ready: HTTP 503 no server",
        ),
        (Reply { code: 200, body: "hello".into(), date: None }, "without a Kubernetes object"),
        (Reply::ok(&serde_json::json!({"kind": "ConfigMap", "data": {}})), "no key `kubeconfig`"),
        (Reply::ok(&cluster_info("clusters: []", &[(ID, SECRET)])), "has no cluster"),
    ] {
        let server = Server::of(&ca, move |_| reply.clone());
        let (_, text) = fails(&by_token(server.endpoint(), &[ca.pin()]), Duration::from_millis(100));
        assert!(text.contains(want) && text.contains("\n  fix: "), "{text} / {want}");
    }
}

#[test]
fn api_server_is_asked_whether_it_is_ready_when_it_refuses_to_show_cluster_info() {
    let ca = Ca::new("kubernetes");
    for (code, is_ready) in [(200, true), (403, false), (500, false)] {
        let server = Server::of(&ca, move |asked| match asked.path {
            "/readyz" => Reply::status(code, "ok"),
            _ => Reply::status(403, "User \"system:anonymous\" cannot get resource"),
        });
        let (cause, text) = fails(&by_token(server.endpoint(), &[ca.pin()]), Duration::from_millis(100));
        assert!(matches!(cause, Cause::Forbidden { ready, .. } if ready == is_ready), "{code}: {text}");
    }
}

#[test]
fn a_certificate_for_other_names_is_told_with_its_names() {
    let ca = Ca::new("kubernetes");
    let mut spec = Ca::server_spec(time::Duration::days(1), time::Duration::days(1));
    spec.ip_addresses = vec!["10.96.0.1".parse().unwrap()];
    let info = cluster_info(&kubeconfig_of("https://a:6443", &ca), &[(ID, SECRET)]);
    let server = Server::with(&ca, &spec, shows(info));
    let (cause, text) = fails(&by_token(server.endpoint(), &[ca.pin()]), LIMIT);
    assert!(matches!(cause, Cause::WrongName { .. }), "{text}");
    assert!(
        text.contains("it is for cp.lab.test, 10.96.0.1") && text.contains("apiServer.certSANs"),
        "{text}"
    );
}

#[test]
fn clocks_that_are_apart_are_told_as_that() {
    let ca = Ca::new("kubernetes");
    let info = cluster_info(&kubeconfig_of("https://a:6443", &ca), &[(ID, SECRET)]);
    let spec = Ca::server_spec(-time::Duration::days(1), time::Duration::days(365));
    let server = Server::with(&ca, &spec, move |asked| Reply {
        date: Some("Fri, 01 Jan 2100 00:00:00 GMT"),
        ..shows(info.clone())(asked)
    });
    let (cause, text) = fails(&by_token(server.endpoint(), &[ca.pin()]), Duration::from_millis(100));
    assert!(matches!(cause, Cause::Validity { .. }), "{text}");
    assert!(text.contains("not valid before") && text.contains("behind the server's"), "{text}");
    assert!(text.contains("timedatectl set-ntp true"), "{text}");
}

#[test]
fn an_expired_server_is_told_as_that() {
    let ca = Ca::new("kubernetes");
    let info = cluster_info(&kubeconfig_of("https://a:6443", &ca), &[(ID, SECRET)]);
    let spec = Ca::server_spec(time::Duration::days(2), -time::Duration::days(1));
    let server = Server::with(&ca, &spec, shows(info));
    let (_, text) = fails(&by_token(server.endpoint(), &[ca.pin()]), Duration::from_millis(100));
    assert!(text.contains("expired at") && text.contains("kubestrap certs renew"), "{text}");
}
