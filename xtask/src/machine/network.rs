//! The machine's network: loopback, and one interface whose other end leads nowhere.

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::command::check;

/// The machine's name, which becomes the Node's.
pub(crate) const NODE_NAME: &str = "e2e-node";
/// The address that `init` is to find by itself.
pub(crate) const ADDRESS: &str = "10.88.0.2";
/// The same in IPv6, where the kernel has it.
const ADDRESS_V6: &str = "fd00:88::2";

/// Brings the interfaces up and sets what kubelet's host needs.
///
/// # Errors
/// When `ip` fails.
pub(super) fn up() -> anyhow::Result<()> {
    fs::write("/proc/sys/kernel/hostname", NODE_NAME).context("the machine can't be named")?;
    let address = format!("{ADDRESS}/24");
    for line in [
        "link set lo up",
        "link add eth0 type veth peer name wire",
        "link set wire up",
        &format!("address add {address} dev eth0"),
        "link set eth0 up",
        "route add default via 10.88.0.1",
    ] {
        check("ip", &line.split(' ').collect::<Vec<_>>())?;
    }
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").context("IPv4 can't be forwarded")?;
    if Path::new("/proc/sys/net/ipv6").exists() {
        let address = format!("{ADDRESS_V6}/64");
        check("ip", &["-6", "address", "add", &address, "dev", "eth0", "nodad"])?;
        check("ip", &["-6", "route", "add", "default", "via", "fd00:88::1", "dev", "eth0"])?;
        fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").context("IPv6 can't be forwarded")?;
        fs::write("/proc/sys/net/ipv6/conf/default/forwarding", "1").context("IPv6 can't be forwarded")?;
    }
    Ok(())
}

/// The files that say who is who.
///
/// # Errors
/// When they can't be written.
pub(super) fn name_files() -> anyhow::Result<()> {
    let put = |name: &str, text: String| {
        let file = Path::new("/etc").join(name);
        // On many machines it is a link to somewhere in /run.
        let _ = fs::remove_file(&file);
        fs::write(&file, text).with_context(|| format!("{} can't be written", file.display()))
    };
    put("hostname", format!("{NODE_NAME}\n"))?;
    put(
        "hosts",
        format!("127.0.0.1 localhost\n::1 localhost\n{ADDRESS} {NODE_NAME}\n{ADDRESS_V6} {NODE_NAME}\n"),
    )?;
    // Nobody answers there, and it is known at once: a server out of reach would be waited for.
    put("resolv.conf", "nameserver 127.0.0.1\n".to_owned())
}
