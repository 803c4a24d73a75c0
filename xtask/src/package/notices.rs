//! The licences of the crates that the program is linked with: who passes it on must pass these on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use e2e::command::check;
use e2e::json::at;

/// How names of files with licences begin.
const LICENSES: &[&str] = &["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];

/// One text: each crate with its licence, then each text once.
///
/// # Errors
/// When cargo does not tell, or a file can't be read.
pub(super) fn collect() -> anyhow::Result<String> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let args = ["metadata", "--format-version", "1", "--locked", "--filter-platform", &target];
    let metadata: Value = serde_json::from_str(&check("cargo", &args)?.stdout)?;
    let linked = linked(&metadata).context("cargo metadata does not tell what kubestrap is linked with")?;
    let mut crates = String::new();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in list(at(&metadata, "/packages")).filter(|p| linked.contains(text(p, "/id"))) {
        let name = format!("{} {}", text(package, "/name"), text(package, "/version"));
        writeln!(crates, "{name}: {} ({})", text(package, "/license"), text(package, "/repository"))?;
        let manifest = Path::new(text(package, "/manifest_path"));
        for file in license_files(manifest.parent().unwrap_or(manifest))? {
            let bytes = fs::read(&file).with_context(|| format!("{} can't be read", file.display()))?;
            texts.entry(String::from_utf8_lossy(&bytes).trim().to_owned()).or_default().push(name.clone());
        }
    }
    for (license, names) in texts {
        write!(crates, "\n{}\n{}:\n\n{license}\n", "-".repeat(80), names.join(", "))?;
    }
    Ok(crates)
}

/// The ids of what kubestrap is linked with: not what only builds or tests it, nor itself.
fn linked(metadata: &Value) -> Option<BTreeSet<&str>> {
    let nodes: BTreeMap<&str, &Value> =
        list(at(metadata, "/resolve/nodes")).map(|node| (text(node, "/id"), node)).collect();
    let packages = || list(at(metadata, "/packages"));
    let own = packages().find(|p| text(p, "/name") == "kubestrap").map(|p| text(p, "/id"))?;
    let mut found = BTreeSet::new();
    let mut open = vec![own];
    while let Some(id) = open.pop() {
        for dependency in list(at(nodes.get(id)?, "/deps")) {
            let normal = list(at(dependency, "/dep_kinds")).any(|kind| at(kind, "/kind").is_null());
            let id = text(dependency, "/pkg");
            if normal && found.insert(id) {
                open.push(id);
            }
        }
    }
    Some(found)
}

fn license_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = vec![];
    for entry in fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if entry.file_type()?.is_file() && LICENSES.iter().any(|l| name.starts_with(l)) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    at(value, pointer).as_str().unwrap_or_default()
}
