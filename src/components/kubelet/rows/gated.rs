//! Fields that came with a feature gate: the shutdown of a node, swap, the pause after crashes, the verification of pulled
//! images.

use super::{Row, row};
use crate::config::duration::GoDuration;

/// The rows, in the order of kubelet's validation.
pub(super) const ROWS: &[Row] = &[
    row(
        "shutdownGracePeriodCriticalPods",
        |c| {
            c.on("GracefulNodeShutdown")
                && c.k.shutdown_grace_period_critical_pods > c.k.shutdown_grace_period
        },
        "must not be longer than `shutdownGracePeriod`",
    ),
    row(
        "shutdownGracePeriod",
        |c| c.on("GracefulNodeShutdown") && too_short(c.k.shutdown_grace_period),
        "must be 0 or at least 1s",
    ),
    row(
        "shutdownGracePeriodCriticalPods",
        |c| c.on("GracefulNodeShutdown") && too_short(c.k.shutdown_grace_period_critical_pods),
        "must be 0 or at least 1s",
    ),
    row(
        "shutdownGracePeriod",
        |c| {
            !c.on("GracefulNodeShutdown")
                && (c.k.shutdown_grace_period.0 > 0 || c.k.shutdown_grace_period_critical_pods.0 > 0)
        },
        "needs the feature gate GracefulNodeShutdown",
    ),
    row(
        "shutdownGracePeriodByPodPriority",
        |c| {
            c.on("GracefulNodeShutdownBasedOnPodPriority")
                && !c.k.shutdown_grace_period_by_pod_priority.is_empty()
                && (c.k.shutdown_grace_period.0 > 0 || c.k.shutdown_grace_period_critical_pods.0 > 0)
        },
        "excludes `shutdownGracePeriod` and `shutdownGracePeriodCriticalPods`",
    ),
    row(
        "shutdownGracePeriodByPodPriority",
        |c| {
            !c.on("GracefulNodeShutdownBasedOnPodPriority")
                && !c.k.shutdown_grace_period_by_pod_priority.is_empty()
        },
        "needs the feature gate GracefulNodeShutdownBasedOnPodPriority",
    ),
    row(
        "memorySwap.swapBehavior",
        |c| {
            c.on("NodeSwap")
                && !["", "NoSwap", "LimitedSwap"].contains(&c.k.memory_swap.swap_behavior.as_str())
        },
        "must be NoSwap or LimitedSwap (UnlimitedSwap was removed in 1.30)",
    ),
    row(
        "memorySwap.swapBehavior",
        |c| !c.on("NodeSwap") && !c.k.memory_swap.swap_behavior.is_empty(),
        "needs the feature gate NodeSwap",
    ),
    row(
        "crashLoopBackOff.maxContainerRestartPeriod",
        |c| {
            c.on("KubeletCrashLoopBackOffMax")
                && c.k
                    .crash_loop_back_off
                    .max_container_restart_period
                    .is_some_and(|period| !(1000..=300_000).contains(&(period.0 / 1_000_000)))
        },
        "must be 1s to 300s",
    ),
    row(
        "crashLoopBackOff.maxContainerRestartPeriod",
        |c| {
            !c.on("KubeletCrashLoopBackOffMax")
                && c.k.crash_loop_back_off.max_container_restart_period.is_some()
        },
        "needs the feature gate KubeletCrashLoopBackOffMax",
    ),
    row(
        "imagePullCredentialsVerificationPolicy",
        |c| {
            let policy = c.k.image_pull_credentials_verification_policy.as_str();
            c.on("KubeletEnsureSecretPulledImages")
                && ![
                    "",
                    "NeverVerify",
                    "NeverVerifyPreloadedImages",
                    "NeverVerifyAllowlistedImages",
                    "AlwaysVerify",
                ]
                .contains(&policy)
        },
        "must be NeverVerify, NeverVerifyPreloadedImages, NeverVerifyAllowlistedImages or AlwaysVerify",
    ),
    row(
        "imagePullCredentialsVerificationPolicy",
        |c| {
            !c.on("KubeletEnsureSecretPulledImages")
                && !c.k.image_pull_credentials_verification_policy.is_empty()
        },
        "needs the feature gate KubeletEnsureSecretPulledImages",
    ),
    row(
        "preloadedImagesVerificationAllowlist",
        |c| {
            !c.k.preloaded_images_verification_allowlist.is_empty()
                && (!c.on("KubeletEnsureSecretPulledImages")
                    || c.k.image_pull_credentials_verification_policy != "NeverVerifyAllowlistedImages")
        },
        "needs `imagePullCredentialsVerificationPolicy: NeverVerifyAllowlistedImages` and the feature gate KubeletEnsureSecretPulledImages",
    ),
];

/// More than nothing and less than a second.
fn too_short(duration: GoDuration) -> bool {
    duration.0 != 0 && duration.0 < super::SECOND
}
