//! A network for Pods, where the user has CNI plugins: each machine's Pods on a bridge of its own; between machines they
//! take the machines' own wires.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::command::{check, is_program};
use crate::machine::Network;
use crate::plan::Plan;

/// The plugins that are used.
const PLUGINS: &[&str] = &["bridge", "host-local", "loopback"];
/// The one for `hostPort`, which is used where the user has it.
const HOST_PORTS: &str = "portmap";
/// Where container runtimes look for them, and for their configuration.
const BIN: &str = "/opt/cni/bin";
const CONFIG: &str = "/etc/cni/net.d/10-e2e.conflist";

/// The plugins in `dir`.
///
/// # Errors
/// When one is missing.
pub(crate) fn plugins(dir: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let dir = dir.canonicalize().with_context(|| format!("{} can't be used", dir.display()))?;
    let mut found: Vec<_> = PLUGINS.iter().map(|name| ((*name).to_owned(), dir.join(name))).collect();
    if let Some((name, _)) = found.iter().find(|(_, file)| !is_program(file)) {
        bail!("{} has no {name}", dir.display());
    }
    let host_ports = dir.join(HOST_PORTS);
    if is_program(&host_ports) {
        found.push((HOST_PORTS.to_owned(), host_ports));
    }
    Ok(found)
}

/// In a machine: installs what the plan has of it. Nothing is masqueraded, which would take iptables on the machine: the
/// machines know the way to each other's Pods. A Pod reaches itself through a Service (`hairpinMode`).
///
/// # Errors
/// When a file can't be written.
pub(crate) fn install(plan: &Plan) -> anyhow::Result<()> {
    if plan.cni.is_empty() {
        return Ok(());
    }
    for (name, file) in &plan.cni {
        symlink(file, Path::new(BIN).join(name)).with_context(|| format!("{name} can't be installed"))?;
    }
    let subnet = own_subnet()?;
    let host_ports = if plan.cni.iter().any(|(name, _)| name == HOST_PORTS) {
        format!(r#", {{"type": "{HOST_PORTS}", "capabilities": {{"portMappings": true}}}}"#)
    } else {
        String::new()
    };
    let text = format!(
        r#"{{"cniVersion": "1.0.0", "name": "e2e", "plugins": [{{
  "type": "bridge", "bridge": "cni0", "isDefaultGateway": true, "hairpinMode": true,
  "ipam": {{"type": "host-local", "ranges": [[{{"subnet": "{subnet}"}}]]}}
}}{host_ports}]}}"#
    );
    fs::write(CONFIG, text).with_context(|| format!("{CONFIG} can't be written"))
}

/// The subnet of this machine's Pods, which its name tells.
fn own_subnet() -> anyhow::Result<String> {
    let name = check("uname", &["--nodename"])?.stdout;
    let number = name.trim().rsplit('-').next().and_then(|number| number.parse::<u8>().ok());
    Ok(number.map_or_else(Network::alone, Network::beside).pods())
}
