//! What starts kubelet, for machines whose packages do not bring it: systemd's unit and drop-in, OpenRC's service.

/// `kubelet.service`, as the distributions' packages have it.
pub(crate) const UNIT: &str = include_str!("../../templates/kubelet/kubelet.service.conf");

/// `kubelet.service.d/10-kubeadm.conf`, through which kubelet finds what init writes.
pub(crate) const DROP_IN: &str = include_str!("../../templates/kubelet/10-kubeadm.conf");

/// kubelet's service for OpenRC, which has no drop-ins: all is in it.
pub(crate) const OPENRC_SERVICE: &str = include_str!("../../templates/kubelet/kubelet.openrc");

/// Whether a unit, as `systemctl cat` shows it, is as kubelet's own package brings it, without the drop-in: `init`
/// then installs that. Whoever starts another program, names a flag or brings an environment decides how kubelet starts.
pub(crate) fn lacks_drop_in(unit: &str) -> bool {
    let settings = |name: &str| unit.lines().filter_map(move |line| line.trim().strip_prefix(name)).collect();
    let commands: Vec<&str> = settings("ExecStart=");
    let environment: Vec<&str> = settings("Environment");
    commands == ["/usr/bin/kubelet"] && environment.is_empty()
}
