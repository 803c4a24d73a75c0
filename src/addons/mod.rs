//! The addons that init installs: CoreDNS and kube-proxy. Pure: settings in, objects out.

pub(crate) mod coredns;
pub(crate) mod kube_proxy;
