//! Images on their way to a machine without a registry.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, ensure};

use crate::node::Node;
use crate::runtime::containerd::{SECOND, USUAL, configuration, start_at};

const ARCHIVE: &str = "/var/lib/images.tar";

/// What one containerd holds comes whole into another, or not at all.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let version = ["--kubernetes-version", &node.plan.version];
    let images = |args: &[&str]| node.run("kubestrap", &[&["config", "images"], args, &version].concat());
    let exported = images(&["export", ARCHIVE])?.success()?;
    let megabytes = fs::metadata(ARCHIVE)?.len() >> 20;
    node.note(format!("{megabytes} MiB exported in {:.1} s", exported.elapsed.as_secs_f64()));
    images(&["export", "/var/lib/again.tar"])?.success()?;
    ensure!(fs::read(ARCHIVE)? == fs::read("/var/lib/again.tar")?, "a second archive differs");
    let refused = images(&["export", ARCHIVE])?;
    ensure!(refused.code == Some(1), "an archive was overwritten");

    let second = start_at(&SECOND, &configuration(node.plan.pause()))?;
    let endpoint = format!("unix://{}", SECOND.socket);
    let import = |archive: &str| images(&["import", archive, "--cri-socket", &endpoint]);
    // In the first blob, a manifest, and in the middle of a layer.
    for at in [600, megabytes * 1024 * 512] {
        flip(Path::new("/var/lib/again.tar"), at)?;
        let refused = import("/var/lib/again.tar")?;
        ensure!(refused.code == Some(1), "byte {at} was flipped, and the archive imported");
        ensure!(refused.stderr.contains("nothing was imported"), "{}", refused.stderr);
        ensure!(held(node, SECOND.socket)?.is_empty(), "something of a damaged archive was imported");
        flip(Path::new("/var/lib/again.tar"), at)?;
    }
    let imported = import(ARCHIVE)?.success()?;
    node.note(format!("imported in {:.1} s", imported.elapsed.as_secs_f64()));
    let there = held(node, SECOND.socket)?;
    let listed = images(&["list"])?.success()?.stdout;
    ensure!(listed.lines().count() == there.len(), "not those of the list: {there:?}");
    let here = held(node, USUAL.socket)?;
    for (name, digest) in &there {
        ensure!(here.get(name) == Some(digest), "{name} is {digest} there and {:?} here", here.get(name));
    }
    // Of what an image needs to run, nothing is missing.
    let ctr = |args: &[&str]| {
        let all = [&["--address", SECOND.socket, "--namespace", "k8s.io", "images"], args].concat();
        node.run("ctr", &all)?.success()
    };
    let complete = ctr(&["check", "--quiet"])?.stdout;
    for name in there.keys() {
        ensure!(
            complete.lines().any(|line| line.starts_with(name.as_str())),
            "{name} is not complete: {complete}"
        );
    }
    second.stop()
}

/// The named images of a containerd, with their digests.
fn held(node: &Node, socket: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let listed =
        node.run("ctr", &["--address", socket, "--namespace", "k8s.io", "images", "list"])?.success()?;
    let rows = listed.stdout.lines().skip(1).filter(|line| !line.starts_with("sha256:"));
    rows.map(|line| {
        let mut columns = line.split_whitespace();
        let name = columns.next().context("an image without a name")?;
        Ok((name.to_owned(), columns.nth(1).context("an image without a digest")?.to_owned()))
    })
    .collect()
}

/// Flips a bit of a file.
fn flip(file: &Path, at: u64) -> anyhow::Result<()> {
    let file = fs::OpenOptions::new().read(true).write(true).open(file)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    file.write_all_at(&byte.map(|b| b ^ 1), at)?;
    Ok(())
}
