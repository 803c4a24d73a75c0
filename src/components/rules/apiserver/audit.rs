//! The audit log and the audit webhook.

use super::super::super::kind::boolean;
use super::super::super::rule::{Judge, numeric, unknown_word};

/// Words that count only where there is an audit log or webhook.
const AUDIT_WORDS: &[(&str, &str, &[&str])] = &[
    ("audit-log-path", "audit-log-mode", &["batch", "blocking", "blocking-strict"]),
    ("audit-log-path", "audit-log-format", &["legacy", "json"]),
    ("audit-log-path", "audit-log-version", &["audit.k8s.io/v1"]),
    ("audit-webhook-config-file", "audit-webhook-mode", &["batch", "blocking", "blocking-strict"]),
    ("audit-webhook-config-file", "audit-webhook-version", &["audit.k8s.io/v1"]),
];

pub(super) fn audit(judge: &mut Judge<'_>) {
    let command = judge.command;
    for (with, flag, words) in AUDIT_WORDS {
        let given = command.last(flag).filter(|_| command.has(with));
        if let Some(given) = given
            && !words.contains(&given.value.as_str())
        {
            let why = unknown_word(&given.value, words);
            judge.refuse("flag-value", given, why);
        }
    }
    for (with, plugin) in [("audit-log-path", "log"), ("audit-webhook-config-file", "webhook")] {
        if !command.has(with) {
            continue;
        }
        let flag = |name: &str| format!("audit-{plugin}-{name}");
        let number = |name: &str| command.value(&flag(name)).and_then(numeric);
        // The log blocks by default, the webhook batches.
        let batches = command.value(&flag("mode")).map_or(plugin == "webhook", |mode| mode == "batch");
        for name in ["batch-buffer-size", "batch-max-size", "batch-throttle-qps", "batch-throttle-burst"] {
            let throttle = name.starts_with("batch-throttle");
            let throttles = command
                .value(&flag("batch-throttle-enable"))
                .map_or(plugin == "webhook", |value| boolean(value) == Ok(true));
            if throttle && !throttles {
                continue;
            }
            if batches
                && number(name).is_some_and(|number| number <= 0.0)
                && let Some(given) = command.last(&flag(name))
            {
                judge.refuse("flag-range", given, "must be greater than zero");
            }
        }
        let (event, batch) = (number("truncate-max-event-size"), number("truncate-max-batch-size"));
        if event.is_some_and(|event| event <= 0.0)
            && let Some(given) = command.last(&flag("truncate-max-event-size"))
        {
            judge.refuse("flag-range", given, "must be greater than zero");
        }
        // Defaults: 100 KiB an event, 10 MiB a batch.
        let given =
            command.last(&flag("truncate-max-batch-size")).or(command.last(&flag("truncate-max-event-size")));
        if batch.unwrap_or(10_485_760.0) < event.unwrap_or(102_400.0)
            && let Some(given) = given
        {
            judge.refuse("flag-pair", given, "a batch must be at least as large as an event");
        }
    }
}
