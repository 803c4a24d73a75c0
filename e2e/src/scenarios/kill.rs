//! `init` that is killed, and run again.

use std::time::Duration;

use anyhow::{Context, ensure};

use crate::config::Config;
use crate::kill::{When, killed};
use crate::left::Left;
use crate::node::{CONFIG, Node};
use crate::{cluster, fresh};

/// More runs than `init` writes files, twice.
const MOST_WRITES: usize = 200;

/// At moments spread over the whole course of a clean `init`, each on a fresh node; what the second run leaves is what
/// the clean one left.
pub(super) fn at_moments(node: &Node) -> anyhow::Result<()> {
    let (clean, whole) = clean(node)?;
    let ignored = node.prepare_init(&Config::default())?;
    let mut interrupted = 0;
    for number in 1..=node.plan.kills {
        let moment = whole.mul_f64(f64::from(number) / f64::from(node.plan.kills + 1));
        let at_work = killed(node, &["init", "--config", CONFIG, &ignored], When::After(moment))?;
        interrupted += u32::from(at_work);
        again(node, &clean)
            .with_context(|| format!("after it was killed at {:.2} s", moment.as_secs_f64()))?;
    }
    ensure!(interrupted > 0, "no run was still at work when it was killed");
    node.note(format!("{interrupted} runs killed"));
    Ok(())
}

/// At every file: as it is begun, and as it is put in its place. Each run goes on where the one before was killed.
pub(super) fn at_writes(node: &Node) -> anyhow::Result<()> {
    let (clean, _) = clean(node)?;
    let ignored = node.prepare_init(&Config::default())?;
    for number in 0..MOST_WRITES {
        // A file that is only begun is begun again by the next run: every second one must get it done.
        let when = When::Write(number % 2 + 1);
        if !killed(node, &["init", "--config", CONFIG, &ignored], when)? {
            node.note(format!("{number} runs killed"));
            ensure!(number > 20, "only {number} writes were seen");
            return again(node, &clean);
        }
    }
    anyhow::bail!("{MOST_WRITES} runs, and still there are files to be written");
}

/// What a run that nobody disturbs leaves, and how long it takes. The node is fresh again afterwards.
fn clean(node: &Node) -> anyhow::Result<(Left, Duration)> {
    let whole = node.init()?.elapsed;
    cluster::healthy(node)?;
    cluster::finished(node)?;
    let left = Left::of(node)?;
    node.reset()?;
    fresh::assert(node)?;
    Ok((left, whole))
}

/// Runs `init` once more: it must leave what a clean one does. Then the node is made fresh.
fn again(node: &Node, clean: &Left) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    cluster::finished(node)?;
    clean.same_as(&Left::of(node)?)?;
    node.reset()?;
    fresh::assert(node)
}
