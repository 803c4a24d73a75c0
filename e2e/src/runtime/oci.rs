//! What runs containers in machines that lack a capability: the real program, behind a script.

use std::fs;
use std::os::unix::fs::PermissionsExt;

/// The script. Without CAP_SYS_RESOURCE (as in many sandboxes) no process may be made less likely to be killed, and some
/// runtimes have no setting for that. Nor have they one for a hugetlb controller of cgroup v1 beside the others of v2.
pub(crate) const SCRIPT: &str = "/run/e2e-oci";
const TEXT: &str = r#"#!/bin/sh
own=$(cat /proc/self/oom_score_adj)
unlimited='s/"hugepageLimits":\[[^]]*\],//; s/,"hugepageLimits":\[[^]]*\]//'
for word; do
    [ "$before" = --bundle ] && sed -i -E 's/"oomScoreAdj": ?-[0-9]+/"oomScoreAdj":'"$own/; $unlimited" "$word/config.json"
    before=$word
done
exec PROGRAM "$@"
"#;

/// Writes it, for `program`.
///
/// # Errors
/// When that fails.
pub(super) fn install(program: &str) -> anyhow::Result<()> {
    fs::write(SCRIPT, TEXT.replace("PROGRAM", program))?;
    fs::set_permissions(SCRIPT, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
