//! How objects are stored in etcd.

use super::super::super::rule::{Judge, unknown_word};

pub(super) fn encryption(judge: &mut Judge<'_>) {
    let command = judge.command;
    let reload = "encryption-provider-config-automatic-reload";
    if command.is_true(reload)
        && !command.has("encryption-provider-config")
        && let Some(given) = command.last(reload)
    {
        judge.refuse("flag-pair", given, "needs `--encryption-provider-config`");
    }
}

pub(super) fn storage(judge: &mut Judge<'_>) {
    let command = judge.command;
    let media = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
    if let Some(given) = command.last("storage-media-type").filter(|given| !given.value.is_empty())
        && !media.contains(&given.value.as_str())
        && !(given.value == "application/cbor" && command.has("feature-gates"))
    {
        let why = unknown_word(&given.value, &media);
        judge.refuse("flag-value", given, why);
    }
    for (item, given) in command.items("watch-cache-sizes") {
        let size = item.split_once('#').and_then(|(_, size)| size.parse::<u64>().ok());
        if size.is_none() {
            judge.refuse(
                "flag-value",
                given,
                format!("{item:?} is not a size: write `resource#100`, such as `pods#100`"),
            );
        }
    }
    for (item, given) in command.items("etcd-servers-overrides") {
        // `group/resource#server;server`.
        let parts: Vec<&str> = item.split('#').collect();
        let resource = parts.first().map_or(0, |resource| resource.split('/').count());
        let blank = parts.get(1).is_some_and(|servers| servers.split(';').any(str::is_empty));
        if parts.len() != 2 || resource != 2 || (blank && command.minor >= 34) {
            let why = format!("{item:?} is not an override: write `group/resource#https://192.0.2.10:2379`");
            judge.refuse("flag-value", given, why);
        }
    }
}
