//! Addresses, ports, proxies, forwarding.

pub(super) mod address;
pub(super) mod endpoint;
pub(super) mod firewall;
pub(super) mod forwarding;
mod go_proxy;
pub(super) mod ports;
pub(super) mod proxy;
pub(super) mod subnets;
