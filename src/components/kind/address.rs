//! Addresses, ports and URLs.

use std::net::IpAddr;

/// `parse` is strict in pflag; Kubernetes' own flags allow leading zeros.
pub(super) fn ip(value: &str, parse: fn(&str) -> Option<IpAddr>) -> Result<(), String> {
    let value = value.trim();
    if value.is_empty() || parse(value).is_some() {
        Ok(())
    } else {
        Err(format!("{value:?} is not an IP address"))
    }
}

/// Kubernetes' `PortRange`: `80`, `80-90` or `80+10`.
pub(in crate::components) fn port_range(value: &str) -> Result<(u16, u16), String> {
    let wrong = || format!("{value:?} is not a range of ports: write `30000-32767`");
    let port = |text: &str| text.parse::<u16>().map_err(|_| wrong());
    let text = value.trim();
    if let Some((low, high)) = text.split_once('-') {
        let (low, high) = (port(low)?, port(high)?);
        return if low <= high { Ok((low, high)) } else { Err(wrong()) };
    }
    if let Some((base, size)) = text.split_once('+') {
        let (base, size) = (port(base)?, port(size)?);
        return Ok((base, base.checked_add(size).ok_or_else(wrong)?));
    }
    if text.is_empty() { Ok((0, 0)) } else { port(text).map(|port| (port, port)) }
}

/// A URL that etcd listens at or is found at (etcd's `types.NewURLs`).
pub(super) fn listen_url(item: &str) -> Result<(), String> {
    let item = item.trim();
    let url = crate::config::url::parse(item)?;
    match url.scheme.as_str() {
        "unix" | "unixs" => return Ok(()),
        "http" | "https" if item.contains("://") => {}
        "" => return Err(format!("{item:?} is not a URL: write `https://192.0.2.10:2379`")),
        _ => return Err(format!("{item:?}: the scheme must be http, https, unix or unixs")),
    }
    if !url.path.is_empty() {
        return Err(format!("{item:?} must not have a path"));
    }
    let authority = item.split_once("://").map_or(item, |(_, rest)| rest);
    if host_and_port(authority).is_none() {
        return Err(format!("{item:?} must have a host and a port"));
    }
    Ok(())
}

/// Go's `net.SplitHostPort`: the host and the port, which may be empty.
pub(in crate::components) fn host_and_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(host) => host.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    (!host.contains(['[', ']']) && !port.contains(['[', ']'])).then_some((host, port))
}

/// The host of a URL that etcd listens at, its address where it is one, and its port.
pub(in crate::components) fn url_host(item: &str) -> Option<(&str, Option<IpAddr>, &str)> {
    let (scheme, rest) = item.trim().split_once("://")?;
    if scheme.starts_with("unix") {
        return None;
    }
    let (host, port) = host_and_port(rest)?;
    Some((host, host.parse().ok(), port))
}
