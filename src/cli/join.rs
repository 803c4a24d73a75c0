//! `join` and its phases.

use std::path::PathBuf;

use clap::Args;

use super::run::Output;
use super::value::Boolean as _;
use crate::commands::join::Request;
use crate::config::JoinFlags;

#[derive(Args, Debug, Default)]
#[command(
    about = "Join this machine to a cluster, as a worker or as another control-plane node",
    after_help = "Examples:\n  kubestrap join 192.0.2.10:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:…\n  kubestrap join --config join.yaml\n  kubestrap join cp.example.com:6443 --token … --discovery-token-ca-cert-hash sha256:… --control-plane --certificate-key …"
)]
pub(super) struct Join {
    /// API server of the cluster, as `host:port`
    #[arg(value_name = "API-SERVER-ENDPOINT")]
    endpoint: Option<String>,
    /// Address at which this node's API server is advertised, with --control-plane [default: that of the default route]
    #[arg(long, value_name = "IP")]
    apiserver_advertise_address: Option<String>,
    /// Port of this node's API server, with --control-plane [default: 6443]
    #[arg(long, value_name = "PORT")]
    apiserver_bind_port: Option<i32>,
    /// Key that decrypts the certificates uploaded by `init`, with --control-plane
    #[arg(long, value_name = "HEX")]
    certificate_key: Option<String>,
    /// Configuration file (kubeadm.k8s.io/v1beta4 or v1beta3); `-` reads standard input
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Make this machine another control-plane node
    #[arg(long, boolean())]
    control_plane: Option<bool>,
    /// CRI socket of the container runtime [default: the one found]
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
    /// Kubeconfig file or https URL that leads to the cluster
    #[arg(long, value_name = "FILE")]
    discovery_file: Option<String>,
    /// Token that validates the cluster information of the API server
    #[arg(long, value_name = "TOKEN")]
    discovery_token: Option<String>,
    /// Hash of the cluster CA's public key, as `sha256:HEX`
    #[arg(long, value_name = "HASHES")]
    discovery_token_ca_cert_hash: Vec<String>,
    /// Join without verifying the cluster's CA
    #[arg(long, boolean())]
    discovery_token_unsafe_skip_ca_verification: Option<bool>,
    /// Print what would be done, without changing anything
    #[arg(long, boolean())]
    dry_run: Option<bool>,
    /// With --dry-run: write every file at its real path below this directory
    #[arg(long, value_name = "DIR", requires = "dry_run")]
    dry_run_dir: Option<PathBuf>,
    /// Preflight checks whose errors are warnings; `all` for every check
    #[arg(long, value_name = "CHECKS")]
    ignore_preflight_errors: Vec<String>,
    /// Name of this Node [default: the host name]
    #[arg(long, value_name = "NAME")]
    node_name: Option<String>,
    /// Directory with patches
    #[arg(long, value_name = "DIR")]
    patches: Option<String>,
    /// Remove a stale etcd member that has this node's name or address
    #[arg(long, boolean())]
    replace_etcd_member: Option<bool>,
    /// Phases to skip
    #[arg(long, value_name = "PHASES")]
    skip_phases: Vec<String>,
    /// Treat configuration and patch warnings as errors
    #[arg(long, boolean())]
    strict: Option<bool>,
    /// Token with which kubelet authenticates for its certificate
    #[arg(long, value_name = "TOKEN")]
    tls_bootstrap_token: Option<String>,
    /// Token for both discovery-token and tls-bootstrap-token where they are not given
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Output format: text, or JSON events
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Join {
    /// What is asked for.
    pub(super) fn request(&self) -> Request {
        Request {
            flags: JoinFlags {
                endpoint: self.endpoint.clone(),
                config: self.config.clone(),
                apiserver_advertise_address: self.apiserver_advertise_address.clone(),
                apiserver_bind_port: self.apiserver_bind_port,
                certificate_key: self.certificate_key.clone(),
                control_plane: self.control_plane,
                cri_socket: self.cri_socket.clone(),
                discovery_file: self.discovery_file.clone(),
                discovery_token: self.discovery_token.clone(),
                discovery_token_ca_cert_hash: self.discovery_token_ca_cert_hash.clone(),
                discovery_token_unsafe_skip_ca_verification: self.discovery_token_unsafe_skip_ca_verification,
                tls_bootstrap_token: self.tls_bootstrap_token.clone(),
                token: self.token.clone(),
                node_name: self.node_name.clone(),
                patches: self.patches.clone(),
                ignore_preflight_errors: self.ignore_preflight_errors.clone(),
                skip_phases: self.skip_phases.clone(),
                dry_run: self.dry_run,
                strict: self.strict,
            },
            dry_run_dir: self.dry_run_dir.clone(),
            replace_etcd_member: self.replace_etcd_member == Some(true),
        }
    }
}
