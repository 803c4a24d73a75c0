//! Whole dry runs: all that `init` makes, without a cluster.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::measure::{Run, run};
use super::report::{Measured, Report};
use e2e::command;

/// The keys, and how much of kubeadm's time is allowed. RSA's keys take their time whoever makes them.
pub(super) const ALGORITHMS: &[(&str, f64)] = &[("RSA-2048", 0.6), ("ECDSA-P256", 0.15)];
/// How much of kubeadm's memory is allowed.
const MEMORY: f64 = 0.4;

/// Compares the two.
///
/// # Errors
/// When one of them fails.
pub(super) fn compare(
    (algorithm, limit): &(&str, f64),
    kubeadm: &Path,
    kubestrap: &Path,
    runs: u16,
    report: &mut Report,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let version =
        command::run(Command::new(kubeadm).args(["version", "--output", "short"]))?.success()?.stdout;
    let config = folder.path().join("config.yaml");
    fs::write(
        &config,
        format!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: {}\n\
             encryptionAlgorithm: {algorithm}\n",
            version.trim()
        ),
    )?;
    let (mut theirs, mut ours, mut kept) = (vec![], vec![], vec![]);
    for number in 0..runs {
        let place = folder.path().join(format!("kubeadm-{number}"));
        fs::create_dir(&place)?;
        theirs.push(once(kubeadm, &config, |c| c.env("KUBEADM_INIT_DRYRUN_DIR", &place))?);
        ours.push(once(kubestrap, &config, |c| c)?);
        // kubeadm always leaves its files somewhere; here only who asks for them gets them, with a key of its own in each.
        let place = folder.path().join(format!("kubestrap-{number}"));
        kept.push(once(kubestrap, &config, |c| c.arg("--dry-run-dir").arg(&place))?);
        let made = place.join("etc/kubernetes/pki/ca.crt");
        made.metadata().with_context(|| format!("{} was not made", made.display()))?;
    }
    report.section(&format!("dry run, {algorithm}, {runs} runs of each"));
    report.seconds(
        "wall time",
        Measured::of(&theirs, |r| r.seconds),
        Measured::of(&ours, |r| r.seconds),
        *limit,
    );
    report.unlimited(
        "wall time, result kept",
        Measured::of(&theirs, |r| r.seconds),
        Measured::of(&kept, |r| r.seconds),
    );
    report.unlimited(
        "processor time",
        Measured::of(&theirs, |r| r.processor),
        Measured::of(&ours, |r| r.processor),
    );
    report.memory(
        "peak memory",
        Measured::of(&theirs, |r| r.memory),
        Measured::of(&kept, |r| r.memory),
        MEMORY,
    );
    Ok(())
}

fn once(
    program: &Path,
    config: &Path,
    more: impl FnOnce(&mut Command) -> &mut Command,
) -> anyhow::Result<Run> {
    let mut command = Command::new(program);
    command.args(["init", "--dry-run", "--ignore-preflight-errors=all", "--config"]).arg(config);
    more(&mut command);
    Ok(run(&mut command)?.0)
}
