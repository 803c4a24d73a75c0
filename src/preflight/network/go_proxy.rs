//! Which proxy a Go program takes for a request: the rule of Go's `http.ProxyFromEnvironment`, which all components
//! follow.

use std::net::IpAddr;

use ipnet::IpNet;

/// The proxy for `https://host:port`, if one is taken. `variables` are names and values of the environment.
pub(crate) fn for_https<'a>(variables: &'a [(String, String)], host: &str, port: u16) -> Option<&'a str> {
    // The upper case is looked at first; an empty value counts as none.
    let value = |upper: &str| {
        let is =
            |name: &str| variables.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str());
        is(upper).or_else(|| is(&upper.to_lowercase()))
    };
    let proxy = value("HTTPS_PROXY")?;
    let ip: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
        return None;
    }
    let exempt = value("NO_PROXY").unwrap_or_default().split(',').any(|rule| matches(rule, host, ip, port));
    (!exempt).then_some(proxy)
}

/// Whether a host is under a rule of NO_PROXY: `*`, an address, a CIDR, a domain with its subdomains, or with a dot
/// before it its subdomains only; a port may follow.
fn matches(rule: &str, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
    let rule = rule.trim().to_lowercase();
    if rule.is_empty() {
        return false;
    }
    if rule == "*" {
        return true;
    }
    if let Ok(net) = rule.parse::<IpNet>() {
        return ip.is_some_and(|ip| net.contains(&ip));
    }
    let (name, wanted) = match rule.rsplit_once(':') {
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => match digits.parse::<u16>() {
            Ok(wanted) => (name.to_owned(), Some(wanted)),
            Err(_) => (rule, None),
        },
        _ => (rule, None),
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    match (name.parse::<IpAddr>(), ip) {
        (Ok(rule), Some(ip)) => rule == ip,
        (Ok(_), None) | (Err(_), Some(_)) => false,
        (Err(_), None) => {
            let host = host.to_lowercase();
            let domain = name.strip_prefix('*').unwrap_or(name);
            match domain.strip_prefix('.') {
                Some(_) => host.ends_with(domain),
                None => host == domain || host.strip_suffix(domain).is_some_and(|h| h.ends_with('.')),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_no_proxy() {
        let proxied = |no_proxy: &str, host: &str| {
            let variables = [("https_proxy", "http://proxy:3128"), ("NO_PROXY", no_proxy)]
                .map(|(n, v)| (n.into(), v.into()));
            for_https(&variables, host, 6443).is_some()
        };
        for (rules, host) in [
            ("192.0.2.10", "192.0.2.10"),
            ("a, 192.0.2.0/24", "192.0.2.10"),
            ("192.0.2.10:6443", "192.0.2.10"),
            ("*", "api.example.com"),
            ("example.com", "api.example.com"),
            ("example.com", "example.com"),
            (".example.com", "api.example.com"),
            ("*.example.com", "API.example.com"),
            ("fd00::/8", "fd00::1"),
            ("[fd00::1]:6443", "fd00::1"),
            ("", "127.0.0.1"),
            ("", "localhost"),
        ] {
            assert!(!proxied(rules, host), "{rules} {host}");
        }
        for (rules, host) in [
            ("", "192.0.2.10"),
            ("192.0.2.10:80", "192.0.2.10"),
            ("192.0.2.1", "192.0.2.10"),
            ("192.0.3.0/24", "192.0.2.10"),
            (".example.com", "example.com"),
            ("ample.com", "example.com"),
            ("0.2.10", "192.0.2.10"),
        ] {
            assert!(proxied(rules, host), "{rules} {host}");
        }
        assert_eq!(for_https(&[("HTTP_PROXY".into(), "x".into())], "192.0.2.10", 1), None);
    }
}
