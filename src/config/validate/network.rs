//! The rules of `networking`: subnets, their sizes and what of them goes to each node.

use ipnet::IpNet;

use super::{CLUSTER, Validator};
use crate::config::args::last_value;
use crate::config::names;
use crate::config::v1beta4::ClusterConfiguration;

/// The largest number of host bits a Service subnet may have (kube-apiserver's limit).
const SERVICE_HOST_BITS: u8 = 20;
/// How much longer a node's mask may be than the Pod subnet's (kube-controller-manager's limit).
const NODE_MASK_DIFFERENCE: i32 = 16;
/// A subnet with as many host bits or more has no size in Kubernetes.
const UNCOUNTED_HOST_BITS: (u8, u8) = (31, 127);

impl Validator<'_> {
    pub(super) fn networking(&mut self, c: &ClusterConfiguration) {
        let networking = &c.networking;
        let dns_domain = names::dns_subdomain(&networking.dns_domain);
        self.cluster_check("networking.dnsDomain", dns_domain.map_err(|why| format!("Invalid value: {why}")));
        let path = "networking.serviceSubnet";
        for subnet in self.subnets(path, &networking.service_subnet, 10) {
            if subnet.max_prefix_len() - subnet.prefix_len() > SERVICE_HOST_BITS {
                let least = subnet.max_prefix_len() - SERVICE_HOST_BITS;
                self.cluster_error(
                    path,
                    format!("{subnet} is too large for Services: its mask must be /{least} or longer"),
                );
            }
        }
        if networking.pod_subnet.is_empty() {
            return;
        }
        let path = "networking.podSubnet";
        let flag = |name: &str| last_value(&c.controller_manager.extra_args, name);
        let allocated = flag("allocate-node-cidrs") != Some("false");
        for subnet in self.subnets(path, &networking.pod_subnet, 14) {
            let (name, default) = match subnet {
                IpNet::V4(_) => ("node-cidr-mask-size-ipv4", 24),
                IpNet::V6(_) => ("node-cidr-mask-size-ipv6", 64),
            };
            if !allocated {
                continue;
            }
            let node_mask = match flag(name).filter(|mask| !mask.is_empty()).map(str::parse::<i32>) {
                None => default,
                Some(Ok(mask)) => mask,
                Some(Err(_)) => {
                    self.cluster_error("controllerManager.extraArgs", format!("{name} must be a number"));
                    continue;
                }
            };
            let mask = i32::from(subnet.prefix_len());
            if mask > node_mask {
                self.cluster_error(path, format!("{subnet} is smaller than one node's share of it, a /{node_mask}: take a /{node_mask} or larger, or set {name} of kube-controller-manager"));
            } else if node_mask - mask > NODE_MASK_DIFFERENCE {
                let least = node_mask - NODE_MASK_DIFFERENCE;
                self.cluster_error(path, format!("{subnet} holds too many /{node_mask} shares for nodes: its mask must be /{least} or longer, or {name} of kube-controller-manager smaller"));
            }
        }
    }

    /// One CIDR, or one of each family.
    fn subnets(&mut self, path: &str, text: &str, least: u128) -> Vec<IpNet> {
        let mut subnets = vec![];
        for part in text.split(',') {
            match names::cidr(part) {
                Some(subnet) => subnets.push(subnet),
                None => self.cluster_error(path, format!("{part:?} is not a CIDR: write an address and a mask, such as `10.244.0.0/16` or `fd00:10:244::/56`")),
            }
        }
        let families = (
            subnets.iter().any(|s| matches!(s, IpNet::V4(_))),
            subnets.iter().any(|s| matches!(s, IpNet::V6(_))),
        );
        if subnets.len() > 2 || (subnets.len() == 2 && families != (true, true)) {
            self.cluster_error(
                path,
                format!("{text:?}: give one CIDR, or for dual-stack one IPv4 and one IPv6 CIDR"),
            );
        }
        for subnet in &subnets {
            let bits = subnet.max_prefix_len() - subnet.prefix_len();
            let addresses = 1u128.checked_shl(bits.into()).unwrap_or(u128::MAX);
            let uncounted = match subnet {
                IpNet::V4(_) => UNCOUNTED_HOST_BITS.0,
                IpNet::V6(_) => UNCOUNTED_HOST_BITS.1,
            };
            if bits >= uncounted {
                self.cluster_error(
                    path,
                    format!("{subnet} is half of all addresses or more: Kubernetes can't count them"),
                );
            } else if addresses < least {
                self.cluster_error(
                    path,
                    format!("{subnet} has {addresses} addresses: at least {least} are needed"),
                );
            }
            if let (IpNet::V6(net), Ok(site_local)) = (subnet, "fec0::/10".parse::<ipnet::Ipv6Net>())
                && (site_local.contains(&net.network()) || net.contains(&site_local.network()))
            {
                let warning = self.locator.problem(
                    CLUSTER,
                    path,
                    format!("{subnet} holds site-local addresses (fec0::/10), deprecated by RFC 3879"),
                );
                self.warnings.push(warning);
            }
        }
        subnets
    }
}
