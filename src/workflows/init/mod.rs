//! The workflow of `init`: kubeadm's phases, in kubeadm's order.

mod show_join_command;

use crate::cluster::CertificateKey;
use crate::output::closing::Closing;
use crate::phases::bootstrap_token::{self, Tokens};
use crate::phases::{
    addon, certs, kubeconfig, kubelet_finalize, kubelet_start, mark_control_plane, preflight, static_pods,
    upload_certs, upload_config, wait_control_plane,
};
use crate::workflow::{Outcome, Phase, PhaseResult, Run, Workflow};

/// What callers look for before the key, in the words of kubeadm.
pub(crate) const CERTIFICATE_KEY: &str = "Using certificate key:";

/// What init's own phases work on, besides the [`Run`].
pub(crate) struct Init {
    /// What the shared phases work on.
    pub(crate) run: Run,
    /// The bootstrap tokens to create.
    pub(crate) tokens: Tokens,
    /// The key of the uploaded certificates, once there is one; a secret.
    pub(crate) certificate_key: Option<String>,
    /// What of the command line init's own phases need.
    pub(crate) options: Options,
    /// What to say when all is done.
    pub(crate) closing: Option<Closing>,
}

/// What of the command line init's own phases need.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Upload the shared certificates, encrypted.
    pub(crate) upload_certs: bool,
    /// Do not print tokens.
    pub(crate) skip_token_print: bool,
    /// Do not print the key of the uploaded certificates.
    pub(crate) skip_certificate_key_print: bool,
}

impl AsMut<Run> for Init {
    fn as_mut(&mut self) -> &mut Run {
        &mut self.run
    }
}

impl Init {
    /// The state at the beginning. An empty certificate key stands for none.
    pub(crate) fn new(run: Run, tokens: Tokens, certificate_key: &str, options: Options) -> Self {
        let certificate_key = Some(certificate_key.to_owned()).filter(|key| !key.is_empty());
        Self { run, tokens, certificate_key, options, closing: None }
    }
}

/// The table. `init`, `init phase …`, `phase …`, `--skip-phases`, the help and the events all come from it.
pub(crate) fn workflow() -> Workflow<Init> {
    let phases = vec![
        Phase::shared("preflight", "Run pre-flight checks", preflight::check_and_pull).alias(&["pre-flight"]),
        Phase::group("certs", "Generate the certificates and keys that are missing", certs::phases()),
        Phase::group("kubeconfig", "Write the kubeconfig files that are missing", kubeconfig::phases()),
        Phase::group(
            "etcd",
            "Write the static Pod manifest for local etcd",
            vec![Phase::shared("local", "Write the static Pod manifest for a local etcd", static_pods::etcd)],
        ),
        Phase::group(
            "control-plane",
            "Write the static Pod manifests for the control plane",
            static_pods::phases(),
        ),
        Phase::shared(
            "kubelet-start",
            "Write kubelet's configuration and start kubelet",
            kubelet_start::write_and_start,
        ),
        Phase::shared(
            "wait-control-plane",
            "Wait for the control plane to become healthy",
            wait_control_plane::wait,
        ),
        Phase::group(
            "upload-config",
            "Store the kubeadm and kubelet configuration in ConfigMaps",
            upload_config::phases(),
        )
        .alias(&["uploadconfig"]),
        Phase::new(
            "upload-certs",
            "Upload the shared certificates, encrypted (with --upload-certs)",
            upload_shared_certs,
        ),
        Phase::shared(
            "mark-control-plane",
            "Mark this node as a control-plane node",
            mark_control_plane::mark,
        ),
        Phase::new("bootstrap-token", "Create the bootstrap tokens that nodes join with", store_tokens)
            .alias(&["bootstraptoken"]),
        Phase::group(
            "kubelet-finalize",
            "Update kubelet's settings after its TLS bootstrap",
            kubelet_finalize::phases(),
        ),
        Phase::group(
            "addon",
            "Install the addons",
            vec![
                Phase::shared("coredns", "Install CoreDNS", addon::coredns),
                Phase::shared("kube-proxy", "Install kube-proxy", addon::kube_proxy),
            ],
        ),
        Phase::new(
            "show-join-command",
            "Show how to use the cluster and how nodes join it",
            show_join_command::run,
        )
        .needing(&["bootstrap-token", "upload-certs"]),
    ];
    Workflow { name: "init", phases, moved: MOVED }
}

/// What runs earlier than kubeadm runs it. kubelet takes a second to come up: it starts as soon as it has its kubeconfig
/// and the CA, and the other keys are generated meanwhile. The control plane waits for etcd and kube-apiserver, which
/// need no kubeconfig: their manifests come before the kubeconfigs. kubelet restarts with its new kubeconfig while the
/// cluster's objects are written.
const MOVED: &[(&str, &str)] = &[
    ("kubeconfig/kubelet", "certs/ca"),
    ("kubelet-start", "kubeconfig/kubelet"),
    ("etcd/local", "certs/sa"),
    ("control-plane/apiserver", "etcd/local"),
    ("kubelet-finalize/enable-client-cert-rotation", "mark-control-plane"),
];

fn upload_shared_certs(init: &mut Init) -> PhaseResult {
    if !init.options.upload_certs {
        return Ok(Outcome::Skipped("Skipping phase. Please see --upload-certs".into()));
    }
    let key: CertificateKey = match &init.certificate_key {
        Some(hex) => hex.parse()?,
        None => CertificateKey::generate()?,
    };
    upload_certs::upload(&mut init.run, &key)?;
    if !init.options.skip_certificate_key_print {
        init.run.done_as_kubeadm(&format!("{CERTIFICATE_KEY}\n{}", key.expose().as_str()));
    }
    init.certificate_key = Some(key.expose().to_string());
    Ok(Outcome::Done)
}

fn store_tokens(init: &mut Init) -> PhaseResult {
    let outcome = bootstrap_token::store(&mut init.run, &mut init.tokens)?;
    if !init.options.skip_token_print {
        let tokens: Vec<String> = init.tokens.tokens.iter().map(|token| token.token.to_string()).collect();
        let line = match tokens.as_slice() {
            [token] => format!("Using token: {token}"),
            tokens => format!("Using tokens: [{}]", tokens.join(" ")),
        };
        init.run.done_as_kubeadm(&line);
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_kubeadm() {
        let all = workflow().ids().join(" ");
        assert_eq!(
            all,
            "preflight certs certs/ca certs/apiserver certs/apiserver-kubelet-client certs/front-proxy-ca certs/front-proxy-client \
             certs/etcd-ca certs/etcd-server certs/etcd-peer certs/etcd-healthcheck-client certs/apiserver-etcd-client certs/sa \
             kubeconfig kubeconfig/admin kubeconfig/super-admin kubeconfig/kubelet kubeconfig/controller-manager kubeconfig/scheduler \
             etcd etcd/local control-plane control-plane/apiserver control-plane/controller-manager control-plane/scheduler \
             kubelet-start wait-control-plane upload-config upload-config/kubeadm upload-config/kubelet upload-certs \
             mark-control-plane bootstrap-token kubelet-finalize kubelet-finalize/enable-client-cert-rotation \
             addon addon/coredns addon/kube-proxy show-join-command"
        );
    }

    #[test]
    fn kubelet_starts_early_and_each_manifest_is_written_after_the_files_it_names() {
        let order = workflow().leaves();
        let place = |id: &str| order.iter().position(|o| o == id).unwrap();
        assert_eq!(order[..4], ["preflight", "certs/ca", "kubeconfig/kubelet", "kubelet-start"]);
        let last_certificate = place("certs/sa");
        for (pod, needed) in [
            ("etcd/local", last_certificate),
            ("control-plane/apiserver", last_certificate),
            ("control-plane/controller-manager", place("kubeconfig/controller-manager")),
            ("control-plane/scheduler", place("kubeconfig/scheduler")),
        ] {
            assert!(needed < place(pod) && place(pod) < place("wait-control-plane"), "{pod}: {order:?}");
        }
    }
}
