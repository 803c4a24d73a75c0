//! The flags that each phase of kubeadm takes: under its name, a phase refuses those of its command that are not for it,
//! as they would have no effect.

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

/// A command, phases of it that take the same flags, and those flags: kubeadm 1.36.2's.
const TAKEN: &[(&str, &[&str], &str)] = &[
    (
        "init",
        &["addon all"],
        "apiserver-advertise-address apiserver-bind-port config control-plane-endpoint dry-run feature-gates image-repository kubeconfig kubernetes-version pod-network-cidr service-cidr service-dns-domain",
    ),
    (
        "init",
        &["addon coredns"],
        "config dry-run feature-gates image-repository kubeconfig kubernetes-version print-manifest service-cidr service-dns-domain",
    ),
    (
        "init",
        &["addon kube-proxy"],
        "apiserver-advertise-address apiserver-bind-port config control-plane-endpoint dry-run image-repository kubeconfig kubernetes-version pod-network-cidr print-manifest",
    ),
    ("init", &["bootstrap-token"], "config dry-run kubeconfig skip-token-print"),
    (
        "init",
        &["certs all", "certs apiserver"],
        "apiserver-advertise-address apiserver-cert-extra-sans cert-dir config control-plane-endpoint dry-run kubernetes-version service-cidr service-dns-domain",
    ),
    (
        "init",
        &[
            "certs apiserver-etcd-client",
            "certs apiserver-kubelet-client",
            "certs ca",
            "certs etcd-ca",
            "certs etcd-healthcheck-client",
            "certs etcd-peer",
            "certs etcd-server",
            "certs front-proxy-ca",
            "certs front-proxy-client",
            "certs sa",
        ],
        "cert-dir config dry-run kubernetes-version",
    ),
    (
        "init",
        &["control-plane all"],
        "apiserver-advertise-address apiserver-bind-port cert-dir config control-plane-endpoint dry-run feature-gates image-repository kubernetes-version patches pod-network-cidr service-cidr",
    ),
    (
        "init",
        &["control-plane apiserver"],
        "apiserver-advertise-address apiserver-bind-port cert-dir config control-plane-endpoint dry-run feature-gates image-repository kubernetes-version patches service-cidr",
    ),
    (
        "init",
        &["control-plane controller-manager"],
        "cert-dir config dry-run image-repository kubernetes-version patches pod-network-cidr",
    ),
    (
        "init",
        &["control-plane scheduler"],
        "cert-dir config dry-run image-repository kubernetes-version patches",
    ),
    ("init", &["etcd local"], "cert-dir config dry-run image-repository patches"),
    (
        "init",
        &[
            "kubeconfig admin",
            "kubeconfig controller-manager",
            "kubeconfig scheduler",
            "kubeconfig super-admin",
        ],
        "apiserver-advertise-address apiserver-bind-port cert-dir config control-plane-endpoint dry-run kubeconfig-dir kubernetes-version",
    ),
    (
        "init",
        &["kubeconfig all", "kubeconfig kubelet"],
        "apiserver-advertise-address apiserver-bind-port cert-dir config control-plane-endpoint dry-run kubeconfig-dir kubernetes-version node-name",
    ),
    (
        "init",
        &["kubelet-finalize all", "kubelet-finalize enable-client-cert-rotation"],
        "cert-dir config dry-run",
    ),
    ("init", &["kubelet-start"], "config cri-socket dry-run image-repository node-name patches"),
    ("init", &["mark-control-plane"], "config dry-run node-name"),
    ("init", &["preflight"], "config cri-socket dry-run ignore-preflight-errors image-repository"),
    ("init", &["show-join-command", "wait-control-plane"], ""),
    (
        "init",
        &["upload-certs"],
        "certificate-key config dry-run kubeconfig skip-certificate-key-print upload-certs",
    ),
    (
        "init",
        &["upload-config all", "upload-config kubeadm", "upload-config kubelet"],
        "config cri-socket dry-run kubeconfig",
    ),
    (
        "join",
        &["control-plane-join all", "etcd-join"],
        "apiserver-advertise-address config control-plane dry-run node-name patches",
    ),
    ("join", &["control-plane-join mark-control-plane"], "config control-plane dry-run node-name"),
    (
        "join",
        &["control-plane-prepare all"],
        "apiserver-advertise-address apiserver-bind-port certificate-key config control-plane discovery-file discovery-token discovery-token-ca-cert-hash discovery-token-unsafe-skip-ca-verification dry-run node-name patches tls-bootstrap-token token",
    ),
    (
        "join",
        &["control-plane-prepare certs"],
        "apiserver-advertise-address config control-plane discovery-file discovery-token discovery-token-ca-cert-hash discovery-token-unsafe-skip-ca-verification dry-run node-name tls-bootstrap-token token",
    ),
    (
        "join",
        &["control-plane-prepare control-plane"],
        "apiserver-advertise-address apiserver-bind-port config control-plane dry-run patches",
    ),
    (
        "join",
        &["control-plane-prepare download-certs", "control-plane-prepare kubeconfig"],
        "certificate-key config control-plane discovery-file discovery-token discovery-token-ca-cert-hash discovery-token-unsafe-skip-ca-verification dry-run tls-bootstrap-token token",
    ),
    (
        "join",
        &["kubelet-start"],
        "config cri-socket discovery-file discovery-token discovery-token-ca-cert-hash discovery-token-unsafe-skip-ca-verification dry-run node-name patches tls-bootstrap-token token",
    ),
    ("join", &["kubelet-wait-bootstrap"], "config cri-socket dry-run"),
    (
        "join",
        &["preflight"],
        "apiserver-advertise-address apiserver-bind-port certificate-key config control-plane cri-socket discovery-file discovery-token discovery-token-ca-cert-hash discovery-token-unsafe-skip-ca-verification dry-run ignore-preflight-errors node-name tls-bootstrap-token token",
    ),
    ("join", &["wait-control-plane"], ""),
    ("reset", &["cleanup-node"], "cert-dir cleanup-tmp-dir cri-socket dry-run"),
    ("reset", &["preflight"], "dry-run force ignore-preflight-errors"),
    ("reset", &["remove-etcd-member"], "dry-run kubeconfig"),
    ("upgrade apply", &["addon all", "addon coredns", "kubelet-config"], "config dry-run kubeconfig patches"),
    (
        "upgrade apply",
        &[
            "addon kube-proxy",
            "bootstrap-token",
            "post-upgrade",
            "upload-config all",
            "upload-config kubeadm",
            "upload-config kubelet",
        ],
        "config dry-run kubeconfig",
    ),
    (
        "upgrade apply",
        &["control-plane"],
        "certificate-renewal config dry-run etcd-upgrade kubeconfig patches",
    ),
    (
        "upgrade apply",
        &["preflight"],
        "allow-experimental-upgrades allow-release-candidate-upgrades config dry-run force ignore-preflight-errors kubeconfig yes",
    ),
    ("upgrade node", &["addon all", "addon coredns", "kubelet-config"], "config dry-run kubeconfig patches"),
    ("upgrade node", &["addon kube-proxy", "post-upgrade"], "config dry-run kubeconfig"),
    (
        "upgrade node",
        &["control-plane"],
        "certificate-renewal config dry-run etcd-upgrade kubeconfig patches",
    ),
    ("upgrade node", &["preflight"], "config ignore-preflight-errors"),
];

/// The first flag on the command line that kubeadm has for other phases of `command`, but not for `phase`.
pub(super) fn first_untaken(
    command: &str,
    phase: &str,
    flags: &Command,
    given: &ArgMatches,
) -> Option<String> {
    let of_command = TAKEN.iter().filter(|(name, ..)| *name == command);
    let (_, _, taken) = of_command.clone().find(|(_, phases, _)| phases.contains(&phase))?;
    let has = |flags: &str, name: &str| flags.split(' ').any(|flag| flag == name);
    let mut untaken = flags.get_arguments().filter(|arg| {
        given.try_contains_id(arg.get_id().as_str()).is_ok()
            && given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
    });
    untaken.find_map(|arg| {
        let name = arg.get_long()?;
        let is_kubeadm_s =
            OF_COMMANDS.contains(&name) || of_command.clone().any(|(_, _, flags)| has(flags, name));
        (is_kubeadm_s && !has(taken, name)).then(|| format!("--{name}"))
    })
}

/// Flags that kubeadm has for whole commands, and for no phase.
const OF_COMMANDS: &[&str] = &["token", "token-ttl", "skip-phases", "print-config"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::Workflow;
    use crate::workflows;

    #[test]
    fn every_phase_has_its_flags() {
        fn leaves<S>(command: &str, workflow: &Workflow<S>) {
            for phase in workflow.phases.iter().filter(|phase| !phase.hidden) {
                let shown = phase.children().iter().filter(|c| !c.hidden);
                let mut names: Vec<String> = shown.map(|c| format!("{} {}", phase.name, c.name)).collect();
                if names.is_empty() {
                    names.push(phase.name.to_owned());
                }
                for name in names {
                    let row =
                        TAKEN.iter().find(|(c, phases, _)| *c == command && phases.contains(&name.as_str()));
                    assert!(row.is_some(), "{command} phase {name}");
                }
            }
        }
        leaves("init", &workflows::init::workflow());
        leaves("join", &workflows::join::workflow());
        leaves("reset", &workflows::reset::workflow());
        leaves("upgrade apply", &workflows::upgrade::apply());
        leaves("upgrade node", &workflows::upgrade::node());
    }
}
