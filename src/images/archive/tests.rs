use std::io::Cursor;

use serde_json::{Value, json};

use super::*;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// An archive as tools write it.
#[derive(Default)]
pub(in crate::images) struct Made {
    blobs: Vec<Vec<u8>>,
    index: Vec<Value>,
    docker: Option<Value>,
}

fn digest(bytes: &[u8]) -> String {
    Digest::of(&aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes)).to_string()
}

impl Made {
    /// Adds a blob, and gives its descriptor.
    fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        self.blobs.push(bytes.to_vec());
        json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
    }

    /// Adds an image's blobs, and gives its manifest's descriptor.
    pub(in crate::images) fn manifest(&mut self, architecture: &str, layer: &[u8]) -> Value {
        let config = json!({ "os": "linux", "architecture": architecture, "for": layer }).to_string();
        let config = self.blob("application/vnd.oci.image.config.v1+json", config.as_bytes());
        let layer = self.blob("application/vnd.oci.image.layer.v1.tar+gzip", layer);
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
        self.blob(MANIFEST, manifest.to_string().as_bytes())
    }

    pub(in crate::images) fn named(&mut self, mut target: Value, name: &str) {
        target["annotations"] = json!({ "io.containerd.image.name": name });
        self.index.push(target);
    }

    pub(in crate::images) fn tar(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(vec![]);
        let mut put = |path: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, path, bytes).unwrap();
        };
        put("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
        let index = json!({ "schemaVersion": 2, "manifests": self.index });
        put("index.json", index.to_string().as_bytes());
        if let Some(docker) = &self.docker {
            put("manifest.json", docker.to_string().as_bytes());
        }
        for blob in &self.blobs {
            put(&format!("blobs/{}", digest(blob).replace(':', "/")), blob);
        }
        tar.into_inner().unwrap()
    }

    fn error(&self) -> String {
        open(self.tar()).unwrap_err().to_string()
    }
}

fn open(bytes: Vec<u8>) -> Result<Archive<Cursor<Vec<u8>>>, ArchiveError> {
    Archive::open(Cursor::new(bytes))
}

/// One image for one platform, and one for two of which the archive has one.
fn two() -> Made {
    let mut made = Made::default();
    let etcd = made.manifest("amd64", b"etcd");
    made.named(etcd, "registry.k8s.io/etcd:3.6.8-0");
    let pause = made.manifest("amd64", b"pause");
    let absent = json!({ "mediaType": MANIFEST, "digest": digest(b"elsewhere"), "size": 9 });
    let list = json!({ "schemaVersion": 2, "manifests": [pause, absent] }).to_string();
    let list = made.blob("application/vnd.oci.image.index.v1+json", list.as_bytes());
    made.named(list, "registry.k8s.io/pause:3.10.2");
    made
}

/// What an archive gives: of each image its name, digest and platforms, and all bytes.
type Content = Vec<([String; 3], Vec<Vec<u8>>)>;

fn content(bytes: Vec<u8>) -> Result<Content, ArchiveError> {
    let mut archive = open(bytes)?;
    let images = archive.images().to_vec();
    let facts = |image: &Image| [image.name.clone(), image.digest().to_string(), image.platforms().join(",")];
    let mut bytes = |digest: &Digest| {
        let mut bytes = vec![];
        archive.blob(digest).unwrap().unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    Ok(images.iter().map(|i| (facts(i), i.blobs.iter().map(&mut bytes).collect())).collect())
}

/// Both images in an archive of ours.
fn written() -> Vec<u8> {
    let mut from = open(two().tar()).unwrap();
    let mut writer = Writer::new(vec![]);
    for image in from.images().to_vec() {
        writer.add(&mut from, &image).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn what_is_written_is_what_was_read() {
    let after = content(written()).unwrap();
    assert_eq!(after, content(two().tar()).unwrap());
    let names: Vec<&str> = after.iter().map(|([name, ..], _)| name.as_str()).collect();
    assert_eq!(names, ["registry.k8s.io/etcd:3.6.8-0", "registry.k8s.io/pause:3.10.2"]);
    assert_eq!(written(), written(), "the same images give the same bytes");
}

#[test]
fn a_flipped_bit_anywhere_is_refused_or_changes_nothing() {
    let good = written();
    let wanted = content(good.clone()).unwrap();
    let mut refused = 0;
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at * 5 % 8);
        match content(bad) {
            // As in what fills a tar file up to its blocks.
            Ok(found) => assert!(found == wanted, "byte {at}"),
            Err(_) => refused += 1,
        }
    }
    let bytes: usize = wanted.iter().flat_map(|(_, blobs)| blobs).map(Vec::len).sum();
    assert!(refused > bytes, "{refused} of {}", good.len());
}

#[test]
fn a_cut_archive_is_refused_or_lacks_nothing() {
    let good = written();
    let wanted = content(good.clone()).unwrap();
    let last_list = good.windows(10).rposition(|w| w == b"index.json").unwrap();
    for length in (0..good.len()).step_by(61) {
        if let Ok(found) = content(good[..length].to_vec()) {
            assert!(length > last_list && found == wanted, "{length}");
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    let mut made = two();
    made.blobs.remove(1);
    assert!(
        made.error().contains("registry.k8s.io/etcd:3.6.8-0 is incomplete: its layer sha256:"),
        "{}",
        made.error()
    );

    let mut tar = two().tar();
    let at = tar.windows(5).position(|w| w == b"pause").unwrap();
    let last = tar.windows(5).rposition(|w| w == b"pause").unwrap();
    assert!(at < last, "the layer comes last");
    tar[last] ^= 1;
    assert!(matches!(open(tar), Err(ArchiveError::Damaged { .. })));

    let mut made = two();
    let artifact = made.blob("text/plain", b"x");
    made.named(artifact, "r/x:1");
    assert!(made.error().contains("docker.io/r/x:1: sha256:") && made.error().contains("text/plain"));

    let mut made = two();
    let manifest = made.manifest("amd64", b"x");
    made.index.push(manifest);
    assert!(made.error().contains("no name for sha256:"), "{}", made.error());

    let mut made = two();
    made.blobs.push(made.blobs[0].clone());
    assert!(made.error().contains("twice"), "{}", made.error());

    let mut made = two();
    let config = digest(&made.blobs[0]).replace("sha256:", "blobs/sha256/");
    made.docker =
        Some(json!([{ "Config": config, "RepoTags": ["registry.k8s.io/etce:3.6.8-0"], "Layers": [] }]));
    assert!(
        made.error().contains("do not agree on registry.k8s.io/etcd:3.6.8-0, registry.k8s.io/etce"),
        "{}",
        made.error()
    );

    for (bytes, told) in [(vec![], "no oci-layout"), (b"#!/bin/sh\n".repeat(200), "")] {
        let error = open(bytes).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn an_archive_that_is_no_plain_tar_of_blobs_is_refused() {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    let mut tar = tar::Builder::new(vec![]);
    tar.append_link(&mut header, format!("blobs/sha256/{}", "ab".repeat(32)), "/etc/shadow").unwrap();
    assert!(open(tar.into_inner().unwrap()).unwrap_err().to_string().contains("not a plain file"));
}
