//! The machine's network: loopback, and one interface whose other end leads nowhere, or to the machine that made it.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::command::check;

/// The first machine's name, which becomes the Node's.
pub(crate) const NODE_NAME: &str = "e2e-node";
/// How a machine is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The machine's name.
    pub(crate) name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its address in IPv6, where the kernel has that.
    pub(crate) address_v6: Ipv6Addr,
    /// The address of the machine at the other end of the wire, which made this one.
    wired_to: Option<Ipv4Addr>,
}

impl Network {
    /// Of a machine by itself.
    pub fn alone() -> Self {
        Self {
            name: NODE_NAME.to_owned(),
            address: Ipv4Addr::new(10, 88, 0, 2),
            address_v6: Ipv6Addr::new(0xfd00, 0x88, 0, 0, 0, 0, 0, 2),
            wired_to: None,
        }
    }

    /// Of a further machine, made by the first, which passes on what the machines beside it say to each other.
    pub(crate) fn beside(number: u8) -> Self {
        Self {
            name: format!("e2e-{number}"),
            address: Ipv4Addr::new(10, 88, number, 2),
            address_v6: Ipv6Addr::new(0xfd00, 0x88, number.into(), 0, 0, 0, 0, 2),
            wired_to: Some(Self::alone().address),
        }
    }

    /// The subnet of this machine's Pods, where they have a network.
    pub(crate) fn pods(&self) -> String {
        let [_, _, number, _] = self.address.octets();
        format!("10.244.{number}.0/24")
    }

    /// The wire's end in the first machine.
    fn wire(&self) -> String {
        format!("to-{}", self.name)
    }

    /// In the first machine: pulls this one's cable, or puts it back.
    ///
    /// # Errors
    /// When `ip` fails.
    pub(crate) fn plug(&self, plugged: bool) -> anyhow::Result<()> {
        let (wire, state) = (self.wire(), if plugged { "up" } else { "down" });
        ip(&format!("link set {wire} {state}"))?;
        if plugged { self.route() } else { Ok(()) }
    }

    /// In the first machine: the way to this one. etcd compares the address that its peers come from with their
    /// certificates.
    fn route(&self) -> anyhow::Result<()> {
        let Some(own_address) = self.wired_to else { return Ok(()) };
        let wire = self.wire();
        ip(&format!("route replace {} dev {wire} src {own_address}", self.address))?;
        ip(&format!("route replace {} via {} dev {wire}", self.pods(), self.address))
    }

    /// In the machine: brings the interfaces up and sets what kubelet's host needs.
    ///
    /// # Errors
    /// When `ip` fails.
    pub(super) fn up(&self) -> anyhow::Result<()> {
        fs::write("/proc/sys/kernel/hostname", &self.name).context("the machine can't be named")?;
        ip("link set lo up")?;
        if self.wired_to.is_some() {
            wait_for_interface()?;
        } else {
            ip("link add eth0 type veth peer name wire")?;
            ip("link set wire up")?;
        }
        ip(&format!("address add {}/24 dev eth0", self.address))?;
        ip("link set eth0 up")?;
        // Who is alone needs a default route too: it is how the address to advertise is found.
        let gateway = self.wired_to.unwrap_or(Ipv4Addr::new(10, 88, 0, 1));
        ip(&format!("route add default via {gateway} dev eth0 onlink"))?;
        forward("ipv4/ip_forward")?;
        if has_ipv6() {
            ip(&format!("-6 address add {}/64 dev eth0 nodad", self.address_v6))?;
            ip("-6 route add default dev eth0")?;
            forward("ipv6/conf/all/forwarding")?;
            forward("ipv6/conf/default/forwarding")?;
        }
        Ok(())
    }

    /// In the machine that makes this one, whose outermost process is `pid`: lays the wire.
    ///
    /// # Errors
    /// When `ip` fails.
    pub(super) fn connect(&self, pid: u32) -> anyhow::Result<()> {
        if self.wired_to.is_none() {
            return Ok(());
        }
        let namespace = |process: &str| fs::read_link(PathBuf::from("/proc").join(process).join("ns/net"));
        let own = namespace("self")?;
        let start = Instant::now();
        while namespace(&pid.to_string())? == own {
            if start.elapsed() > Duration::from_secs(10) {
                bail!("{} has no network of its own", self.name);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // The kernel takes a moment to remove the wire of a machine that was cut off.
        let _ = ip(&format!("link del {}", self.wire()));
        ip(&format!("link add {} type veth peer name eth0 netns {pid}", self.wire()))?;
        self.plug(true)
    }

    /// In the machine: the files that say who is who.
    ///
    /// # Errors
    /// When they can't be written.
    pub(super) fn name_files(&self) -> anyhow::Result<()> {
        let put = |name: &str, text: String| {
            let file = Path::new("/etc").join(name);
            // On many machines it is a link to somewhere in /run.
            let _ = fs::remove_file(&file);
            fs::write(&file, text).with_context(|| format!("{} can't be written", file.display()))
        };
        let Self { name, address, address_v6, .. } = self;
        put("hostname", format!("{name}\n"))?;
        put("hosts", format!("127.0.0.1 localhost\n::1 localhost\n{address} {name}\n{address_v6} {name}\n"))?;
        // Nobody answers there, and it is known at once: a server out of reach would be waited for. Not a loopback
        // address, which in a Pod is the Pod's: CoreDNS would ask itself.
        put("resolv.conf", format!("nameserver {address}\n"))
    }
}

/// Whether the kernel has IPv6.
pub(crate) fn has_ipv6() -> bool {
    Path::new("/proc/sys/net/ipv6").exists()
}

fn ip(line: &str) -> anyhow::Result<()> {
    check("ip", &line.split(' ').collect::<Vec<_>>())?;
    Ok(())
}

fn forward(setting: &str) -> anyhow::Result<()> {
    fs::write(Path::new("/proc/sys/net").join(setting), "1")
        .with_context(|| format!("{setting} can't be set"))
}

fn wait_for_interface() -> anyhow::Result<()> {
    let start = Instant::now();
    while !Path::new("/sys/class/net/eth0").exists() {
        if start.elapsed() > Duration::from_secs(10) {
            bail!("no wire was laid");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
