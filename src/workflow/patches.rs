//! The user's patches, read and tried.

use std::path::Path;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use crate::addons::{coredns, kube_proxy};
use crate::config::{Release, Settings};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::kubelet;
use crate::manifest::{self, Component, PkiFacts};
use crate::patches::{Applied, Decoded, KUBELET_CONFIGURATION, PatchSet, Typed, decode, known_targets};

/// Reads the patches folder.
pub(super) fn load(dir: &Path, release: &Release) -> Result<PatchSet, Error> {
    PatchSet::load(dir, &known_targets(release)).map_err(wrong)
}

/// Tries every patch on what it is for, so that one that can't be applied is told before anything is written.
pub(super) fn check(patches: &PatchSet, settings: &Settings) -> Result<(), Error> {
    let wanted = |target: &str| patches.patches.iter().any(|p| p.target == target);
    for component in Component::ALL.into_iter().filter(|c| wanted(c.name())) {
        let pod = manifest::render(component, settings, PkiFacts::default())?;
        try_on::<Pod>(patches, component.name(), serde_json::to_value(&pod)?)?;
    }
    if wanted(KUBELET_CONFIGURATION) {
        let configuration = kubelet::node_configuration(settings).to_value()?;
        patches.apply(KUBELET_CONFIGURATION, configuration).map_err(wrong)?;
    }
    if wanted(coredns::PATCH_TARGET) {
        let plan = coredns::plan(settings, &coredns::Existing::default())?;
        for object in plan.objects.into_iter().filter(|o| o.kind() == "Deployment") {
            try_on::<Deployment>(patches, coredns::PATCH_TARGET, object.value)?;
        }
    }
    if wanted(kube_proxy::PATCH_TARGET) {
        for object in kube_proxy::objects(settings)?.into_iter().filter(|o| o.kind() == "DaemonSet") {
            try_on::<DaemonSet>(patches, kube_proxy::PATCH_TARGET, object.value)?;
        }
    }
    Ok(())
}

/// An object with the patches for `target`, typed again.
///
/// # Errors
/// When a patch can't be applied, or its result does not fit the type.
pub(super) fn try_on<T: Typed>(
    patches: &PatchSet,
    target: &str,
    object: Value,
) -> Result<(Decoded<T>, Vec<Applied>), Error> {
    let (patched, applied) = patches.apply(target, object).map_err(wrong)?;
    let decoded = decode::<T>(patched)
        .map_err(|e| wrong(format!("{target}, with the patches for it ({}): {e}", files(&applied))))?;
    Ok((decoded, applied))
}

fn files(applied: &[Applied]) -> String {
    applied.iter().map(|patch| patch.file.as_str()).collect::<Vec<_>>().join(", ")
}

/// Patches are the user's, as the configuration is.
pub(super) fn wrong(error: impl std::fmt::Display) -> Error {
    Error::new(ExitStatus::Usage, error)
}
