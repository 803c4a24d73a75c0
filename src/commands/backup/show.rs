//! `backup --list` and `backup --verify`.

use std::path::Path;

use serde_json::json;

use super::KeySource;
use crate::backup::{self, Archive, Manifest};
use crate::commands::etcd::size;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;
use crate::output::table::columns;

/// Shows what is in an archive, without its content.
///
/// # Errors
/// When it can't be decrypted, or is not good.
pub(crate) fn list(path: &Path, key: &KeySource, out: &Printer) -> Result<ExitStatus, Error> {
    let archive = Archive::open(path, &key.unlock()?)?;
    let text = text(&archive.manifest);
    out.result(json!({ "ok": true, "path": path, "backup": archive.manifest }), &text);
    Ok(ExitStatus::Done)
}

/// Verifies an archive to its end.
///
/// # Errors
/// When it can't be decrypted, or is not good.
pub(crate) fn verify(path: &Path, key: &KeySource, out: &Printer) -> Result<ExitStatus, Error> {
    let manifest = backup::verify(path, &key.unlock()?)?;
    out.log(
        super::AREA,
        format!("{} is good: {} files, made {}", path.display(), manifest.entries.len(), manifest.time),
    );
    out.result(json!({ "ok": true, "path": path, "backup": manifest }), "");
    Ok(ExitStatus::Done)
}

fn text(manifest: &Manifest) -> String {
    let revision = |s: &crate::etcd::snapshot::Facts| s.revision.map_or("none".into(), |r| r.to_string());
    let snapshot = manifest.snapshot.as_ref();
    let head = [
        ("Made", manifest.time.clone()),
        ("By", manifest.program.clone()),
        ("Node", format!("{} ({})", manifest.node.name, manifest.node.address)),
        ("Kubernetes", manifest.cluster.version.clone()),
        ("CA", manifest.cluster.ca.clone()),
        ("etcd", snapshot.map(|s| format!("{}, revision {}", s.version, revision(s))).unwrap_or_default()),
    ];
    let head: Vec<[String; 2]> = head.into_iter().map(|(name, value)| [format!("{name}:"), value]).collect();
    let mut rows = vec![["KIND", "SIZE", "FILE"].map(str::to_owned)];
    for entry in &manifest.entries {
        let name = match &entry.path {
            Some(path) => path.display().to_string(),
            None => entry.name.clone(),
        };
        let bytes = if entry.size < 1 << 20 { format!("{} B", entry.size) } else { size(entry.size) };
        rows.push([entry.kind.words().into(), bytes, name]);
    }
    let list = |title: &str, items: &[String]| {
        let items: String = items.iter().map(|item| format!("  {item}\n")).collect();
        format!("\n{title}:\n{items}")
    };
    format!(
        "{}\n{}{}{}",
        columns(&head),
        columns(&rows),
        list("Not in the archive", &manifest.left_out),
        list("How to use it", &manifest.how_to_use)
    )
}
