//! The systemd unit and drop-in that start kubelet, for machines whose packages bring none.

/// `kubelet.service`, as the distributions' packages have it.
pub const UNIT: &str = include_str!("../../templates/kubelet/kubelet.service.conf");

/// `kubelet.service.d/10-kubeadm.conf`, through which kubelet finds what init writes.
pub const DROP_IN: &str = include_str!("../../templates/kubelet/10-kubeadm.conf");

/// Whether a unit, as `systemctl cat` shows it, is as kubelet's own package brings it, without the drop-in: `init`
/// then installs that. Whoever names a configuration, or a command of his own, has an idea of how kubelet starts.
pub fn lacks_drop_in(unit: &str) -> bool {
    let commands = unit.lines().filter(|line| line.trim_start().starts_with("ExecStart=")).count();
    commands == 1 && !unit.contains("--config") && !unit.contains("kubeadm-flags.env")
}
