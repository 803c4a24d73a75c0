//! Images on their way to a machine without a registry.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::command::Output;
use crate::node::Node;
use crate::runtime::Runtime;
use crate::runtime::containerd::{SECOND, USUAL, configuration, start_at};

const ARCHIVE: &str = "/var/lib/images.tar";
/// The same once more.
const AGAIN: &str = "/var/lib/again.tar";

/// What one runtime holds comes whole into another, or not at all.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let exported = images(node, &["export", ARCHIVE])?.success()?;
    let megabytes = fs::metadata(ARCHIVE)?.len() >> 20;
    node.note(format!("{megabytes} MiB exported in {:.1} s", exported.elapsed.as_secs_f64()));
    images(node, &["export", AGAIN])?.success()?;
    ensure!(fs::read(ARCHIVE)? == fs::read(AGAIN)?, "a second archive differs");
    let refused = images(node, &["export", ARCHIVE])?;
    ensure!(refused.code == Some(1), "an archive was overwritten");
    match node.plan.runtime {
        Runtime::Containerd => into_second_containerd(node, megabytes),
        Runtime::Crio | Runtime::Docker => back(node, megabytes),
    }
}

fn images(node: &Node, args: &[&str]) -> anyhow::Result<Output> {
    let version = ["--kubernetes-version", &node.plan.version];
    node.run("kubestrap", &[&["config", "images"], args, &version].concat())
}

/// Of an archive with a flipped bit nothing comes in, neither one in the first blob, a manifest, nor one in the middle of
/// a layer.
fn damaged(
    node: &Node,
    megabytes: u64,
    more: &[&str],
    held: impl Fn() -> anyhow::Result<BTreeMap<String, String>>,
) -> anyhow::Result<()> {
    for at in [600, megabytes * 1024 * 512] {
        flip(Path::new(AGAIN), at)?;
        let refused = images(node, &[&["import", AGAIN], more].concat())?;
        ensure!(refused.code == Some(1), "byte {at} was flipped, and the archive imported");
        ensure!(refused.stderr.contains("nothing was imported"), "{}", refused.stderr);
        ensure!(held()?.is_empty(), "something of a damaged archive was imported");
        flip(Path::new(AGAIN), at)?;
    }
    Ok(())
}

/// The images of the list, which are all that was imported, are those that were exported.
fn same(
    node: &Node,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> anyhow::Result<()> {
    let listed = images(node, &["list"])?.success()?.stdout;
    ensure!(listed.lines().count() == after.len(), "not those of the list: {after:?}");
    for (name, digest) in after {
        ensure!(before.get(name) == Some(digest), "{name} is {digest} now and was {:?}", before.get(name));
    }
    Ok(())
}

/// CRI-O and Docker have one storage: the images are removed and come back.
fn back(node: &Node, megabytes: u64) -> anyhow::Result<()> {
    let list: Vec<String> =
        images(node, &["list"])?.success()?.stdout.split_whitespace().map(str::to_owned).collect();
    let held = || -> anyhow::Result<BTreeMap<String, String>> {
        Ok(list.iter().filter_map(|name| Some((name.clone(), node.plan.runtime.image_id(name)?))).collect())
    };
    let before = held()?;
    let remove_all = || list.iter().try_for_each(|name| node.plan.runtime.remove(name));
    remove_all()?;
    damaged(node, megabytes, &[], held)?;
    let imported = images(node, &["import", ARCHIVE])?.success()?;
    node.note(format!("imported in {:.1} s", imported.elapsed.as_secs_f64()));
    same(node, &before, &held()?)?;

    as_others_write(node)?;
    remove_all()?;
    images(node, &["import", AGAIN])?.success()?;
    same(node, &before, &held()?)
}

/// Makes the second archive one of a program that does not know Docker, and names images as containerd's does.
fn as_others_write(node: &Node) -> anyhow::Result<()> {
    let folder = "/var/lib/again";
    fs::create_dir_all(folder)?;
    let tar = |args: &[&str]| {
        let all = [&["--file", AGAIN, "--directory", folder], args].concat();
        node.run("tar", &all)?.success().map(drop)
    };
    tar(&["--extract"])?;
    fs::remove_file(Path::new(folder).join("manifest.json"))?;
    let index = Path::new(folder).join("index.json");
    let mut content: Value = serde_json::from_str(&fs::read_to_string(&index)?)?;
    for image in content.get_mut("manifests").and_then(Value::as_array_mut).into_iter().flatten() {
        let names = image.get_mut("annotations").and_then(Value::as_object_mut).context("no names")?;
        let name = names.get("io.containerd.image.name").and_then(Value::as_str).unwrap_or_default();
        let tag = name.rsplit(':').next().unwrap_or_default().to_owned();
        names.insert("org.opencontainers.image.ref.name".to_owned(), tag.into());
    }
    fs::write(index, content.to_string())?;
    tar(&["--create", "."])
}

fn into_second_containerd(node: &Node, megabytes: u64) -> anyhow::Result<()> {
    let second = start_at(&SECOND, &configuration(node.plan.pause()))?;
    let endpoint = format!("unix://{}", SECOND.socket);
    let there = || held(node, SECOND.socket);
    damaged(node, megabytes, &["--cri-socket", &endpoint], there)?;
    let imported = images(node, &["import", ARCHIVE, "--cri-socket", &endpoint])?.success()?;
    node.note(format!("imported in {:.1} s", imported.elapsed.as_secs_f64()));
    let there = there()?;
    same(node, &held(node, USUAL.socket)?, &there)?;
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
