//! IPv4 and IPv6.

use anyhow::{bail, ensure};
use serde_json::Value;

use crate::cluster;
use crate::config::Config;
use crate::json::at;
use crate::machine::{NODE_NAME, Network, has_ipv6};
use crate::node::{Node, PATIENCE};
use crate::wait::eventually;

/// Runs it.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    if !has_ipv6() {
        bail!("this machine's kernel has no IPv6");
    }
    let Network { address, address_v6, .. } = Network::alone();
    let config = Config {
        init: format!(
            "nodeRegistration:\n  kubeletExtraArgs:\n  - name: node-ip\n    value: \"{address},{address_v6}\"\n"
        ),
        cluster: "networking:\n  podSubnet: 10.244.0.0/16,fd00:10:244::/56\n  \
                  serviceSubnet: 10.96.0.0/16,fd00:10:96::/112\n"
            .to_owned(),
        ..Config::default()
    };
    node.init_with(&config, &[])?;
    cluster::healthy(node)?;
    eventually("the Node has two Pod subnets", PATIENCE, || {
        let found = node.get(&["node", NODE_NAME])?;
        let subnets = found.pointer("/spec/podCIDRs").and_then(Value::as_array).map_or(0, Vec::len);
        ensure!(subnets == 2, "it has {subnets}");
        Ok(())
    })?;
    let found = node.get(&["node", NODE_NAME])?;
    let addresses = at(&found, "/status/addresses").to_string();
    for address in [address.to_string(), address_v6.to_string()] {
        ensure!(addresses.contains(&address), "the Node's addresses are {addresses}");
    }
    Ok(())
}
