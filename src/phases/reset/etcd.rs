//! `remove-etcd-member`.

use super::ResetContext;
use crate::phases::phase::{Outcome, PhaseResult};

/// A local etcd that is a member of a larger cluster must be taken out of it by the others, or they count it as
/// failed for ever.
pub(super) fn run(context: &mut ResetContext) -> PhaseResult {
    let manifest = context.paths.manifests.join("etcd.yaml");
    let Some(text) = context.host.read(&manifest)? else {
        return Ok(Outcome::Skipped("There is no etcd of ours on this machine".into()));
    };
    let documents = crate::yaml::parse_values(&String::from_utf8_lossy(&text)).unwrap_or_default();
    let words: Vec<String> = documents
        .first()
        .and_then(|pod| pod.pointer("/spec/containers/0/command"))
        .and_then(|c| c.as_array())
        .map(|words| words.iter().filter_map(|w| w.as_str().map(str::to_owned)).collect())
        .unwrap_or_default();
    // One that joined others was told so in its manifest.
    if words.iter().any(|w| w == "--initial-cluster-state=existing") {
        let name = words.iter().find_map(|w| w.strip_prefix("--name=")).unwrap_or("this one");
        context.out.warn(
            "reset",
            format!("this etcd, {name}, joined others: if they still run, take it out there: `etcdctl member list`, then `etcdctl member remove ID`"),
        );
    }
    Ok(Outcome::Done)
}
