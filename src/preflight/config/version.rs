//! The Kubernetes version that is asked for.

use crate::config::Settings;
use crate::config::release::Release;
use crate::finding::Finding;
use crate::host::machine::Machine;

/// It is of a minor that we know.
pub(crate) fn check(settings: &Settings, _: &dyn Machine) -> Vec<Finding> {
    match Release::of(&settings.cluster.version) {
        Ok(_) => vec![],
        Err(error) => vec![Finding::error(error.to_string())],
    }
}
