//! What kube-controller-manager and kube-scheduler say when they end or do not become healthy.

use super::{CLIENTS, rule};
use crate::diagnose::rule::{Rule, Source};

const TRUST: &str = r#"(?:tls: failed to verify certificate: )?x509: (?<why>certificate signed by unknown authority|certificate is valid for [^"]*)"#;
const TRUSTS: [&str; 3] = [
    "{component} does not trust kube-apiserver: {why}",
    "its kubeconfig holds another CA than the one that signed apiserver.crt, or names an address that the certificate lacks",
    "move /etc/kubernetes/controller-manager.conf and scheduler.conf away and run again: they are generated again",
];
const UNAUTHORIZED: &str = r"\bUnauthorized\b|provide credentials";
const IS_UNAUTHORIZED: [&str; 3] = [
    "kube-apiserver does not accept the client certificate of {component}",
    "the certificate in its kubeconfig has expired, or is of another CA",
    "`kubestrap certs renew all`, or move its kubeconfig in /etc/kubernetes away and run again",
];

pub(super) const RULES: &[Rule] = &[
    rule("ServerTrust", Source::Ended(CLIENTS), TRUST, TRUSTS).persisting(),
    rule("ServerTrust", Source::Running(CLIENTS), TRUST, TRUSTS).persisting(),
    rule("Unauthorized", Source::Ended(CLIENTS), UNAUTHORIZED, IS_UNAUTHORIZED).persisting(),
    rule("Unauthorized", Source::Running(CLIENTS), UNAUTHORIZED, IS_UNAUTHORIZED).persisting(),
    rule(
        "Kubeconfig",
        Source::Ended(CLIENTS),
        r#"(?<why>(?:invalid configuration|error loading config file|couldn't get version|unable to (?:load|read) [^"]*(?:kubeconfig|client))[^\n]*?)"?$"#,
        [
            "{component} can't use its kubeconfig: {why}",
            "the file is damaged, or a flag names another",
            "move its kubeconfig in /etc/kubernetes away and run again: it is generated again",
        ],
    ),
    rule(
        "ServerAway",
        Source::Ended(CLIENTS),
        r"dial tcp (?<address>\S+?): (?:connect: )?(?<why>connection refused|i/o timeout|no route to host)",
        [
            "{component} can't reach kube-apiserver at {address}: {why}",
            "the API server does not run, or its kubeconfig names another address",
            "see what keeps kube-apiserver from running; `grep server: /etc/kubernetes/*.conf` shows the addresses",
        ],
    )
    .possible(),
];
