//! Rules that the kinds have in common: what they say about a node, its sockets and its secrets.

use super::Validator;
use crate::config::v1beta4::NodeRegistrationOptions;
use crate::config::{names, token, url};

impl Validator<'_> {
    /// How a node registers itself: `nodeRegistration` of the document of `kind`.
    pub(super) fn node_registration(&mut self, kind: &str, node: &NodeRegistrationOptions) {
        self.check(kind, "nodeRegistration.name", names::dns_subdomain(&node.name));
        self.cri_socket(kind, "nodeRegistration.criSocket", &node.cri_socket);
        self.pull_policy(kind, "nodeRegistration.imagePullPolicy", &node.image_pull_policy);
        self.args(kind, "nodeRegistration.kubeletExtraArgs", &node.kubelet_extra_args);
        for (i, taint) in node.taints.iter().flatten().enumerate() {
            if !["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&taint.effect.as_str()) {
                let message = format!(
                    "{:?} is not one of NoSchedule, PreferNoSchedule, NoExecute: kubelet does not start with it",
                    taint.effect
                );
                let path = format!("nodeRegistration.taints.{i}.effect");
                self.warnings.push(self.locator.problem(kind, &path, message));
            }
        }
    }

    pub(super) fn cri_socket(&mut self, kind: &str, path: &str, socket: &str) {
        // kubeadm lets a URL pass that names a host and no path, which no runtime can listen at.
        let has_path =
            |url: &url::Url| url.scheme == "unix" && url.host.is_empty() && url.path.starts_with('/');
        if !url::parse(socket).is_ok_and(|url| has_path(&url)) {
            self.error(
                kind,
                path,
                format!(
                    "{socket:?} is not a CRI socket: write it as `unix:///run/containerd/containerd.sock`"
                ),
            );
        }
    }

    pub(super) fn pull_policy(&mut self, kind: &str, path: &str, policy: &str) {
        if !["Always", "IfNotPresent", "Never"].contains(&policy) {
            self.error(kind, path, format!("{policy:?} is not one of Always, IfNotPresent, Never"));
        }
    }

    pub(super) fn bind_port(&mut self, kind: &str, path: &str, port: i32) {
        if !(1..=65535).contains(&port) {
            self.error(kind, path, format!("{port} is not a port: 1 to 65535"));
        }
    }

    pub(super) fn certificate_key(&mut self, kind: &str, path: &str, key: &str) {
        let hex = key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit());
        if !key.is_empty() && !hex {
            // The key is a secret: it is not repeated here.
            self.error(
                kind,
                path,
                "must be 32 bytes in hex, 64 characters: `kubestrap certs certificate-key` makes one",
            );
        }
    }

    pub(super) fn bootstrap_token(&mut self, kind: &str, path: &str, token: &str) {
        if token::split(token).is_none() {
            // It is a secret as well.
            let is = if token.is_empty() { "is missing: it " } else { "" };
            let valid = if kind == "JoinConfiguration" {
                "`kubestrap token create --print-join-command` on a control-plane node prints a valid one"
            } else {
                "`kubestrap token generate` makes one"
            };
            self.error(kind, path, format!("{is}must be 6 lower-case letters or digits, a dot and 16 more, such as `abcdef.0123456789abcdef`: {valid}"));
        }
    }
}
