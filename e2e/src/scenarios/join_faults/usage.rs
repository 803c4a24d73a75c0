//! Joins that are asked for wrongly.

use super::fault::{FAULT, Fault};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "token-malformed",
        words: &[("TOKEN", "nonsense")],
        code: 2,
        says: &["--token", "6 lower-case letters or digits", "token create --print-join-command"],
        ..FAULT
    },
    Fault {
        name: "no-endpoint",
        line: "join --token TOKEN --discovery-token-ca-cert-hash HASH",
        code: 2,
        says: &["apiServerEndpoint", "`host:port` of an API server"],
        ..FAULT
    },
    Fault {
        name: "endpoint-with-scheme",
        words: &[("join ", "join https://")],
        code: 2,
        says: &["without a scheme", "`10.88.0.2:6443`"],
        ..FAULT
    },
    Fault {
        name: "hash-malformed",
        words: &[("HASH", "sha256:0123")],
        code: 2,
        says: &["--discovery-token-ca-cert-hash", "64 hexadecimal digits"],
        ..FAULT
    },
    Fault {
        name: "no-hash",
        words: &[("--discovery-token-ca-cert-hash HASH", "")],
        code: 2,
        says: &["no other cluster can pose as this one", "token create --print-join-command"],
        ..FAULT
    },
    Fault {
        name: "key-of-wrong-length",
        words: &[("KEY", "abcd")],
        control_plane: true,
        code: 2,
        says: &["--certificate-key", "64 characters"],
        ..FAULT
    },
    Fault {
        name: "node-name-invalid",
        words: &[("", "--node-name Bad_Name")],
        code: 2,
        says: &["is not a DNS name", "lower-case letters"],
        ..FAULT
    },
    Fault {
        name: "no-such-file",
        line: "join --discovery-file /nowhere.conf",
        code: 2,
        says: &["/nowhere.conf can't be read", "give a kubeconfig"],
        ..FAULT
    },
    Fault {
        name: "file-with-a-plugin",
        line: "join --discovery-file /e2e/logs/discovery.conf",
        files: &[(
            "discovery.conf",
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: k, cluster: {server: 'https://10.88.0.2:6443'}}]\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nusers: [{name: u, user: {exec: {command: aws}}}]\n",
        )],
        code: 2,
        says: &["authenticates by `exec`", "give the user a token or a client certificate"],
        ..FAULT
    },
    Fault {
        name: "file-without-the-cluster",
        line: "join --discovery-file /e2e/logs/discovery.conf",
        files: &[(
            "discovery.conf",
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nusers: [{name: u, user: {token: x}}]\n",
        )],
        code: 2,
        says: &["the cluster of its current context is not in it", "give a kubeconfig"],
        ..FAULT
    },
    Fault {
        name: "file-without-credentials",
        line: "join --discovery-file /e2e/logs/discovery.conf",
        files: &[(
            "discovery.conf",
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: k, cluster: {server: 'https://10.88.0.2:6443'}}]\ncontexts: [{name: c, context: {cluster: k}}]\n",
        )],
        code: 2,
        says: &["no credentials for the TLS bootstrap", "--tls-bootstrap-token"],
        ..FAULT
    },
];
