//! The systemd unit and drop-in that start kubelet, for machines whose packages bring none.

/// `kubelet.service`, as the distributions' packages have it.
pub(crate) const UNIT: &str = include_str!("../../templates/kubelet/kubelet.service.conf");

/// `kubelet.service.d/10-kubeadm.conf`, through which kubelet finds what init writes.
pub(crate) const DROP_IN: &str = include_str!("../../templates/kubelet/10-kubeadm.conf");

/// Whether a unit, as `systemctl cat` shows it, is as kubelet's own package brings it, without the drop-in: `init`
/// then installs that. Whoever starts another program, names a flag or brings an environment decides how kubelet starts.
pub(crate) fn lacks_drop_in(unit: &str) -> bool {
    let settings = |name: &str| unit.lines().filter_map(move |line| line.trim().strip_prefix(name)).collect();
    let commands: Vec<&str> = settings("ExecStart=");
    let environment: Vec<&str> = settings("Environment");
    commands == ["/usr/bin/kubelet"] && environment.is_empty()
}
