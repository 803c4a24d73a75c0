//! The systemd unit and drop-in that start kubelet, for machines whose packages bring none.

/// `kubelet.service`, as the distributions' packages have it.
pub const UNIT: &str = include_str!("../../templates/kubelet/kubelet.service.conf");

/// `kubelet.service.d/10-kubeadm.conf`, through which kubelet finds what init writes.
pub const DROP_IN: &str = include_str!("../../templates/kubelet/10-kubeadm.conf");
