//! The certificates of a control plane, as data.
//!
//! Phases, keys, backups and renewal come from the rows. What knows single certificates by name is listed in
//! CONTRIBUTING.md. Source: kubeadm's default certificate list (1.33 to 1.37), in its order.

use super::name::Subject;
use super::spec::Usages;

/// One certificate that `init` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertRow {
    /// Its phase: `init phase certs <name>`.
    pub name: &'static str,
    /// Its file in the certificate folder, without `.crt` and `.key`.
    pub base: &'static str,
    /// Phase name of the CA that issues it; `None` for a CA, which signs itself.
    pub signer: Option<&'static str>,
    /// Its CN.
    pub common_name: CommonName,
    /// Its O.
    pub organizations: Organizations,
    /// What its key may do.
    pub usages: Usages,
    /// Which names and addresses it is for.
    pub sans: SanKind,
    /// What its phase does, in one line of help; a certificate's begins with `Generate the`.
    pub about: &'static str,
}

/// Where a common name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommonName {
    /// Always the same.
    Fixed(&'static str),
    /// The name of the Node.
    NodeName,
}

/// Which groups a client certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Organizations {
    /// None.
    None,
    /// `kubeadm:cluster-admins` up to 1.33.11, 1.34.7, 1.35.4 and 1.36.0; none after, where a
    /// ClusterRoleBinding for the one user takes its place (kubernetes/kubernetes#138957).
    KubeletClient,
}

/// Which names and addresses a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SanKind {
    /// None.
    None,
    /// Its own common name: the CAs.
    CommonName,
    /// The API server's: `kubernetes` and its longer forms, endpoint, service and node addresses.
    ApiServer,
    /// etcd's towards clients: node name, localhost, advertise address, `etcd.local.serverCertSANs`.
    EtcdServer,
    /// etcd's towards its peers: the same with `etcd.local.peerCertSANs`.
    EtcdPeer,
}

/// A pair of keys without a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyPairRow {
    /// Its phase: `init phase certs <name>`.
    pub name: &'static str,
    /// File of the private key in the certificate folder.
    pub private_key: &'static str,
    /// File of the public key in the certificate folder.
    pub public_key: &'static str,
    /// What its phase does, in one line of help.
    pub about: &'static str,
}

impl CertRow {
    /// True for a CA, which signs itself.
    pub const fn is_ca(&self) -> bool {
        self.signer.is_none()
    }

    /// The file of its certificate, in the certificates' folder.
    pub fn certificate_file(&self) -> String {
        format!("{}.crt", self.base)
    }

    /// The file of its key, in the certificates' folder.
    pub fn key_file(&self) -> String {
        format!("{}.key", self.base)
    }

    /// Whether it is etcd's CA or signed by that: with an external etcd it is not made here.
    pub fn is_of_etcd(&self) -> bool {
        const CA: &str = "etcd-ca";
        self.name == CA || self.signer == Some(CA)
    }

    /// The row of its CA; `None` for a CA.
    pub fn signer_row(&self) -> Option<&'static CertRow> {
        self.signer.and_then(row)
    }

    /// Whom it is for, on the Node `node_name`. `kubelet_client_is_admin` picks the side of
    /// [`Organizations::KubeletClient`].
    pub fn subject(&self, node_name: &str, kubelet_client_is_admin: bool) -> Subject {
        let common_name = match self.common_name {
            CommonName::Fixed(name) => name,
            CommonName::NodeName => node_name,
        };
        Subject::new(common_name)
            .with_organizations(self.organizations.resolve(kubelet_client_is_admin).iter().copied())
    }
}

impl Organizations {
    /// The groups, for a version whose API server is (`true`) or is not a cluster admin to kubelets.
    pub fn resolve(self, kubelet_client_is_admin: bool) -> &'static [&'static str] {
        match self {
            Self::KubeletClient if kubelet_client_is_admin => &["kubeadm:cluster-admins"],
            Self::KubeletClient | Self::None => &[],
        }
    }
}

/// The row of a phase.
pub(crate) fn row(name: &str) -> Option<&'static CertRow> {
    CERTIFICATES.iter().find(|row| row.name == name)
}

/// All certificates, in the order of making: a CA stands before what it signs.
pub static CERTIFICATES: [CertRow; 10] = [
    CertRow {
        name: "ca",
        base: "ca",
        signer: None,
        common_name: CommonName::Fixed("kubernetes"),
        organizations: Organizations::None,
        usages: Usages::Ca,
        sans: SanKind::CommonName,
        about: "Generate the Kubernetes CA, which signs the certificates of the other components",
    },
    CertRow {
        name: "apiserver",
        base: "apiserver",
        signer: Some("ca"),
        common_name: CommonName::Fixed("kube-apiserver"),
        organizations: Organizations::None,
        usages: Usages::Server,
        sans: SanKind::ApiServer,
        about: "Generate the certificate that kube-apiserver serves the Kubernetes API with",
    },
    CertRow {
        name: "apiserver-kubelet-client",
        base: "apiserver-kubelet-client",
        signer: Some("ca"),
        common_name: CommonName::Fixed("kube-apiserver-kubelet-client"),
        organizations: Organizations::KubeletClient,
        usages: Usages::Client,
        sans: SanKind::None,
        about: "Generate the client certificate that kube-apiserver presents to kubelets",
    },
    CertRow {
        name: "front-proxy-ca",
        base: "front-proxy-ca",
        signer: None,
        common_name: CommonName::Fixed("front-proxy-ca"),
        organizations: Organizations::None,
        usages: Usages::Ca,
        sans: SanKind::CommonName,
        about: "Generate the front proxy's CA, which signs the client certificate for extension API servers",
    },
    CertRow {
        name: "front-proxy-client",
        base: "front-proxy-client",
        signer: Some("front-proxy-ca"),
        common_name: CommonName::Fixed("front-proxy-client"),
        organizations: Organizations::None,
        usages: Usages::Client,
        sans: SanKind::None,
        about: "Generate the client certificate that kube-apiserver presents to extension API servers",
    },
    CertRow {
        name: "etcd-ca",
        base: "etcd/ca",
        signer: None,
        common_name: CommonName::Fixed("etcd-ca"),
        organizations: Organizations::None,
        usages: Usages::Ca,
        sans: SanKind::CommonName,
        about: "Generate etcd's CA, which signs the certificates of etcd and its clients",
    },
    CertRow {
        name: "etcd-server",
        base: "etcd/server",
        signer: Some("etcd-ca"),
        common_name: CommonName::NodeName,
        organizations: Organizations::None,
        usages: Usages::Both,
        sans: SanKind::EtcdServer,
        about: "Generate the certificate that etcd serves its clients with",
    },
    CertRow {
        name: "etcd-peer",
        base: "etcd/peer",
        signer: Some("etcd-ca"),
        common_name: CommonName::NodeName,
        organizations: Organizations::None,
        usages: Usages::Both,
        sans: SanKind::EtcdPeer,
        about: "Generate the certificate that this etcd member presents to the others",
    },
    CertRow {
        name: "etcd-healthcheck-client",
        base: "etcd/healthcheck-client",
        signer: Some("etcd-ca"),
        common_name: CommonName::Fixed("kube-etcd-healthcheck-client"),
        organizations: Organizations::None,
        usages: Usages::Client,
        sans: SanKind::None,
        about: "Generate the client certificate that liveness probes present to etcd",
    },
    CertRow {
        name: "apiserver-etcd-client",
        base: "apiserver-etcd-client",
        signer: Some("etcd-ca"),
        common_name: CommonName::Fixed("kube-apiserver-etcd-client"),
        organizations: Organizations::None,
        usages: Usages::Client,
        sans: SanKind::None,
        about: "Generate the client certificate that kube-apiserver presents to etcd",
    },
];

/// The keys that service account tokens are signed and checked with.
pub(crate) static SERVICE_ACCOUNT: KeyPairRow = KeyPairRow {
    name: "sa",
    private_key: "sa.key",
    public_key: "sa.pub",
    about: "Generate the key that signs service account tokens, and its public key",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signer_is_a_ca_that_stands_before() {
        for (index, row) in CERTIFICATES.iter().enumerate() {
            assert_eq!(row.is_ca(), row.usages == Usages::Ca, "{}", row.name);
            let Some(signer) = row.signer_row() else {
                assert!(row.is_ca(), "{}: no row for its signer {:?}", row.name, row.signer);
                continue;
            };
            assert!(signer.is_ca(), "{}", row.name);
            assert!(CERTIFICATES[..index].contains(signer), "{} before its CA", row.name);
        }
    }

    #[test]
    fn groups_of_the_kubelet_client_depend_on_the_version() {
        let row = row("apiserver-kubelet-client").unwrap();
        assert_eq!(row.subject("node", true).organizations, ["kubeadm:cluster-admins"]);
        assert_eq!(row.subject("node", false), Subject::new("kube-apiserver-kubelet-client"));
        let peer = super::row("etcd-peer").unwrap();
        assert_eq!(peer.subject("node", true), Subject::new("node"));
    }
}
