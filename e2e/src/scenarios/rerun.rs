//! `init` where there is nothing to do.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;

use crate::cluster;
use crate::command::Output;
use crate::left::PLACES;
use crate::node::Node;

/// How long it may take: nothing is made, and nothing is waited for.
const LIMIT: Duration = Duration::from_secs(2);

/// Runs it.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    changes_nothing(node, || node.init())
}

/// Runs `init` once more on a healthy node: it changes no file and restarts nothing.
pub(super) fn changes_nothing(node: &Node, init: impl Fn() -> anyhow::Result<Output>) -> anyhow::Result<()> {
    let files = files()?;
    let containers = cluster::containers(node)?;
    let processes = node.processes("kubelet");
    let took = init()?.elapsed;
    ensure!(took < LIMIT, "the second init took {:.1} s", took.as_secs_f64());
    cluster::healthy(node)?;
    let changed: Vec<_> = differences(&files, &self::files()?);
    ensure!(changed.is_empty(), "the second init touched {changed:?}");
    ensure!(cluster::containers(node)? == containers, "the second init restarted containers");
    ensure!(node.processes("kubelet") == processes, "the second init restarted kubelet");
    Ok(())
}

/// A file's inode, length, and when it was changed last.
type Identity = (u64, u64, i64, i64);

fn files() -> anyhow::Result<BTreeMap<PathBuf, Identity>> {
    let mut found = BTreeMap::new();
    for path in PLACES {
        collect(Path::new(path), &mut found)?;
    }
    Ok(found)
}

fn collect(path: &Path, found: &mut BTreeMap<PathBuf, Identity>) -> anyhow::Result<()> {
    let Ok(about) = path.symlink_metadata() else { return Ok(()) };
    found.insert(path.to_owned(), (about.ino(), about.len(), about.mtime(), about.mtime_nsec()));
    if about.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), found)?;
        }
    }
    Ok(())
}

fn differences(before: &BTreeMap<PathBuf, Identity>, after: &BTreeMap<PathBuf, Identity>) -> Vec<PathBuf> {
    let paths = before.keys().chain(after.keys().filter(|p| !before.contains_key(*p)));
    paths.filter(|p| before.get(*p) != after.get(*p)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_lost_and_changed_files_are_seen() {
        let id = |n| (n, 0, 0, 0);
        let before =
            BTreeMap::from([("same".into(), id(1)), ("lost".into(), id(2)), ("changed".into(), id(3))]);
        let after =
            BTreeMap::from([("same".into(), id(1)), ("new".into(), id(4)), ("changed".into(), id(5))]);
        let mut got = differences(&before, &after);
        got.sort();
        assert_eq!(got, [PathBuf::from("changed"), "lost".into(), "new".into()]);
    }
}
