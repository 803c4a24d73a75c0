//! Values of flags, read as kubeadm's flag library reads them.

use crate::config::duration::GoDuration;

/// A boolean, in the spellings that Go takes.
///
/// # Errors
/// In words, when it is none.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("neither true nor false".into()),
    }
}

/// A duration such as `24h0m0s`.
///
/// # Errors
/// In words, when it is none.
pub(super) fn duration(text: &str) -> Result<GoDuration, String> {
    text.parse().map_err(|e: crate::config::duration::ParseDurationError| e.to_string())
}

/// Lists that were given as `a,b`, or as a flag more than once, or both.
pub(super) fn flat(lists: &[String]) -> Vec<String> {
    lists
        .iter()
        .flat_map(|l| l.split(','))
        .map(|s| s.trim().trim_matches('"').to_owned())
        .filter(|s| !s.is_empty())
        .collect()
}
