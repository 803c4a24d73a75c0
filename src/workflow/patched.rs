//! The user's patches, applied to what is rendered.

use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use super::patches::{try_on, wrong};
use super::run::Run;
use crate::error::Error;
use crate::patches::{Applied, Typed};

/// A Pod with the patches for `target`.
pub(crate) fn apply_pod_patches(run: &Run, target: &str, pod: &Pod) -> Result<Value, Error> {
    apply_typed_patches::<Pod>(run, target, serde_json::to_value(pod)?)
}

/// A Pod as it will be, before it is told which patches were applied.
pub(crate) fn patched_pod(run: &Run, target: &str, pod: &Pod) -> Result<Pod, Error> {
    Ok(try_on::<Pod>(run.patches()?, target, serde_json::to_value(pod)?)?.0.object)
}

/// An object of a Kubernetes type with the patches for `target`, made typed again: what does not fit is an error,
/// unknown fields are dropped, as kubeadm drops them, but told.
pub(crate) fn apply_typed_patches<T: Typed>(run: &Run, target: &str, object: Value) -> Result<Value, Error> {
    let patches = run.patches()?;
    if !patches.patches.iter().any(|p| p.target == target) {
        return Ok(object);
    }
    let (decoded, applied) = try_on::<T>(patches, target, object)?;
    tell(run, target, applied);
    for field in &decoded.dropped {
        run.out.warn(
            "patches",
            format!("{target}: the patched object has an unknown field, {field}; it is left out"),
        );
    }
    Ok(decoded.written()?)
}

/// A configuration with the patches for `target`.
pub(crate) fn apply_value_patches(run: &Run, target: &str, object: Value) -> Result<Value, Error> {
    let (patched, applied) = run.patches()?.apply(target, object).map_err(wrong)?;
    tell(run, target, applied);
    Ok(patched)
}

fn tell(run: &Run, target: &str, applied: Vec<Applied>) {
    for patch in applied {
        run.out.log(
            "patches",
            format!(
                "Applied patch of type \"{}\" to target \"{target}\" ({})",
                patch.kind.media_type(),
                patch.file
            ),
        );
    }
}
