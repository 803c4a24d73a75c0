//! What differs on purpose, each with its reason.

use std::collections::BTreeSet;

use super::lines::Line;

/// A difference that is meant.
struct Row {
    /// A part of the tool's name and the command line.
    line: &'static str,
    /// A part of what the comparison says.
    difference: &'static str,
    /// Why it harms nobody, or is better.
    reason: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        line: "alpha ",
        difference: "exit code: kubeadm 0",
        reason: "kubeadm's `alpha` has no command any more, and ends with success whatever is asked of it: who asks for a \
                 renewal gets none. Here that is an error",
    },
    Row {
        line: "config migrate",
        difference: "output: kubeadm \"  name: NAME\", kubestrap \"  taints:\"",
        reason: "a migrated configuration may be another machine's: nothing of this one is written into it",
    },
    Row {
        line: "--dry-run",
        difference: "/etc/kubernetes: kubeadm made d700, kubestrap left",
        reason: "a dry run changes nothing",
    },
    Row {
        line: "init phase certs ca",
        difference: "/etc/kubernetes: kubeadm left, kubestrap made d755",
        reason: "kubeadm's dry run made the folder before",
    },
    Row {
        line: "init phase kubelet-start",
        difference: "/etc/kubernetes/manifests: kubeadm left, kubestrap made d700",
        reason: "kubelet logs an error again and again while its folder of static Pods is missing",
    },
    Row {
        line: "",
        difference: "kubeadm made f644, kubestrap made f600",
        reason: "kubelet's configuration is root's alone to read, as the CIS benchmark wants it (4.1.9)",
    },
    Row {
        line: "minikube init phase control-plane all",
        difference: "/etc/kubernetes/manifests: kubeadm made d700, kubestrap left",
        reason: "made by kubelet-start before",
    },
    Row {
        line: "reset --v=6 --config {documents}",
        difference: "streams: kubeadm logs [\"reset\"] on stdout, kubestrap on stderr",
        reason: "how many warnings there were is a line that kubeadm does not have",
    },
    Row {
        line: "init --config {config}",
        difference: "exit code: kubeadm 1",
        reason: "init can be run again: what is right is kept",
    },
    Row {
        line: "init --config {config}",
        difference: "output: kubeadm \"yes\", kubestrap \"no\"",
        reason: "init can be run again: what an earlier one left is not an error",
    },
    Row {
        line: "join --config {join}",
        difference: "exit code: kubeadm 1",
        reason: "join can be run again: what is right is kept",
    },
    Row {
        line: "join --config {join}",
        difference: "output: kubeadm \"yes\", kubestrap \"no\"",
        reason: "join can be run again: what an earlier one left is not an error",
    },
    Row {
        line: "join --config {join}",
        difference: "/etc/kubernetes: kubeadm left, kubestrap made d755",
        reason: "kubeadm's dry run made the folder before",
    },
    Row {
        line: "join --config {join}",
        difference: "/etc/kubernetes/manifests: kubeadm left, kubestrap made d700",
        reason: "kubelet logs an error again and again while its folder of static Pods is missing",
    },
    Row {
        line: "join --config={control-plane}",
        difference: "/etc/kubernetes/manifests: kubeadm made d700, kubestrap left",
        reason: "made by the worker's join before",
    },
    Row {
        line: "upgrade node",
        difference: "exit code: kubeadm 1 (To see the stack trace",
        reason: "cgroup v1 is no error where kubelet's configuration says that it works with it (`failCgroupV1: false`)",
    },
    Row {
        line: "upgrade plan --ignore-preflight-errors=CreateJob",
        difference: "exit code: kubeadm 0",
        reason: "without the internet kubeadm knows no version but its own; 1.37 is known here, for which this etcd is too old",
    },
    Row {
        line: "upgrade plan --ignore-preflight-errors=CreateJob",
        difference: "kubeadm upgrade apply v1.3",
        reason: "so is the command that upgrades to it",
    },
    Row {
        line: "upgrade ",
        difference: "admin.conf: kubeadm changed f600, kubestrap left",
        reason: "an upgrade to the version that is there changes nothing: certificates are renewed with what is upgraded",
    },
    Row {
        line: "upgrade plan {version} --ignore-preflight-errors=all -o json",
        difference: "output: kubeadm \"(end)\", kubestrap \"{\"",
        reason: "kubeadm prints nothing where there is nothing to upgrade, which is no JSON; here an object says so",
    },
    Row {
        line: "config images pull",
        difference: "streams: kubeadm prints nothing, kubestrap logs [\"config/images\"] on stdout",
        reason: "which image is being pulled is told before it is there",
    },
    Row {
        line: "certs generate-csr",
        difference: "kubeadm made d755, kubestrap made d700",
        reason: "a folder of keys that nobody else needs to list",
    },
    Row {
        line: "addon kube-proxy --config {config} --print-manifest",
        difference: "output: ",
        reason: "the DaemonSet's update strategy is the API server's default, which is left out",
    },
];

impl Row {
    /// Whether it is about this line.
    fn is_about(&self, line: &Line) -> bool {
        format!("{} {}", line.tool, line.line).contains(self.line)
    }
}

/// The row that excuses a difference.
pub(super) fn find(line: &Line, difference: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.is_about(line) && difference.contains(row.difference))
}

/// The reasons about `lines` that no difference needed.
pub(super) fn unused(lines: &[&Line], used: &BTreeSet<usize>) -> Vec<&'static str> {
    let rows = ROWS.iter().enumerate().filter(|(number, _)| !used.contains(number)).map(|(_, row)| row);
    rows.filter(|row| lines.iter().any(|line| row.is_about(line))).map(|row| row.reason).collect()
}
