//! Kinds of values of flags, read as Go's flag packages read them (pflag for Kubernetes, flag for etcd).

use std::net::IpAddr;

use crate::config::duration::GoDuration;
use crate::quantity;

/// A reader of one kind of value: what is wrong with it, if anything is.
type Reader = fn(&str) -> Result<(), String>;

/// The kinds, by their names in `templates/flags/`.
const KINDS: &[(&str, Reader)] = &[
    ("bool", |value| boolean(value).map(|_| ())),
    ("int", |value| integer(value, i64::MIN.into(), i64::MAX.into())),
    ("int32", |value| integer(value, i32::MIN.into(), i32::MAX.into())),
    ("int64", |value| integer(value, i64::MIN.into(), i64::MAX.into())),
    ("uint", |value| integer(value, 0, u64::MAX.into())),
    ("uint32", |value| integer(value, 0, u32::MAX.into())),
    ("uint64", |value| integer(value, 0, u64::MAX.into())),
    ("float32", float),
    ("float64", float),
    ("duration", |value| value.parse::<GoDuration>().map(|_| ()).map_err(|error| error.to_string())),
    ("string", any),
    ("strings", list),
    ("int32s", |value| items(value).try_for_each(|item| integer(item, i32::MIN.into(), i32::MAX.into()))),
    ("ip", |value| ip(value, |text| text.parse().ok())),
    ("ip-or-empty", |value| ip(value, crate::config::names::ip)),
    ("pairs", pairs),
    ("map", |value| items(value).filter(|item| !item.is_empty()).try_for_each(pair)),
    ("thresholds", |value| items(value).filter(|item| !item.is_empty()).try_for_each(threshold)),
    ("settings", any),
    // Its own rule reads it.
    ("gates", any),
    ("level", |value| match value.parse::<u32>() {
        Ok(level) if level <= i32::MAX.unsigned_abs() => Ok(()),
        _ => Err(format!("{value:?} is not a log level: write a number such as `4`")),
    }),
    ("vmodule", |value| items(value).filter(|item| !item.is_empty()).try_for_each(vmodule)),
    ("quantity", |value| quantity::canonical(value).map(|_| ()).map_err(|error| error.to_string())),
    ("cert-key", cert_key),
    ("port-range", |value| port_range(value).map(|_| ())),
    ("urls", |value| items(value).try_for_each(listen_url)),
    ("version", any),
    ("headers", any),
    ("taints", taints),
    ("reserved-memory", |value| reserved_memory(value).map(|_| ())),
];

/// What is wrong with a value of a kind; nothing where the kind is unknown.
pub(super) fn check(kind: &str, value: &str) -> Result<(), String> {
    KINDS.iter().find(|(name, _)| *name == kind).map_or(Ok(()), |(_, reader)| reader(value))
}

#[cfg(test)]
pub(super) fn is_known(kind: &str) -> bool {
    KINDS.iter().any(|(name, _)| *name == kind)
}

fn any(_: &str) -> Result<(), String> {
    Ok(())
}

/// Items of a list with commas.
fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').filter(|_| !value.is_empty())
}

/// Go's `strconv.ParseBool`.
pub(super) fn boolean(value: &str) -> Result<bool, String> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!("{value:?} is neither `true` nor `false`")),
    }
}

/// Go's `strconv.ParseInt` with base 0: `0x`, `0o`, `0b` and `0` are prefixes, `_` separates digits.
pub(super) fn number(value: &str) -> Option<i128> {
    let (negative, digits) = match value.as_bytes().first() {
        Some(b'-') => (true, value.get(1..)?),
        Some(b'+') => (false, value.get(1..)?),
        _ => (false, value),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, rest) = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| Some((radix, lower.strip_prefix(prefix)?)))
        .unwrap_or(if lower.len() > 1 && lower.starts_with('0') {
            (8, lower.get(1..)?)
        } else {
            (10, lower.as_str())
        });
    // A `_` stands between digits, or between a prefix and a digit.
    if rest.ends_with('_') || rest.contains("__") || (rest.starts_with('_') && radix == 10) {
        return None;
    }
    let rest = rest.replace('_', "");
    if !rest.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = i128::from_str_radix(&rest, radix).ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

fn integer(value: &str, least: i128, most: i128) -> Result<(), String> {
    match number(value) {
        None => Err(format!("{value:?} is not a whole number")),
        Some(number) if number < least || number > most => {
            Err(format!("{value:?} is out of range: {least} to {most}"))
        }
        Some(_) => Ok(()),
    }
}

fn float(value: &str) -> Result<(), String> {
    // Go's hexadecimal floats are left to the component.
    let hexadecimal = value.trim_start_matches(['+', '-']).to_ascii_lowercase().starts_with("0x");
    if hexadecimal || value.parse::<f64>().is_ok() {
        Ok(())
    } else {
        Err(format!("{value:?} is not a number"))
    }
}

/// `parse` is strict in pflag; Kubernetes' own flags allow leading zeros.
fn ip(value: &str, parse: fn(&str) -> Option<IpAddr>) -> Result<(), String> {
    let value = value.trim();
    if value.is_empty() || parse(value).is_some() {
        Ok(())
    } else {
        Err(format!("{value:?} is not an IP address"))
    }
}

/// pflag's map of strings: with one `=` a comma belongs to the name or the value.
fn pairs(value: &str) -> Result<(), String> {
    if value.matches('=').count() == 1 { Ok(()) } else { items(value).try_for_each(pair) }
}

/// pflag's list, a line of CSV: a quoted item is quoted as a whole.
fn list(value: &str) -> Result<(), String> {
    let wrong = || Err(format!("{value:?}: an item is quoted as a whole or not at all"));
    let mut rest = value;
    loop {
        rest = match rest.strip_prefix('"') {
            Some(quoted) => {
                let Some(after) = after_quote(quoted) else { return wrong() };
                after
            }
            None => {
                let (item, _) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                if item.contains('"') {
                    return wrong();
                }
                rest.strip_prefix(item).unwrap_or_default()
            }
        };
        rest = match rest.strip_prefix(',') {
            Some(next) => next,
            None if rest.is_empty() => return Ok(()),
            None => return wrong(),
        };
    }
}

/// What follows a quoted item; `""` in it stands for a quote.
fn after_quote(text: &str) -> Option<&str> {
    let (_, after) = text.split_once('"')?;
    match after.strip_prefix('"') {
        Some(more) => after_quote(more),
        None => Some(after),
    }
}

fn pair(item: &str) -> Result<(), String> {
    if item.contains('=') { Ok(()) } else { Err(format!("{item:?} is not a pair: write `key=value`")) }
}

fn threshold(item: &str) -> Result<(), String> {
    if item.split('<').count() == 2 {
        Ok(())
    } else {
        Err(format!("{item:?} is not a threshold: write `memory.available<100Mi`"))
    }
}

fn vmodule(item: &str) -> Result<(), String> {
    let level = item.split_once('=').filter(|(pattern, _)| !pattern.is_empty());
    if level
        .is_some_and(|(_, level)| level.parse::<u32>().is_ok_and(|level| level <= i32::MAX.unsigned_abs()))
    {
        return Ok(());
    }
    Err(format!("{item:?} sets no file's log level: write `file=4`"))
}

fn cert_key(value: &str) -> Result<(), String> {
    let files = value.split(':').next().unwrap_or_default();
    if files.split(',').count() == 2 && files.split(',').all(|file| !file.trim().is_empty()) {
        return Ok(());
    }
    Err(format!(
        "{value:?} is not a certificate with its key: write `cert.pem,key.pem` or `cert.pem,key.pem:name,name`"
    ))
}

/// The taints of kubelet's flag: `key=value:effect` or `key:effect`.
fn taints(value: &str) -> Result<(), String> {
    use super::rules::kubelet::{name, qualified};
    let mut seen = vec![];
    for item in items(value) {
        let spelt = || format!("{item:?} is not a taint: write `key=value:NoSchedule` or `key:NoSchedule`");
        // One that ends with `-` takes a taint away, and is read in the same way.
        let (adds, bare) = item.strip_suffix('-').map_or((true, item), |bare| (false, bare));
        let (pair, effect) = match bare.split_once(':') {
            Some((pair, effect)) => (pair, Some(effect)),
            None => (bare, None),
        };
        let (key, value) = match effect {
            Some(_) => pair.split_once('=').unwrap_or((pair, "")),
            None => (pair, ""),
        };
        let known = effect.is_none_or(|effect| super::TAINT_EFFECTS.contains(&effect));
        if !known {
            return Err(format!("{item:?}: the effect must be {}", super::TAINT_EFFECTS.join(", ")));
        }
        if !qualified(key) || !(value.is_empty() || name(value)) || (adds && effect.is_none()) {
            return Err(spelt());
        }
        if adds && seen.contains(&(key, effect)) {
            return Err(format!("{item:?}: key and effect are given twice"));
        }
        seen.extend(adds.then_some((key, effect)));
    }
    Ok(())
}

/// What is reserved of a NUMA node: its number, and how much of what.
type Reserved<'a> = (i32, Vec<(&'a str, &'a str)>);

/// The memory that kubelet's flag reserves.
pub(super) fn reserved_memory(value: &str) -> Result<Vec<Reserved<'_>>, String> {
    value.split(';').filter(|_| !value.is_empty()).map(reserved_of_node).collect()
}

fn reserved_of_node(part: &str) -> Result<Reserved<'_>, String> {
    let spelt = || format!("{part:?} reserves no memory: write `0:memory=1Gi,hugepages-2M=1Gi`");
    let (node, limits) = part.split_once(':').filter(|(_, rest)| !rest.contains(':')).ok_or_else(spelt)?;
    let node = node.parse().map_err(|_| spelt())?;
    let mut reserved = vec![];
    for item in limits.split(',') {
        let (kind, amount) = item.split_once('=').ok_or_else(spelt)?;
        if kind != "memory" && !kind.starts_with("hugepages-") {
            return Err(format!("{item:?}: only memory and hugepages-SIZE can be reserved"));
        }
        quantity::canonical(amount).map_err(|error| error.to_string())?;
        reserved.push((kind, amount));
    }
    Ok((node, reserved))
}

/// Kubernetes' `PortRange`: `80`, `80-90` or `80+10`.
pub(super) fn port_range(value: &str) -> Result<(u16, u16), String> {
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
fn listen_url(item: &str) -> Result<(), String> {
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
pub(super) fn host_and_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(host) => host.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    (!host.contains(['[', ']']) && !port.contains(['[', ']'])).then_some((host, port))
}

/// The host of a URL that etcd listens at, its address where it is one, and its port.
pub(super) fn url_host(item: &str) -> Option<(&str, Option<IpAddr>, &str)> {
    let (scheme, rest) = item.trim().split_once("://")?;
    if scheme.starts_with("unix") {
        return None;
    }
    let (host, port) = host_and_port(rest)?;
    Some((host, host.parse().ok(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_go_reads_them() {
        for (kind, good, bad) in [
            ("bool", &["true", "T", "0", "False"][..], &["yes", "no", "", "on", "tRUE"][..]),
            (
                "int",
                &["0", "-3", "+3", "0x1F", "0777", "0b11", "0x_1f", "1_000", "9223372036854775807"],
                &["", "30d", "1.0", "1__0", "_1", "08", "9223372036854775808", "1 ", "0x"],
            ),
            ("int32", &["2147483647"], &["2147483648", "3000000000"]),
            ("uint", &["0", "100"], &["-1", "8G"]),
            ("float64", &["0.5", "1e-3", ".5", "5.", "inf", "0x1p-2"], &["", "0,5", "half"]),
            ("duration", &["0", "1h30m", "-5s", "1.5h"], &["", "30d", "5", "1 h"]),
            ("ip", &["192.0.2.1", "::1", "", " ::1 "], &["localhost", "192.0.2", "1.2.3.4:5", "010.0.0.1"]),
            ("ip-or-empty", &["010.0.0.1", ""], &["localhost"]),
            ("pairs", &["a=b,c=d", "", "m,l=a,b"], &["a", "a=b,c,d=e"]),
            ("strings", &["a,b", "", "\"a,b\",c", "\"a\"\"b\"", "a,"], &["\"a", "a\"b\"", "\"a\"b"]),
            ("thresholds", &["memory.available<5%", ""], &["memory.available=5%"]),
            ("level", &["4"], &["-1", "four", "2.5", "2147483648"]),
            ("vmodule", &["a=1,b*=2"], &["a", "=2", "a=x"]),
            ("quantity", &["1Gi", "0"], &["10MB", "1GiB"]),
            ("cert-key", &["a,b", "a,b:x,y", "a,b:c:d"], &["a", "a,b,c"]),
            ("port-range", &["30000-32767", "80+10", "80", ""], &["90-80", "x", "1-70000", "-1"]),
            (
                "urls",
                &["https://192.0.2.1:2379", "http://[::1]:1,http://x:2", "unix://x"],
                &["192.0.2.1:2379", "ftp://x:1", "http://x", "http://x:1/y"],
            ),
            ("int32s", &["1,2", ""], &["1,x"]),
            (
                "taints",
                &["", "a=b:NoSchedule", "a:NoExecute,example.org/a:NoSchedule", "a-", "a:NoSchedule-"],
                &["a", "a=b", "a:Never", "a=b=c:NoSchedule", "a b:NoSchedule", "a:NoSchedule,a=b:NoSchedule"],
            ),
            (
                "reserved-memory",
                &["", "0:memory=1Gi", "0:memory=1Gi,hugepages-2M=4Mi;1:memory=0"],
                &["0", "x:memory=1Gi", "0:memory", "0:cpu=1", "0:memory=1GiB", "0:memory=1Gi:1", ";"],
            ),
        ] {
            for value in good {
                assert_eq!(check(kind, value), Ok(()), "{kind} {value:?}");
            }
            for value in bad {
                assert!(check(kind, value).is_err(), "{kind} {value:?}");
            }
        }
    }
}
