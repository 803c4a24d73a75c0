//! The forms of names, addresses and references that Kubernetes accepts, each as a check that says what is wrong.

use std::net::IpAddr;

use ipnet::IpNet;

use super::url;

/// RFC 1123 subdomain, as Kubernetes checks it (at most 253 characters).
///
/// # Errors
/// In words, when it is none.
pub(crate) fn dns_subdomain(name: &str) -> Result<(), String> {
    let label = |l: &str| {
        !l.is_empty()
            && l.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    if name.len() > 253 {
        return Err(format!("{} characters: a DNS name has at most 253", name.len()));
    }
    if name.is_empty() || !name.split('.').all(label) {
        return Err(format!(
            "{name:?} is not a DNS name: lower-case letters, digits, '-' and '.', each part beginning and ending with a letter or digit (such as `cp-1.example.com`)"
        ));
    }
    Ok(())
}

/// A subject alternative name: an address, a DNS name or a wildcard DNS name (`*.example.com`).
///
/// # Errors
/// In words, when it is not one of them.
pub(crate) fn subject_alternative_name(name: &str) -> Result<(), String> {
    if dns_subdomain(name).is_ok()
        || ip(name).is_some()
        || name.strip_prefix("*.").is_some_and(|rest| dns_subdomain(rest).is_ok())
    {
        return Ok(());
    }
    Err(format!("{name:?} is neither an IP address nor a DNS name, nor a wildcard such as `*.example.com`"))
}

/// An IP address as Kubernetes' "sloppy" parser reads it: leading zeros are allowed, and an IPv4 address in IPv6's
/// clothes (`::ffff:10.0.0.1`) is an IPv4 address.
pub(crate) fn ip(text: &str) -> Option<IpAddr> {
    let ip: IpAddr = text.parse().ok().or_else(|| strip_zeros(text)?.parse().ok())?;
    Some(ip.to_canonical())
}

/// A CIDR, with leading zeros allowed as Kubernetes' "sloppy" parser allows them.
pub(crate) fn cidr(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| {
        let (address, mask) = text.split_once('/')?;
        let address = strip_zeros(address).unwrap_or_else(|| address.to_owned());
        format!("{address}/{}", number(mask)?).parse().ok()
    })
}

fn strip_zeros(text: &str) -> Option<String> {
    let parts: Option<Vec<String>> = text.split('.').map(|part| Some(number(part)?.to_string())).collect();
    parts.map(|p| p.join("."))
}

/// Digits only: no sign.
fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|_| text.starts_with(|c: char| c.is_ascii_digit()))
}

/// A host and, if given, a port: `api.example.com`, `10.0.0.1:6443`, `[fd00::1]:6443`, `fd00::1`. As for kubeadm,
/// brackets come with a port only, and a colon with nothing behind it is not a port.
///
/// # Errors
/// In words, when the host or the port is not valid.
pub(crate) fn host_port(text: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(|| format!("{text:?}: `[` without `]`"))?;
        let port = rest.strip_prefix(':').ok_or_else(|| {
            format!(
                "{text:?}: brackets belong before a port, as in `[{host}]:6443`; without one write `{host}`"
            )
        })?;
        (host, port)
    } else if ip(text).is_some() {
        (text, "")
    } else {
        text.rsplit_once(':').unwrap_or((text, ""))
    };
    let port = (!port.is_empty())
        .then(|| {
            number(port)
                .filter(|n| *n > 0)
                .ok_or_else(|| format!("{text:?}: the port {port:?} is not a number from 1 to 65535"))
        })
        .transpose()?;
    if ip(host).is_none() {
        dns_subdomain(host)
            .map_err(|why| format!("{text:?}: the host is neither an IP address nor a DNS name: {why}"))?;
    }
    Ok((host.to_owned(), port))
}

/// Where images come from: `registry.example.com:5000/k8s`, by the grammar of image references.
///
/// # Errors
/// In words, when `<repository>/name:tag` would be no image reference.
pub(crate) fn image_repository(text: &str) -> Result<(), String> {
    let wrong = || {
        Err(format!(
            "{text:?} is not an image repository: write it as `registry.example.com:5000/path`, without a scheme, tag or capital letters in the path"
        ))
    };
    let component = |c: &str| {
        let mut rest = c;
        // alphanumerics, with `.`, `_`, `__` or dashes between them
        loop {
            let run = rest.bytes().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit()).count();
            if run == 0 {
                return false;
            }
            rest = rest.get(run..).unwrap_or("");
            if rest.is_empty() {
                return true;
            }
            let separator = rest.bytes().take_while(|b| matches!(b, b'.' | b'_' | b'-')).count();
            let (sep, after) = rest.split_at(separator);
            if !(matches!(sep, "." | "_" | "__") || (!sep.is_empty() && sep.bytes().all(|b| b == b'-'))) {
                return false;
            }
            rest = after;
        }
    };
    let mut parts: Vec<&str> = text.split('/').collect();
    let Some(first) = parts.first().copied() else { return wrong() };
    // A first part with a dot, a colon or capitals, or `localhost`, is a registry; else it is part of the path.
    if first.contains(['.', ':', '['])
        || first == "localhost"
        || first.bytes().any(|b| b.is_ascii_uppercase())
    {
        let (host, port) = if first.starts_with('[') {
            match first.split_once(']') {
                Some((h, "")) => (h.trim_start_matches('['), None),
                Some((h, p)) => (h.trim_start_matches('['), p.strip_prefix(':')),
                None => return wrong(),
            }
        } else {
            first.split_once(':').map_or((first, None), |(h, p)| (h, Some(p)))
        };
        let host_ok = ip(host).is_some() || dns_subdomain(&host.to_lowercase()).is_ok();
        let port_ok = port.is_none_or(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
        if host_ok && port_ok {
            parts.remove(0);
        }
    }
    if parts.iter().all(|p| component(p)) { Ok(()) } else { wrong() }
}

/// An absolute path.
///
/// # Errors
/// In words, when it is not absolute.
pub(crate) fn absolute_path(path: &str) -> Result<(), String> {
    if path.starts_with('/') {
        Ok(())
    } else {
        Err(format!("{path:?} is not an absolute path: write it from the root, such as `/{path}`"))
    }
}

/// A URL with a scheme; https if `https` is asked for.
///
/// # Errors
/// In words, when it is none.
pub(crate) fn url(text: &str, https: bool) -> Result<(), String> {
    match url::parse(text)?.scheme.as_str() {
        "" => {
            Err(format!("{text:?} is not a URL: write it with its scheme, such as `https://10.0.0.11:2379`"))
        }
        scheme if https && scheme != "https" => {
            Err(format!("{text:?} must use https, since certificate files are given for it"))
        }
        _ => Ok(()),
    }
}

/// Whether this is an https URL rather than a path.
pub(crate) fn is_https(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        for (text, host, port) in [
            ("api.example.com", "api.example.com", None),
            ("10.0.0.1:6443", "10.0.0.1", Some(6443)),
            ("[fd00::1]:6443", "fd00::1", Some(6443)),
            ("fd00::1", "fd00::1", None),
            ("a:", "a", None),
        ] {
            assert_eq!(host_port(text).unwrap(), (host.to_owned(), port), "{text}");
        }
        for bad in [
            "bad_host!:99999",
            "a:0",
            "a:65536",
            "[fd00::1]",
            "a:+1",
            "",
            ":6443",
            "[::1",
            "[::1]6443",
            "A.example.com",
            "a b:1",
        ] {
            assert!(host_port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn image_repositories() {
        for good in [
            "registry.k8s.io",
            "localhost:5000/k8s",
            "k8s",
            "a/b/c",
            "Registry.example.com/x",
            "10.0.0.1:5000",
            "mirror.corp.internal/k8s",
            "a__b-c.d/e",
        ] {
            assert!(image_repository(good).is_ok(), "{good}");
        }
        for bad in ["", "https://registry.k8s.io", "a//b", "a/B", "a/", "a:x/b", "a b", "a/b:tag"] {
            assert!(image_repository(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_and_addresses() {
        assert!(subject_alternative_name("*.example.com").is_ok());
        assert!(subject_alternative_name("fd00::1").is_ok());
        assert!(subject_alternative_name("a.*.com").is_err());
        assert_eq!(ip("010.001.0.2"), "10.1.0.2".parse().ok());
        assert_eq!(ip("::ffff:10.0.0.1"), "10.0.0.1".parse().ok());
        assert_eq!(cidr("010.96.0.0/012"), "10.96.0.0/12".parse().ok());
        assert!(ip("1.+2.3.4").is_none() && cidr("10.0.0.0/+8").is_none());
        assert!(cidr("10.244.0.0/33").is_none());
        assert!(
            dns_subdomain("-a").is_err() && dns_subdomain("A").is_err() && dns_subdomain("a-.b").is_err()
        );
    }
}
