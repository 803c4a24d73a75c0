//! URLs as Kubernetes' components take them apart: Go's `net/url` with its rules, not a browser's. `etcd-1:2379` has
//! a scheme there, `10.0.0.1:2379` is an error, and neither is corrected into something else.

/// The parts of a URL that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Url {
    /// In lower case; empty if there is none.
    pub scheme: String,
    /// Without an IPv6 address' brackets.
    pub host: String,
    /// Digits; empty if there are none.
    pub port: String,
    /// As written; empty if there is none.
    pub path: String,
}

/// Takes `text` apart.
///
/// # Errors
/// In words, when Go's `url.Parse` would refuse it.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    if let Some(c) = text.chars().find(char::is_ascii_control) {
        return Err(format!("{text:?} is not a URL: it holds the control character {c:?}"));
    }
    let text = text.split_once('#').map_or(text, |(url, _)| url);
    let (scheme, rest) = scheme(text)?;
    let mut url = Url { scheme: scheme.to_lowercase(), ..Url::default() };
    let rest = rest.split_once('?').map_or(rest, |(path, _)| path);
    let Some(after) = rest.strip_prefix("//").filter(|_| !scheme.is_empty() || !rest.starts_with("///"))
    else {
        let first = rest.split('/').next().unwrap_or("");
        if scheme.is_empty() && first.contains(':') {
            return Err(format!("{text:?} is not a URL: write it with its scheme, such as `https://{text}`"));
        }
        // `scheme:something` is taken as it is.
        if scheme.is_empty() || rest.starts_with('/') {
            escapes(text, rest, false)?;
            url.path = rest.to_owned();
        }
        return Ok(url);
    };
    let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
    escapes(text, path, false)?;
    url.path = path.to_owned();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host.strip_prefix('[') {
        Some(inner) => {
            let (host, port) =
                inner.rsplit_once(']').ok_or_else(|| format!("{text:?} is not a URL: `[` without `]`"))?;
            (host, port)
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    url.port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.to_owned(),
        None if port.is_empty() => String::new(),
        _ => return Err(format!("{text:?} is not a URL: {port:?} after the host is not a port")),
    };
    escapes(text, host, true)?;
    if let Some(c) = host.chars().find(|c| c.is_ascii() && !in_host(*c)) {
        return Err(format!("{text:?} is not a URL: {c:?} can't be in a host's name"));
    }
    url.host = host.to_owned();
    Ok(url)
}

/// The scheme before the first colon, and what follows it.
fn scheme(text: &str) -> Result<(&str, &str), String> {
    let name = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
    let (name, rest) = text.split_at(name);
    match rest.strip_prefix(':') {
        Some(_) if name.is_empty() => Err(format!("{text:?} is not a URL: it lacks the scheme before `:`")),
        Some(rest) if name.starts_with(|c: char| c.is_ascii_alphabetic()) => Ok((name, rest)),
        _ => Ok(("", text)),
    }
}

/// That every `%` begins an escape; in a host only bytes that no host's name may hold as they are.
fn escapes(url: &str, part: &str, in_host: bool) -> Result<(), String> {
    for escape in part.split('%').skip(1) {
        let code = escape.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if !code.is_some_and(|code| !in_host || code == b'%' || code >= 0x80) {
            return Err(format!("{url:?} is not a URL: `%` begins no escape there, such as `%20`"));
        }
    }
    Ok(())
}

fn in_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"%".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_s_rules() {
        for (text, scheme, host, port, path) in [
            ("https://10.0.0.1:2379", "https", "10.0.0.1", "2379", ""),
            ("HTTPS://a", "https", "a", "", ""),
            ("http://[fd00::1]:1/x?y", "http", "fd00::1", "1", "/x"),
            ("http://user:pw@h:1", "http", "h", "1", ""),
            ("http://:2381", "http", "", "2381", ""),
            ("unix:///run/x.sock", "unix", "", "", "/run/x.sock"),
            ("unix:/run/x.sock", "unix", "", "", "/run/x.sock"),
            ("etcd-1:2379", "etcd-1", "", "", ""),
            ("//a:1", "", "a", "1", ""),
            ("/run/x.sock", "", "", "", "/run/x.sock"),
            ("", "", "", "", ""),
        ] {
            let want = Url { scheme: scheme.into(), host: host.into(), port: port.into(), path: path.into() };
            assert_eq!(parse(text), Ok(want), "{text}");
        }
        for text in [
            "10.0.0.1:2379",
            "http://a:b",
            "http://a b",
            "http://a\u{1}",
            "http://a%zz",
            "unix:///a%zz",
            "http://[::1",
            "http://:::",
            ":x",
            " http://a:1",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
