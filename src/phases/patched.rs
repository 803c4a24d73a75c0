//! The user's patches, applied to what is rendered.

use std::path::Path;

use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use super::context::InitContext;
use super::phase::PhaseError;
use crate::config::Release;
use crate::patches::{PatchSet, Typed, decode, known_targets};

/// Reads the patches folder.
pub(super) fn load(dir: &Path, release: &Release) -> Result<PatchSet, PhaseError> {
    Ok(PatchSet::load(dir, &known_targets(u32::try_from(release.minor).unwrap_or_default()))?)
}

/// A Pod with the patches for `target`.
pub(super) fn pod(context: &InitContext, target: &str, pod: &Pod) -> Result<Value, PhaseError> {
    typed::<Pod>(context, target, serde_json::to_value(pod)?)
}

/// An object of a Kubernetes type with the patches for `target`, made typed again: what does not fit is an error,
/// unknown fields are dropped, as kubeadm drops them, but told.
pub(super) fn typed<T: Typed>(
    context: &InitContext,
    target: &str,
    object: Value,
) -> Result<Value, PhaseError> {
    if !context.patches()?.patches.iter().any(|p| p.target == target) {
        return Ok(object);
    }
    let patched = value(context, target, object)?;
    let decoded = decode::<T>(patched)?;
    for field in &decoded.dropped {
        context.out.warn(
            "patches",
            format!("{target}: the patched object has an unknown field, {field}; it is left out"),
        );
    }
    Ok(serde_json::to_value(&decoded.object)?)
}

/// A configuration with the patches for `target`.
pub(super) fn value(context: &InitContext, target: &str, object: Value) -> Result<Value, PhaseError> {
    let (patched, applied) = context.patches()?.apply(target, object)?;
    for patch in applied {
        context.out.log(
            "patches",
            format!(
                "Applied patch of type \"{}\" to target \"{target}\" ({})",
                patch.kind.media_type(),
                patch.file
            ),
        );
    }
    Ok(patched)
}
