//! What is said of a cause: the evidence, why it is so, and what to do.

use super::cause::Cause;
use super::certificate;
use crate::config::settings::NODE_BOOTSTRAP_GROUP;
use crate::pki::ChainError;

/// The command that makes what a new node needs.
const NEW_TOKEN: &str = "`kubestrap token create --print-join-command` on a control-plane node prints a join command with a new token";

/// A cause in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// What was seen.
    pub(crate) evidence: Vec<String>,
    /// Why it is so, where more is to be said than [`Cause`] does.
    pub(crate) why: Option<String>,
    /// What to do.
    pub(crate) fix: String,
}

impl Cause {
    /// Why it is so and what to do.
    pub(crate) fn explanation(&self) -> Explanation {
        let mut evidence = vec![];
        let mut why = None;
        let fix = match self {
            Self::Unresolved { host, definite: true, .. } => {
                why = Some("a name server, or /etc/hosts alone, has no address for it".into());
                format!("correct the endpoint's name, or make it resolvable: in DNS, or as a line `ADDRESS {host}` in /etc/hosts")
            }
            Self::Unresolved { .. } => {
                why = Some("no name server answers".into());
                "see /etc/resolv.conf and whether the name servers in it can be reached, or give the endpoint's IP address".into()
            }
            Self::Refused { address } => {
                why = Some("kube-apiserver, or the load balancer in front of it, is not running there, or a firewall refuses the connection".into());
                format!("see on the control-plane node whether kube-apiserver runs (`kubestrap diagnose`) and listens on this port, and whether {address} is the endpoint in the join command")
            }
            Self::Silent { address, .. } => {
                why = Some("a firewall or security group drops the packets, the address is another machine's, or a load balancer has no healthy API server behind it".into());
                format!("allow connections to {address} from this machine, and see whether kube-apiserver is healthy there (`kubestrap diagnose`)")
            }
            Self::Unreachable { .. } => {
                "see this machine's network: its addresses, default route and cables (`ip address`, `ip route`)".into()
            }
            Self::Broken { .. } => {
                why = Some("kube-apiserver is starting or stopping, or a load balancer has no healthy API server behind it".into());
                "see on the control-plane node whether kube-apiserver is healthy (`kubestrap diagnose`), and the health checks of the load balancer".into()
            }
            Self::NotTls { .. } | Self::NotKubernetes { .. } => {
                why = Some("the port is that of another service".into());
                "give the endpoint of the API server, by default port 6443, as the join command has it".into()
            }
            Self::Handshake { reason, .. } => {
                let wants_certificate = reason.to_lowercase().contains("certificate");
                why = wants_certificate
                    .then(|| "servers such as etcd want a client certificate: the port may be another service's".into());
                "give the endpoint of the API server, by default port 6443; see its log for why it ends the handshake".into()
            }
            Self::Validity { why: validity, server_time, .. } => match certificate::clocks(validity, *server_time) {
                Some(apart) => {
                    why = Some(apart);
                    "set the clock: `timedatectl set-ntp true`, or this machine's own time service; then see `timedatectl`".into()
                }
                None if matches!(validity, ChainError::Expired { .. }) => {
                    "renew it on the control-plane node: `kubestrap certs renew all`".into()
                }
                None => "compare the clocks of this machine and of the control-plane node (`date -u`)".into(),
            },
            Self::WrongName { names, host, .. } => {
                evidence.push(format!("it is for {}", names.join(", ")));
                format!("join with one of these as the endpoint, or add {host:?} to apiServer.certSANs of the cluster and generate the certificate again (`kubestrap init phase certs apiserver --apiserver-cert-extra-sans {host}`)")
            }
            Self::OtherCa { subject, issuer, reason, trusted, .. } => {
                evidence.push(format!("it is {subject:?}, issued by {issuer:?} ({reason})"));
                why = Some(if trusted.is_some() {
                    "another cluster's API server answers there, a load balancer ends TLS itself, or the cluster's CA was replaced and cluster-info still has the old one".into()
                } else {
                    "this machine does not trust the CA that signed it".into()
                });
                if trusted.is_some() {
                    "see that the endpoint leads to this cluster's API servers without ending TLS on the way, and that kube-public/cluster-info has the CA of /etc/kubernetes/pki/ca.crt".into()
                } else {
                    "embed the cluster's CA in the kubeconfig (certificate-authority-data), or have this machine trust the web server's CA (package ca-certificates)".into()
                }
            }
            Self::Unavailable { .. } => {
                why = Some("kube-apiserver is starting, or a load balancer has no healthy API server behind it".into());
                "see on the control-plane node whether kube-apiserver is healthy (`kubestrap diagnose`)".into()
            }
            Self::Anonymous { .. } => {
                why = Some("kube-apiserver runs with --anonymous-auth=false, or its authentication configuration limits anonymous requests: a discovery by token needs them for cluster-info".into());
                "discover by a kubeconfig instead (`--discovery-file`, with the cluster's CA and a token), or allow anonymous requests".into()
            }
            Self::Unauthorized { .. } => {
                why = Some("it expired or was deleted, was never the cluster's, or may not be used for authentication".into());
                format!("give valid credentials: {NEW_TOKEN}")
            }
            Self::NotForKnown { message, .. } => {
                evidence.push(message.clone());
                why = Some("a cluster of kubeadm's lets requests without credentials read it, and nobody else (RoleBinding kubeadm:bootstrap-signer-clusterinfo)".into());
                "embed the cluster's CA in the discovery file (certificate-authority-data): then cluster-info is not needed".into()
            }
            Self::Forbidden { message, .. } => {
                evidence.push(message.clone());
                why = Some("the Role and RoleBinding kubeadm:bootstrap-signer-clusterinfo in kube-public, which let anybody read it, are not there (yet)".into());
                "restore them on a control-plane node (`kubestrap init phase bootstrap-token`), or discover by a kubeconfig (`--discovery-file`)".into()
            }
            Self::NoClusterInfo { .. } => {
                why = Some("`init` has not reached its phase bootstrap-token, or the ConfigMap was deleted".into());
                "create it on a control-plane node: `kubestrap init phase bootstrap-token`".into()
            }
            Self::ClusterInfo { .. } => {
                "create it again on a control-plane node: `kubestrap init phase bootstrap-token`".into()
            }
            Self::Changed { .. } => {
                why = Some("different clusters' API servers answer at this endpoint, or cluster-info is being changed".into());
                "see which API servers are behind the endpoint".into()
            }
            Self::NotSigned { id, signed_by, known, new, .. } => {
                evidence.push(match signed_by.as_slice() {
                    [] => "no token has signed it".into(),
                    ids => format!("it is signed with the tokens {}", ids.join(", ")),
                });
                match known {
                    Some(true) => {
                        why = Some("the token is not meant for signing (usage `signing`), or kube-controller-manager, which signs, is not running".into());
                        format!("see the token's usages on a control-plane node (`kubestrap token list`), and whether kube-controller-manager runs; or: {NEW_TOKEN}")
                    }
                    Some(false) | None => {
                        why = Some(if *new && signed_by.is_empty() {
                            "the cluster is new, and kube-controller-manager, which signs, may not be running; or the token does not exist".into()
                        } else {
                            format!("the token {id} does not exist: it expired (after 24 hours, unless another life time was given), was deleted, or belongs to another cluster")
                        });
                        NEW_TOKEN.into()
                    }
                }
            }
            Self::Signature { .. } => {
                why = Some("the token's secret (the part after the dot) is mistyped or of an older token, or this is not the cluster that the token belongs to".into());
                format!("compare the token with `kubestrap token list` on a control-plane node; {NEW_TOKEN}")
            }
            Self::CaNotPinned { served, expected, .. } => {
                evidence.push(format!("the cluster's CA: {}", served.join(", ")));
                evidence.push(format!("pinned: {}", expected.join(", ")));
                why = Some("the hash is of another cluster or mistyped, or the server is not the one it is taken for".into());
                "compare with the hash that `kubestrap token create --print-join-command` prints on a control-plane node".into()
            }
            Self::Unreadable { .. } | Self::Kubeconfig { .. } => {
                "give a kubeconfig, a file's path or an https URL, with the cluster's server and CA".into()
            }
            Self::Plugin { .. } => {
                "give the user a token or a client certificate, or give a token for the TLS bootstrap (`--tls-bootstrap-token`) and a kubeconfig without a user".into()
            }
            Self::NoCredentials { .. } => {
                "add a user with a token or a client certificate to it, or give a token for the TLS bootstrap (`--tls-bootstrap-token`, `tlsBootstrapToken`)".into()
            }
            Self::NotAllowed { .. } => {
                why = Some(format!("the token is not of the group {NODE_BOOTSTRAP_GROUP}, or the Roles and RoleBindings kubeadm:nodes-kubeadm-config and kubeadm:kubelet-config in kube-system are gone"));
                format!("see the token's groups (`kubestrap token list`), or store the configuration again, with its rights: `kubestrap init phase upload-config all --config FILE`; {NEW_TOKEN}")
            }
            Self::OtherServer { .. } => {
                why = Some("cluster-info names it (it is the cluster's controlPlaneEndpoint, or the address of its first node), whatever endpoint was given; kubelet uses it, too".into());
                "make it resolvable and reachable from this machine (DNS, /etc/hosts, firewall), or correct the cluster's controlPlaneEndpoint".into()
            }
            Self::Client { .. } => "correct the endpoint or the discovery file".into(),
            Self::Nothing => "give the endpoint of an API server and a token, or `--discovery-file`".into(),
        };
        Explanation { evidence, why, fix }
    }
}
