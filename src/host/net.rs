//! Who listens where, and which addresses this machine has.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::{fmt, fs, io};

use super::process::{self, Process};

/// A TCP socket that listens in our network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    /// Where it listens; an unspecified address is all addresses.
    pub address: SocketAddr,
    /// The user that opened it.
    pub uid: u32,
    /// Its process; none if we may not look (only root sees other users' processes), or if it is the kernel's own.
    pub process: Option<Process>,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(process) = &self.process else { return write!(f, "{}: user id {}", self.address, self.uid) };
        let unit = process.unit.as_ref().map(|u| format!(", {u}")).unwrap_or_default();
        write!(f, "{}: process {}{unit}: {}", self.address, process.pid, process.command_line())
    }
}

/// An address of a network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InterfaceAddress {
    /// The interface's name.
    pub interface: String,
    /// The address.
    pub ip: IpAddr,
}

/// The URL of a server that is asked over HTTP. What lacks a scheme or a host must not reach kube's client, which
/// panics on it.
///
/// # Errors
/// In words, when `text` is none.
pub(crate) fn server_url(text: &str) -> Result<http::Uri, String> {
    let url: http::Uri = text.parse().map_err(|e| format!("{text:?} is not a URL: {e}"))?;
    let usable =
        matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|h| !h.is_empty());
    if usable {
        Ok(url)
    } else {
        Err(format!("{text:?} is not a URL of a server, such as `https://10.0.0.10:6443`"))
    }
}

/// All addresses of this machine's interfaces.
///
/// # Errors
/// What the system says.
pub(crate) fn addresses() -> io::Result<Vec<InterfaceAddress>> {
    let found = if_addrs::get_if_addrs()?;
    Ok(found.into_iter().map(|i| InterfaceAddress { ip: i.ip(), interface: i.name }).collect())
}

/// Whether nothing listens on `port`: listens there for a moment, as kubeadm does. The kernel's table of
/// [`listeners`] takes milliseconds, since those of all connections go with it.
pub(crate) fn is_free(port: u16) -> bool {
    let free = |ip: IpAddr| match TcpListener::bind((ip, port)) {
        Ok(_) => true,
        // A machine without IPv6.
        Err(e) => matches!(e.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported),
    };
    [IpAddr::from(Ipv6Addr::UNSPECIFIED), Ipv4Addr::UNSPECIFIED.into()].into_iter().all(free)
}

/// All listening TCP sockets, with the processes that hold them.
///
/// # Errors
/// What the system says.
pub(crate) fn listeners() -> io::Result<Vec<Listener>> {
    let mut sockets = parse(&fs::read_to_string("/proc/net/tcp")?);
    match fs::read_to_string("/proc/net/tcp6") {
        Ok(table) => sockets.extend(parse(&table)),
        // A machine without IPv6.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let owners = owners(&sockets);
    let mut found: Vec<Listener> = sockets
        .into_iter()
        .map(|s| Listener {
            address: s.address,
            uid: s.uid,
            process: owners.get(&s.inode).and_then(|pid| process::by_pid(*pid)),
        })
        .collect();
    found.sort_by_key(|l| l.address);
    Ok(found)
}

/// Those of the listeners that listen on `port`.
pub(crate) fn on_port(listeners: Vec<Listener>, port: u16) -> Vec<Listener> {
    listeners.into_iter().filter(|listener| listener.address.port() == port).collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Socket {
    address: SocketAddr,
    uid: u32,
    inode: u64,
}

/// The listening sockets of `/proc/net/tcp` or `tcp6`: local address and state (0A is LISTEN) in hexadecimal, the
/// address in 32-bit words of the machine's byte order.
fn parse(table: &str) -> Vec<Socket> {
    let line = |line: &str| {
        let f: Vec<&str> = line.split_whitespace().collect();
        if *f.get(3)? != "0A" {
            return None;
        }
        let (address, port) = f.get(1)?.split_once(':')?;
        Some(Socket {
            address: SocketAddr::new(ip(address)?, u16::from_str_radix(port, 16).ok()?),
            uid: f.get(7)?.parse().ok()?,
            inode: f.get(9)?.parse().ok()?,
        })
    };
    table.lines().filter_map(line).collect()
}

fn ip(hex: &str) -> Option<IpAddr> {
    let word = |i: usize| {
        let word = u32::from_str_radix(hex.get(8 * i..8 * i + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (i, chunk) in bytes.chunks_mut(4).enumerate() {
                chunk.copy_from_slice(&word(i)?);
            }
            // A v4 address on a v6 socket is still a v4 address.
            Some(Ipv6Addr::from(bytes).to_canonical())
        }
        _ => None,
    }
}

/// Socket inode → pid, for these sockets, as far as we may look.
fn owners(sockets: &[Socket]) -> BTreeMap<u64, u32> {
    let mut owners = BTreeMap::new();
    for pid in process::pids() {
        let dir = Path::new("/proc").join(pid.to_string()).join("fd");
        for fd in fs::read_dir(dir).into_iter().flatten().flatten() {
            let link = fs::read_link(fd.path()).unwrap_or_default();
            let inode =
                link.to_str().and_then(|l| l.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
            if let Some(inode) = inode.filter(|inode| sockets.iter().any(|s| s.inode == *inode)) {
                // Forked workers share the socket; the first process is the parent.
                owners.entry(inode).or_insert(pid);
            }
        }
    }
    owners
}

/// What the resolver said of a name, where that is why a connection failed; and whether a name server answered, so that
/// asking again does not help soon.
pub(crate) fn unresolved(reason: &str) -> Option<(&str, bool)> {
    let (_, why) = reason.split_once("failed to lookup address information: ")?;
    // "Try again" is said when no name server answers.
    Some((why, ["not known", "not resolve", "No address"].iter().any(|words| why.contains(words))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_a_scheme_and_a_host() {
        for good in ["https://10.0.0.1:6443", "http://a/b", "https://[fd00::1]:1"] {
            assert!(server_url(good).is_ok(), "{good}");
        }
        for bad in
            ["", "/", "a", "a:2379", "https:a", "unix:///x", "https://", "ftp://a", "http://:80", "a b"]
        {
            assert!(server_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tables_give_address_user_and_inode() {
        let v4 = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
           0: 0100007F:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 4711 1 0 100 0 0 10 0\n\
           1: 0100007F:192B 0100007F:B0B0 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1\n";
        assert_eq!(parse(v4), [Socket { address: "127.0.0.1:6443".parse().unwrap(), uid: 101, inode: 4711 }]);
        let v6 = "   0: 00000000000000000000000000000000:280A 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1 0 100 0 0 10 0\n\
           1: 0000000000000000FFFF00000100007F:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 98 1 0 100 0 0 10 0\n";
        let found: Vec<String> = parse(v6).iter().map(|s| s.address.to_string()).collect();
        assert_eq!(found, ["[::]:10250", "127.0.0.1:22"]);
        assert!(parse("garbage\n0: zz:zz q 0A").is_empty());
    }

    #[test]
    fn a_listener_of_ours_is_found_with_its_process() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let found = listeners().unwrap().into_iter().find(|l| l.address == address).unwrap();
        assert_eq!(found.process.unwrap().pid, std::process::id());
        assert!(!is_free(address.port()));
        drop(socket);
        assert!(is_free(address.port()));
        assert!(!listeners().unwrap().iter().any(|l| l.address == address));
    }
}
