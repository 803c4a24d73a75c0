//! The command with which nodes join.

use crate::program;

/// Where nodes join, and how they know that it is the right cluster.
#[derive(Clone, Debug)]
pub(crate) struct JoinCommand {
    /// `host:port` of the control plane.
    pub(crate) endpoint: String,
    /// Hashes of the public keys of the cluster's CAs: `sha256:…`.
    pub(crate) ca_hashes: Vec<String>,
}

impl JoinCommand {
    /// The command in one line; with the key of the uploaded certificates it is for a control-plane node.
    pub(crate) fn line(&self, token: &str, certificate_key: Option<&str>) -> String {
        let control_plane =
            certificate_key.map(|key| format!(" {}", control_plane(Some(key)))).unwrap_or_default();
        format!("{} {}{control_plane}", self.head(token), self.hashes())
    }

    /// The command for a worker, in two lines.
    pub(crate) fn worker(&self, token: &str) -> String {
        format!("{} \\\n\t{}", self.head(token), self.hashes())
    }

    /// The command for a control-plane node, in three lines.
    pub(crate) fn control_plane(&self, token: &str, certificate_key: Option<&str>) -> String {
        format!("{} \\\n\t{}", self.worker(token), control_plane(certificate_key))
    }

    fn head(&self, token: &str) -> String {
        format!("{} join {} --token {token}", program::name(), self.endpoint)
    }

    fn hashes(&self) -> String {
        let hashes: Vec<String> =
            self.ca_hashes.iter().map(|hash| format!("--discovery-token-ca-cert-hash {hash}")).collect();
        hashes.join(" ")
    }
}

fn control_plane(certificate_key: Option<&str>) -> String {
    match certificate_key {
        Some(key) => format!("--control-plane --certificate-key {key}"),
        None => "--control-plane".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_every_hash_and_the_key_only_for_control_planes() {
        let command = JoinCommand {
            endpoint: "cp:6443".into(),
            ca_hashes: vec!["sha256:aa".into(), "sha256:bb".into()],
        };
        assert_eq!(
            command.line("t", None),
            "kubestrap join cp:6443 --token t --discovery-token-ca-cert-hash sha256:aa --discovery-token-ca-cert-hash sha256:bb"
        );
        assert!(command.line("t", Some("k")).ends_with("sha256:bb --control-plane --certificate-key k"));
        assert!(command.worker("t").contains("--token t \\\n\t--discovery-token-ca-cert-hash sha256:aa "));
        assert!(command.control_plane("t", None).ends_with(" \\\n\t--control-plane"));
    }
}
