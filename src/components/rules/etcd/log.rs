//! What etcd writes down. Source: etcd 3.6, `server/embed/config_logging.go`; zap's levels; lumberjack's options.

use serde_json::Value;

use super::super::super::rule::{Judge, unknown_word};
use crate::config::etcd_version;

/// Upper or lower case.
const LEVELS: &[&str] = &["debug", "info", "warn", "error", "dpanic", "panic", "fatal"];
/// Another word for `warn`, known since etcd 3.6.6.
const WARNING: &str = "warning";

/// The options of rotation.
const ROTATION: &[&str] = &["filename", "maxsize", "maxage", "maxbackups", "localtime", "compress"];

/// Outputs that are no files.
const STREAMS: &[&str] = &["default", "stderr", "stdout", "systemd/journal"];

pub(super) fn rules(judge: &mut Judge<'_>, tag: &str) {
    let command = judge.command;
    if let Some(given) = command.last("log-level").filter(|given| !given.value.is_empty()) {
        let level = given.value.to_ascii_lowercase();
        if !(LEVELS.contains(&level.as_str()) || level == WARNING && !is_before_3_6_6(tag)) {
            let why = unknown_word(&given.value, LEVELS);
            judge.refuse("flag-value", given, why);
        }
    }
    let outputs: Vec<_> = command.items("log-outputs").collect();
    if let ([_, _, ..], Some((_, given))) =
        (outputs.as_slice(), outputs.iter().find(|(output, _)| *output == "default"))
    {
        judge.refuse("flag-value", given, "`default` excludes other outputs");
    }
    if command.is_true("enable-log-rotation") {
        rotation(judge);
    }
}

fn is_before_3_6_6(tag: &str) -> bool {
    etcd_version(tag).is_some_and(|version| version < (3, 6, Some(6)))
}

fn rotation(judge: &mut Judge<'_>) {
    let command = judge.command;
    let files = command
        .items("log-outputs")
        .filter(|(output, _)| !STREAMS.contains(output) && !output.is_empty())
        .count();
    if files != 1
        && let Some(given) = command.last("enable-log-rotation")
    {
        judge.refuse("flag-pair", given, "needs one file in `--log-outputs`");
    }
    let Some(given) = command.last("log-rotation-config-json").filter(|given| !given.value.is_empty()) else {
        return;
    };
    let why = match serde_json::from_str::<Value>(&given.value) {
        Ok(Value::Object(options))
            if options.keys().any(|name| ROTATION.contains(&name.to_lowercase().as_str())) =>
        {
            return;
        }
        Ok(_) => format!("must have at least one of {}", ROTATION.join(", ")),
        Err(error) => format!("{:?} is not JSON: {error}", given.value),
    };
    judge.refuse("flag-value", given, why);
}
