//! Kinds of values of flags, read as Go's flag packages read them (pflag for Kubernetes, flag for etcd).

mod address;
mod node;

use crate::config::duration::GoDuration;
use crate::quantity;
pub(super) use address::{host_and_port, port_range, url_host};
use address::{ip, listen_url};
pub(super) use node::reserved_memory;
use node::{taints, threshold};

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

#[cfg(test)]
mod tests;
