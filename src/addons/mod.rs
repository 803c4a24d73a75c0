//! The addons that init installs: CoreDNS and kube-proxy. Pure: settings in, objects out.

pub mod coredns;
pub mod kube_proxy;
