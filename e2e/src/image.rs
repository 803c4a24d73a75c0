//! OCI image archives of one layer, which `ctr images import` takes.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use aws_lc_rs::digest::{self, SHA256};
use serde_json::json;

/// An image to be.
#[derive(Debug, Default)]
pub(crate) struct Image {
    /// The reference that kubelet will ask for.
    pub(crate) reference: String,
    /// The program that a container of it runs, if it has an entry point.
    pub(crate) entrypoint: Option<String>,
    /// The arguments that the entry point gets by default; without one, the default command.
    pub(crate) command: Vec<String>,
    /// Files: where they come from, and their path in the image.
    pub(crate) files: Vec<(PathBuf, String)>,
    /// Small files: their path in the image, and their content.
    pub(crate) texts: Vec<(String, String)>,
    /// Directories that every user may write to.
    pub(crate) scratch: Vec<String>,
    /// Symbolic links: their path in the image, and what they say.
    pub(crate) links: Vec<(String, String)>,
}

/// Writes the archive of `image` to `out`. `scratch` is a folder for the layer on its way.
///
/// # Errors
/// When a file can't be read or written.
pub(crate) fn write(image: &Image, out: &Path, scratch: &Path) -> anyhow::Result<()> {
    let mut layer = tempfile::NamedTempFile::new_in(scratch)?;
    let digest = {
        let mut writer =
            Hashing { to: io::BufWriter::new(layer.as_file_mut()), hash: digest::Context::new(&SHA256) };
        pack(image, &mut writer)?;
        writer.flush()?;
        hex(writer.hash.finish().as_ref())
    };
    let size = layer.as_file().metadata()?.len();
    let config = serde_json::to_vec(&json!({
        "architecture": crate::build::architecture(),
        "os": "linux",
        "config": {
            "Entrypoint": image.entrypoint.iter().collect::<Vec<_>>(),
            "Cmd": image.command,
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/"],
        },
        // Not compressed, a layer is its own "diff".
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{digest}")] },
    }))?;
    let manifest = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": format!("sha256:{}", sha256(&config)),
            "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": format!("sha256:{digest}"),
            "size": size,
        }],
    }))?;
    let index = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": format!("sha256:{}", sha256(&manifest)),
            "size": manifest.len(),
            "annotations": { "io.containerd.image.name": image.reference },
        }],
    }))?;

    let file = File::create(out).with_context(|| format!("{} can't be made", out.display()))?;
    let mut archive = tar::Builder::new(io::BufWriter::new(file));
    put(&mut archive, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    put(&mut archive, "index.json", &index)?;
    for blob in [&config, &manifest] {
        put(&mut archive, &format!("blobs/sha256/{}", sha256(blob)), blob)?;
    }
    let layer = layer.reopen()?;
    archive.append_data(&mut header(size, 0o644), format!("blobs/sha256/{digest}"), layer)?;
    archive.into_inner()?.flush()?;
    Ok(())
}

/// The layer: every folder on the way, then files and links.
fn pack(image: &Image, to: &mut impl Write) -> anyhow::Result<()> {
    let mut layer = tar::Builder::new(to);
    let texts = image.texts.iter().map(|(path, _)| path);
    let paths = image.files.iter().map(|(_, path)| path).chain(image.links.iter().map(|(path, _)| path));
    let paths = paths.chain(texts).chain(&image.scratch);
    let mut folders = BTreeSet::new();
    for path in paths {
        folders.extend(Path::new(relative(path)).ancestors().skip(1).filter(|p| !p.as_os_str().is_empty()));
    }
    for folder in folders {
        let mut header = header(0, 0o755);
        header.set_entry_type(tar::EntryType::Directory);
        layer.append_data(&mut header, folder, io::empty())?;
    }
    for folder in &image.scratch {
        let mut header = header(0, 0o1777);
        header.set_entry_type(tar::EntryType::Directory);
        layer.append_data(&mut header, relative(folder), io::empty())?;
    }
    for (path, content) in &image.texts {
        put(&mut layer, relative(path), content.as_bytes())?;
    }
    for (source, path) in &image.files {
        let file = File::open(source).with_context(|| format!("{} can't be read", source.display()))?;
        let size = file.metadata()?.len();
        layer.append_data(&mut header(size, 0o755), relative(path), file.take(size))?;
    }
    for (path, target) in &image.links {
        let mut header = header(0, 0o777);
        header.set_entry_type(tar::EntryType::Symlink);
        layer.append_link(&mut header, relative(path), target)?;
    }
    layer.finish()?;
    Ok(())
}

fn relative(path: &str) -> &str {
    path.trim_start_matches('/')
}

fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(mode);
    header
}

fn put(archive: &mut tar::Builder<impl Write>, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
    Ok(archive.append_data(&mut header(u64::try_from(bytes.len())?, 0o644), path, bytes)?)
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A writer that hashes what goes through.
struct Hashing<W> {
    to: W,
    hash: digest::Context,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or(bytes));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    #[test]
    fn every_blob_is_where_its_digest_says() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("program"), "#!/bin/true").unwrap();
        let image = Image {
            reference: "registry.k8s.io/pause:3.10.2".into(),
            entrypoint: Some("/usr/bin/pause".into()),
            files: vec![(dir.path().join("program"), "/usr/bin/pause".into())],
            links: vec![("/pause".into(), "usr/bin/pause".into())],
            scratch: vec!["/tmp".into()],
            texts: vec![("/etc/passwd".into(), "root:x:0:0".into())],
            ..Image::default()
        };
        let out = dir.path().join("image.tar");
        write(&image, &out, dir.path()).unwrap();

        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(File::open(&out).unwrap()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut bytes = vec![];
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), bytes);
        }
        let blob = |descriptor: &Value| {
            let digest = descriptor["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
            let bytes = &files[&format!("blobs/sha256/{digest}")];
            assert_eq!(sha256(bytes), digest);
            assert_eq!(descriptor["size"], bytes.len());
            bytes.clone()
        };
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        assert_eq!(index["manifests"][0]["annotations"]["io.containerd.image.name"], image.reference);
        let manifest: Value = serde_json::from_slice(&blob(&index["manifests"][0])).unwrap();
        let config: Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], manifest["layers"][0]["digest"]);

        let layer = blob(&manifest["layers"][0]);
        let names: Vec<_> = tar::Archive::new(layer.as_slice())
            .entries()
            .unwrap()
            .map(|e| e.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["etc", "usr", "usr/bin", "tmp", "etc/passwd", "usr/bin/pause", "pause"]);
    }
}
