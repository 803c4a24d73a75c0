//! The flags of `init` and its phases, and the configuration that they make.

use std::path::PathBuf;

use clap::Args;

use super::value::{Boolean as _, duration, feature_gates, flat};
use crate::commands::configuration::{Configuration, Source};
use crate::commands::init::Request;
use crate::config::duration::GoDuration;
use crate::config::v1beta4::{Arg, BootstrapToken};
use crate::config::{ConfigError, Loaded, Overrides, Problem, Profile, check_mixed};
use crate::workflows::init::Options;

// No doc comment: clap would take it for the help of the commands that have these flags.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct InitFlags {
    /// Configuration file (kubeadm.k8s.io/v1beta4 or v1beta3); `-` reads standard input
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Print what would be done, without changing anything; needs no root
    #[arg(long, boolean())]
    dry_run: Option<bool>,
    /// With --dry-run: write every file at its real path below this directory, and cluster-objects.yaml
    #[arg(long, value_name = "DIR", requires = "dry_run")]
    dry_run_dir: Option<PathBuf>,
    /// Treat configuration and patch warnings as errors
    #[arg(long, boolean())]
    strict: Option<bool>,
    /// Address at which this node's API server is advertised [default: that of the default route]
    #[arg(long, value_name = "IP")]
    apiserver_advertise_address: Option<String>,
    /// Port of the API server [default: 6443]
    #[arg(long, value_name = "PORT")]
    apiserver_bind_port: Option<i32>,
    /// More names and addresses for the API server's certificate
    #[arg(long, value_name = "NAMES")]
    apiserver_cert_extra_sans: Vec<String>,
    /// Directory of certificates and keys [default: /etc/kubernetes/pki]
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<String>,
    /// Key that encrypts the uploaded certificates: 32 bytes in hex
    #[arg(long, value_name = "HEX", hide_default_value = true)]
    certificate_key: Option<String>,
    /// Stable name or address of the control plane, with a port if it is not the API server's
    #[arg(long, value_name = "HOST[:PORT]")]
    control_plane_endpoint: Option<String>,
    /// CRI socket of the container runtime [default: the one found]
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
    /// kubeadm's feature gates: name=true,…
    #[arg(long, value_name = "GATES")]
    feature_gates: Vec<String>,
    /// Preflight checks whose errors are warnings; `all` for every check
    #[arg(long, value_name = "CHECKS")]
    ignore_preflight_errors: Vec<String>,
    /// Registry to pull images from [default: registry.k8s.io]
    #[arg(long, value_name = "REPOSITORY")]
    image_repository: Option<String>,
    /// Version of the control plane, or a label such as stable-1.36 (which is looked up on the internet)
    #[arg(long, value_name = "VERSION")]
    kubernetes_version: Option<String>,
    /// Name of this Node [default: the host name]
    #[arg(long, value_name = "NAME")]
    node_name: Option<String>,
    /// Directory with patches
    #[arg(long, value_name = "DIR")]
    patches: Option<String>,
    /// Subnet of Pods
    #[arg(long, value_name = "CIDR")]
    pod_network_cidr: Option<String>,
    /// Subnet of Services [default: 10.96.0.0/12]
    #[arg(long, value_name = "CIDR")]
    service_cidr: Option<String>,
    /// DNS domain of Services [default: cluster.local]
    #[arg(long, value_name = "DOMAIN")]
    service_dns_domain: Option<String>,
    /// Add a profile's settings where the configuration has none (`config profile` shows them)
    #[arg(long, value_name = "NAME", value_enum)]
    profile: Option<Profile>,
    /// Phases to skip
    #[arg(long, value_name = "PHASES")]
    skip_phases: Vec<String>,
    /// Do not print the key of the uploaded certificates
    #[arg(long, boolean())]
    skip_certificate_key_print: Option<bool>,
    /// Do not print the join token
    #[arg(long, boolean())]
    skip_token_print: Option<bool>,
    /// Token with which nodes may join [default: a random one]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// How long the token lives; 0 is for ever [default: 24h0m0s]
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_hyphen_values = true)]
    token_ttl: Option<GoDuration>,
    /// Upload the shared certificates, encrypted, for other control-plane nodes
    #[arg(long, boolean())]
    upload_certs: Option<bool>,
    /// Kubeconfig to reach the cluster with [default: /etc/kubernetes/admin.conf]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Directory of kubeconfigs [default: /etc/kubernetes]
    #[arg(long, value_name = "DIR")]
    kubeconfig_dir: Option<PathBuf>,
    /// Print the addon's manifests without installing them (`init phase addon` only)
    #[arg(long, boolean(), hide = true)]
    print_manifest: Option<bool>,
    /// Deprecated: flags of kube-apiserver, name=value,…
    #[arg(long, hide = true)]
    apiserver_extra_args: Vec<String>,
    /// Deprecated: flags of kube-controller-manager
    #[arg(long, hide = true)]
    controller_manager_extra_args: Vec<String>,
    /// Deprecated: flags of kube-scheduler
    #[arg(long, hide = true)]
    scheduler_extra_args: Vec<String>,
}

impl InitFlags {
    /// What `init` is asked to do.
    ///
    /// # Errors
    /// When flags exclude each other, or one can't be used.
    pub(super) fn request(&self) -> Result<Request, ConfigError> {
        Ok(Request {
            configuration: Configuration { source: self.source()?, overrides: self.overrides() },
            dry_run: self.dry_run,
            dry_run_dir: self.dry_run_dir.clone(),
            kubeconfig: self.kubeconfig.clone(),
            print_manifest: self.print_manifest == Some(true),
            strict: self.strict == Some(true),
            options: Options {
                upload_certs: self.upload_certs == Some(true),
                skip_token_print: self.skip_token_print == Some(true),
                skip_certificate_key_print: self.skip_certificate_key_print == Some(true),
            },
        })
    }

    /// The configuration: a file, or made of flags; kubeadm allows few flags beside a file.
    fn source(&self) -> Result<Source, ConfigError> {
        let Some(file) = &self.config else { return Ok(Source::Flags(Box::new(self.configuration()?))) };
        let mixed = self.set().into_iter().filter(|(_, _, beside)| !beside).map(|(flag, ..)| flag);
        check_mixed(file, &mixed.collect::<Vec<_>>())?;
        Ok(Source::File(file.clone()))
    }

    /// What goes beyond the configuration, or wins over it.
    pub(super) fn overrides(&self) -> Overrides {
        Overrides {
            node_name: self.node_name.clone().filter(|name| !name.is_empty()),
            patches: self.patches.clone().filter(|dir| !dir.is_empty()),
            ignore_preflight_errors: flat(&self.ignore_preflight_errors),
            // `--skip-phases=` is nothing said.
            skip_phases: Some(flat(&self.skip_phases)).filter(|phases| !phases.is_empty()),
            kubeconfig_dir: self.kubeconfig_dir.clone(),
            dry_run: self.dry_run == Some(true),
            any_runtime: false,
            strict: self.strict == Some(true),
            profile: self.profile,
        }
    }

    /// The flags that were given: name, the field that each sets, whether kubeadm lets it stand beside --config.
    fn set(&self) -> Vec<(&'static str, &'static str, bool)> {
        let some = |given: bool, flag, field, beside| given.then_some((flag, field, beside));
        [
            some(
                self.apiserver_advertise_address.is_some(),
                "apiserver-advertise-address",
                "localAPIEndpoint.advertiseAddress",
                false,
            ),
            some(
                self.apiserver_bind_port.is_some(),
                "apiserver-bind-port",
                "localAPIEndpoint.bindPort",
                false,
            ),
            some(
                !self.apiserver_cert_extra_sans.is_empty(),
                "apiserver-cert-extra-sans",
                "apiServer.certSANs",
                false,
            ),
            some(self.cert_dir.is_some(), "cert-dir", "certificatesDir", false),
            some(self.certificate_key.is_some(), "certificate-key", "certificateKey", false),
            some(
                self.control_plane_endpoint.is_some(),
                "control-plane-endpoint",
                "controlPlaneEndpoint",
                false,
            ),
            some(self.cri_socket.is_some(), "cri-socket", "nodeRegistration.criSocket", false),
            some(!self.feature_gates.is_empty(), "feature-gates", "featureGates", false),
            some(self.image_repository.is_some(), "image-repository", "imageRepository", false),
            some(self.kubernetes_version.is_some(), "kubernetes-version", "kubernetesVersion", false),
            some(self.node_name.is_some(), "node-name", "nodeRegistration.name", true),
            some(self.patches.is_some(), "patches", "patches.directory", false),
            some(self.pod_network_cidr.is_some(), "pod-network-cidr", "networking.podSubnet", false),
            some(self.service_cidr.is_some(), "service-cidr", "networking.serviceSubnet", false),
            some(self.service_dns_domain.is_some(), "service-dns-domain", "networking.dnsDomain", false),
            some(self.token.is_some(), "token", "bootstrapTokens.0.token", false),
            some(self.token_ttl.is_some(), "token-ttl", "bootstrapTokens.0.ttl", false),
            some(!self.apiserver_extra_args.is_empty(), "apiserver-extra-args", "apiServer.extraArgs", false),
            some(
                !self.controller_manager_extra_args.is_empty(),
                "controller-manager-extra-args",
                "controllerManager.extraArgs",
                false,
            ),
            some(!self.scheduler_extra_args.is_empty(), "scheduler-extra-args", "scheduler.extraArgs", false),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The configuration that the flags stand for.
    fn configuration(&self) -> Result<Loaded, ConfigError> {
        let mut loaded = Loaded::default();
        loaded.locator.flags = self.set().into_iter().map(|(flag, field, _)| (field, flag)).collect();
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let init = &mut loaded.init;
        init.local_api_endpoint.advertise_address = text(&self.apiserver_advertise_address);
        init.local_api_endpoint.bind_port = self.apiserver_bind_port.unwrap_or(0);
        init.certificate_key = text(&self.certificate_key);
        init.node_registration.cri_socket = text(&self.cri_socket);
        init.bootstrap_tokens = vec![BootstrapToken {
            token: text(&self.token),
            ttl: self.token_ttl,
            // kubeadm's own words: people look for them.
            description: crate::cluster::bootstrap_token::DEFAULT_TOKEN_DESCRIPTION.into(),
            ..BootstrapToken::default()
        }];
        let cluster = &mut loaded.cluster;
        cluster.api_server.cert_sans = flat(&self.apiserver_cert_extra_sans);
        cluster.certificates_dir = text(&self.cert_dir);
        cluster.control_plane_endpoint = text(&self.control_plane_endpoint);
        cluster.image_repository = text(&self.image_repository);
        cluster.kubernetes_version = text(&self.kubernetes_version);
        cluster.networking.pod_subnet = text(&self.pod_network_cidr);
        cluster.networking.service_subnet = text(&self.service_cidr);
        cluster.networking.dns_domain = text(&self.service_dns_domain);
        let mut problems = vec![];
        match feature_gates(&self.feature_gates) {
            Ok(gates) => cluster.feature_gates = gates,
            Err(error) => problems.extend(error.problems),
        }
        for (flag, given, args) in [
            ("apiserver-extra-args", &self.apiserver_extra_args, &mut cluster.api_server.extra_args),
            (
                "controller-manager-extra-args",
                &self.controller_manager_extra_args,
                &mut cluster.controller_manager.extra_args,
            ),
            ("scheduler-extra-args", &self.scheduler_extra_args, &mut cluster.scheduler.extra_args),
        ] {
            for pair in flat(given) {
                match pair.split_once('=') {
                    Some((name, value)) if !name.is_empty() && !value.contains('=') => {
                        args.push(Arg { name: name.into(), value: value.into() });
                    }
                    _ => problems.push(Problem::new(
                        "flag",
                        format!("--{flag}"),
                        format!("{pair:?}: write name=value, with one `=`"),
                    )),
                }
            }
        }
        if problems.is_empty() { Ok(loaded) } else { Err(ConfigError { problems }) }
    }
}
