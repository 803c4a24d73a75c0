//! Values of flags, read as kubeadm's flag library reads them.

use std::collections::BTreeMap;

use clap::Arg;

use crate::config::duration::GoDuration;
use crate::config::{ConfigError, Problem};

/// What makes an argument a boolean flag as Go's flag library reads it: `--flag`, `--flag=true` or `--flag=false`.
pub(super) trait Boolean {
    /// The argument as a boolean flag.
    fn boolean(self) -> Self;
}

impl Boolean for Arg {
    fn boolean(self) -> Self {
        self.num_args(0..=1)
            .require_equals(true)
            .value_name("true|false")
            .default_missing_value("true")
            .value_parser(boolean)
    }
}

/// A boolean, in the spellings that Go takes.
///
/// # Errors
/// In words, when it is none.
fn boolean(text: &str) -> Result<bool, String> {
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

/// kubeadm's feature gates, given as `name=true,…`.
///
/// # Errors
/// With every part that is no such pair.
pub(super) fn feature_gates(lists: &[String]) -> Result<BTreeMap<String, bool>, ConfigError> {
    let mut gates = BTreeMap::new();
    let mut problems = vec![];
    for gate in flat(lists) {
        match gate.split_once('=').map(|(name, value)| (name.trim(), boolean(value.trim()))) {
            Some((name, Ok(value))) => {
                gates.insert(name.to_owned(), value);
            }
            _ => problems.push(Problem::new(
                "flag",
                "--feature-gates",
                format!("{gate:?}: write name=true or name=false"),
            )),
        }
    }
    if problems.is_empty() { Ok(gates) } else { Err(ConfigError { problems }) }
}
