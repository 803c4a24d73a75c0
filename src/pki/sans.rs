//! Does a certificate cover the names and addresses that it is needed for?

use std::fmt;
use std::net::IpAddr;

use super::certificate::Certificate;

/// One subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum San {
    /// A DNS name, which may begin with `*.`.
    Dns(String),
    /// An IP address.
    Ip(IpAddr),
}

impl fmt::Display for San {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// The wanted names and addresses that `certificate` does not cover, in the order given; empty is good.
///
/// A name is covered when it is listed (DNS ignores case), or when a listed wildcard stands for its
/// first label (RFC 6125 §6.4.3), as every TLS client sees it. A wanted wildcard must itself be listed.
pub(crate) fn check_sans(
    certificate: &Certificate,
    dns_names: &[String],
    ip_addresses: &[IpAddr],
) -> Vec<San> {
    let dns_missing = |wanted: &&String| !certificate.dns_names().iter().any(|listed| covers(listed, wanted));
    let ip_missing = |wanted: &&IpAddr| {
        !certificate.ip_addresses().iter().any(|listed| listed.to_canonical() == wanted.to_canonical())
    };
    let dns = dns_names.iter().filter(dns_missing).map(|name| San::Dns(name.clone()));
    dns.chain(ip_addresses.iter().filter(ip_missing).map(|&address| San::Ip(address))).collect()
}

fn covers(listed: &str, wanted: &str) -> bool {
    let under_wildcard = || {
        let (label, parent) = wanted.split_once('.')?;
        let suffix = listed.strip_prefix("*.")?;
        Some(!label.is_empty() && label != "*" && parent.eq_ignore_ascii_case(suffix))
    };
    listed.eq_ignore_ascii_case(wanted) || under_wildcard() == Some(true)
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_wildcard_stands_for_exactly_one_label() {
        assert!(covers("*.example.com", "api.example.com"));
        assert!(covers("API.example.com", "api.Example.com"));
        assert!(covers("*.example.com", "*.example.com"));
        assert!(!covers("*.example.com", "example.com"));
        assert!(!covers("*.example.com", "a.b.example.com"));
        assert!(!covers("*.example.com", ".example.com"));
        assert!(!covers("api.example.com", "*.example.com"));
        assert!(!covers("*.com", "*.example.com"));
    }
}
