//! Images that are not on this node yet.

use super::Evidence;
use crate::finding::Finding;

pub(super) fn here(e: &Evidence) -> Vec<Finding> {
    let Some(missing) = e.missing_images.as_ref().filter(|missing| !missing.is_empty()) else {
        return vec![];
    };
    let never = e.after.node.registration.image_pull_policy == "Never";
    let finding = if never { Finding::error } else { Finding::info };
    vec![
        finding(format!("{} images are not on this node yet", missing.len()))
            .evidences(missing.iter().cloned())
            .fix("`upgrade apply` pulls them before anything is stopped; to do that now: `kubestrap config images pull --kubernetes-version VERSION`"),
    ]
}
