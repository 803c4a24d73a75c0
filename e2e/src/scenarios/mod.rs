//! The scenarios: each starts on a fresh node.

mod callers;
mod care;
mod care_faults;
mod certificates;
mod changed;
mod conformance;
mod conformance_left_out;
mod day_two;
mod dual_stack;
mod external_etcd;
mod images;
mod init;
pub(crate) mod join;
mod join_faults;
mod join_variants;
mod kill;
mod kubeadm;
mod kubeadm_suite;
mod no_unit;
mod openrc;
mod patches;
mod phases;
mod profile;
mod recover;
mod renew;
mod rerun;
mod reset;
mod restore;
mod restore_large;
mod rotate_ca;
mod static_pods;
pub(crate) mod upgrade;
mod upgrade_faults;
mod upgrade_three;
mod upgrade_through;
mod upload_certs;
mod values;

use super::node::Node;

/// A scenario.
pub(crate) struct Scenario {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it asserts.
    pub(crate) asserts: &'static str,
    /// A program that it needs besides: of the folder, or of the host.
    pub(crate) needs: Option<&'static str>,
    /// Does so.
    pub run: fn(&Node) -> anyhow::Result<()>,
}

const fn row(name: &'static str, asserts: &'static str, run: fn(&Node) -> anyhow::Result<()>) -> Scenario {
    Scenario { name, asserts, needs: None, run }
}

const fn with_kubeadm(
    name: &'static str,
    asserts: &'static str,
    run: fn(&Node) -> anyhow::Result<()>,
) -> Scenario {
    Scenario { name, asserts, needs: Some("kubeadm"), run }
}

/// All of them, in the order in which they are run.
pub(crate) const SCENARIOS: &[Scenario] = &[
    row("init", "one command makes a healthy cluster; a mirror Pod that is deleted comes back", init::run),
    row(
        "static-pods",
        "a component that is killed comes back; a Pod's file starts and stops it",
        static_pods::run,
    ),
    row(
        "phases",
        "the phases, one by one, each in a process of its own, make the cluster that init makes",
        phases::run,
    ),
    row("rerun", "init on a healthy cluster changes no file and restarts nothing", rerun::run),
    row("kill", "init killed at any moment and run again leaves what a clean init leaves", kill::at_moments),
    row(
        "kill-writes",
        "init killed at every file that it writes, and run again, does so too",
        kill::at_writes,
    ),
    row("reset", "reset leaves a fresh node; init and reset work three times over", reset::run),
    row(
        "certs-renew",
        "certs renew all --restart: no request fails meanwhile, and the new certificates are in use",
        renew::restart,
    ),
    row(
        "certs-renew-kill",
        "certs renew killed at every write leaves files old or new, and whole; killed with kubelet stopped, the next starts it",
        renew::kill,
    ),
    with_kubeadm(
        "rotate-ca",
        "certs rotate-ca breaks nobody who knows the old CA alone, a worker too, until finish drops it",
        rotate_ca::run,
    ),
    Scenario {
        needs: Some("haproxy"),
        ..row(
            "rotate-ca-three",
            "certs rotate-ca on three control planes in turn and a worker: each waits for the others, and no request fails",
            rotate_ca::three,
        )
    },
    row("rotate-ca-kill", "certs rotate-ca killed at any moment is resumed by the next", rotate_ca::kill),
    row(
        "rotate-ca-rollback",
        "certs rotate-ca rollback gives the old CAs back, and breaks nobody",
        rotate_ca::rollback,
    ),
    with_kubeadm(
        "rotate-ca-kubeadm",
        "the CAs of kubeadm's cluster are replaced, its worker's by a request",
        rotate_ca::of_kubeadm,
    ),
    row(
        "care",
        "care renews what is due under load; killed, on a full disk, with a component that stays away, on another node's turn",
        care::run,
    ),
    row(
        "care-faults",
        "what goes wrong with backup, restore, snapshots, care and rotation is told, with what to do",
        care_faults::run,
    ),
    Scenario {
        needs: Some("haproxy"),
        ..row(
            "care-three",
            "care at once on three control planes: one after the other, one of them killed, and no request fails",
            care::three,
        )
    },
    Scenario {
        needs: Some("haproxy"),
        ..row(
            "restore",
            "a destroyed control plane comes back from its backup on another machine, with the same objects and its worker",
            restore::run,
        )
    },
    Scenario {
        needs: Some("etcdctl"),
        ..row(
            "restore-large",
            "a database of 2 GB is backed up and restored in at most 64 MiB of memory, and nothing is lost (needs 12 GB of disk)",
            restore_large::run,
        )
    },
    Scenario {
        needs: Some("haproxy"),
        ..row(
            "recover",
            "two of three control planes are destroyed: etcd recover on the third loses nothing that was acknowledged",
            recover::run,
        )
    },
    Scenario {
        name: "profile-cis",
        asserts: "init with the CIS profile: healthy, Secrets encrypted in etcd, requests in the audit log; init again changes nothing",
        needs: Some("etcdctl"),
        run: profile::cis,
    },
    row("no-unit", "where no package brought a unit for kubelet, init installs one", no_unit::run),
    row(
        "no-drop-in",
        "where kubelet's unit knows of no configuration, init installs the drop-in",
        no_unit::no_drop_in,
    ),
    row("ecdsa", "ECDSA-P256 for all keys", certificates::ecdsa),
    row("cert-dir", "certificates in a folder of the user's", certificates::cert_dir),
    row("external-etcd", "an etcd outside of the cluster, with TLS", external_etcd::run),
    row("patches", "the user's patches reach kube-apiserver and kubelet", patches::run),
    row("skip-addons", "--skip-phases addon leaves CoreDNS and kube-proxy out", init::skip_addons),
    row(
        "upload-certs",
        "--upload-certs stores the shared certificates and prints the key",
        upload_certs::run,
    ),
    row(
        "images",
        "images exported from one runtime have the same digests in another; what is damaged is refused",
        images::run,
    ),
    Scenario {
        needs: Some("openrc"),
        ..row(
            "openrc",
            "init under OpenRC: kubelet gets a service, is restarted, told of in OpenRC's words, and reset takes it out",
            openrc::run,
        )
    },
    row("dual-stack", "IPv4 and IPv6 for Pods, Services and the node", dual_stack::run),
    with_kubeadm("kubeadm", "kubeadm's own commands work on the cluster", kubeadm::commands),
    with_kubeadm(
        "kubeadm-day-two",
        "whoever made the PKI, expiry, renewal, requests and kubeconfigs are kubeadm's, by openssl",
        day_two::run,
    ),
    row("join", "a worker joins with init's command; the same join again changes nothing", join::worker),
    Scenario {
        needs: Some("haproxy"),
        ..row(
            "join-three",
            "three control planes, two joined at once: the API answers while any one is lost; a fresh machine takes its place",
            join::three,
        )
    },
    row(
        "join-kill",
        "a control-plane join killed at any moment and run again leaves as many etcd members as nodes; so does reset",
        join::killed,
    ),
    row(
        "join-at-once",
        "two control planes join at the same time, again and again: both become voting members each time",
        join::at_once_again_and_again,
    ),
    row(
        "join-faults",
        "a join that is asked for wrongly or can't discover its cluster says why within 20 seconds, and what to do",
        join_faults::discovery,
    ),
    row("join-faults-cluster", "so does one to a cluster that lacks something", join_faults::cluster),
    row("join-faults-machine", "so does one of a machine that can't become a node", join_faults::machine),
    row(
        "join-faults-etcd",
        "so does one to an etcd with a lost member, a stale one, a learner, or no quorum",
        join_faults::members,
    ),
    row(
        "join-external-etcd",
        "a control plane joins a cluster whose etcd is outside of it",
        join_variants::external_etcd,
    ),
    row("join-dual-stack", "a control plane joins with IPv4 and IPv6", join_variants::dual_stack),
    row(
        "join-custom",
        "a control plane joins by a v1beta3 file with patches, with ECDSA keys in a folder of the user's",
        join_variants::custom,
    ),
    with_kubeadm(
        "kubeadm-grown",
        "kubeadm's commands work on a control plane that kubestrap joined; its reset removes it",
        join_variants::kubeadm_at_home,
    ),
    with_kubeadm("join-kubeadm", "a worker and a control plane join kubeadm's cluster", join::to_kubeadm),
    with_kubeadm("kubeadm-join", "kubeadm joins a worker", join::kubeadm_worker),
    with_kubeadm(
        "kubeadm-join-control-plane",
        "kubeadm joins a control-plane node",
        join::kubeadm_control_plane,
    ),
    row(
        "changed",
        "diff tells what another configuration changes; init does that, restarts what it touches, and refuses the rest",
        changed::run,
    ),
    row(
        "upgrade",
        "upgrade apply goes from a minor to the next, changes nothing when run again, and puts back what does not start",
        upgrade::run,
    ),
    row("values-etcd", "what kubestrap says of values of flags is what etcd makes of them", |node| {
        values::run(node, "etcd")
    }),
    row(
        "values-kube-apiserver",
        "what kubestrap says of values of flags is what kube-apiserver makes of them",
        |node| values::run(node, "kube-apiserver"),
    ),
    row(
        "values-kube-controller-manager",
        "what kubestrap says of values of flags is what kube-controller-manager makes of them",
        |node| values::run(node, "kube-controller-manager"),
    ),
    row(
        "values-kube-scheduler",
        "what kubestrap says of values of flags is what kube-scheduler makes of them",
        |node| values::run(node, "kube-scheduler"),
    ),
    row("values-kubelet", "what kubestrap says of configurations is what kubelet makes of them", |node| {
        values::run(node, "kubelet")
    }),
    row(
        "values-kube-proxy",
        "what kubestrap says of configurations is what kube-proxy makes of them",
        |node| values::run(node, "kube-proxy"),
    ),
    Scenario {
        needs: Some("haproxy"),
        ..row(
            "upgrade-three",
            "three control planes and a worker go to the next minor; no request through the balancer fails",
            upgrade_three::run,
        )
    },
    row(
        "upgrade-through",
        "upgrade apply --through-minors goes through all minors of --older-bin-dir, the kubelet being replaced at the end",
        upgrade_through::run,
    ),
    row(
        "upgrade-faults",
        "an upgrade that can't be done is refused in words, soon, by the right exit code, and changes nothing",
        upgrade_faults::refused,
    ),
    row(
        "upgrade-faults-undone",
        "one whose new components do not start is undone, with the cause, and the node is as before",
        upgrade_faults::undone,
    ),
    row("upgrade-kill", "upgrade apply killed at any moment is finished by the next", upgrade::kill),
    with_kubeadm(
        "callers",
        "the command lines of tools that drive kubeadm: both end, say and leave the same",
        callers::run,
    ),
    with_kubeadm(
        "callers-join",
        "the same for the command lines that join machines and upgrade a cluster",
        callers::join,
    ),
    Scenario {
        needs: Some(kubeadm_suite::PROGRAM),
        ..row(
            "kubeadm-suite",
            "kubeadm's own end-to-end tests pass on a cluster of two control planes and a worker",
            kubeadm_suite::all,
        )
    },
    Scenario {
        needs: Some(conformance::PROGRAM),
        ..row(
            "conformance",
            "Kubernetes' conformance tests that need no other images than agnhost and busybox pass on a cluster of two nodes",
            conformance::all,
        )
    },
    with_kubeadm("kubeadm-diff", "diff and init find nothing to do on what kubeadm made", changed::kubeadm),
    with_kubeadm("kubeadm-reset", "reset cleans what kubeadm's init made", kubeadm::reset),
];

/// The scenario `name`.
pub(crate) fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|s| s.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different() {
        let names: std::collections::BTreeSet<_> = SCENARIOS.iter().map(|s| s.name).collect();
        assert_eq!(names.len(), SCENARIOS.len());
    }
}
