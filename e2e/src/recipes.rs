//! What each image is made of.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

use crate::image::Image;
use crate::libraries::{libraries, with_libraries};
use crate::plan::program;
use crate::test_images;

/// What the image `reference` is made of.
pub(crate) fn describe(programs: &[(String, PathBuf)], reference: &str) -> anyhow::Result<Image> {
    let (repository, _) = reference.rsplit_once(':').context("an image without a tag")?;
    let name = repository.rsplit('/').next().unwrap_or(repository);
    if let Some(image) = test_images::describe(programs, name, reference)? {
        return Ok(image);
    }
    let file = program(programs, name).with_context(|| format!("no program for the image {reference}"))?;
    // Where the Pods' commands, or the images' own entry points, look for them.
    let entrypoint = match name {
        "coredns" | "pause" => format!("/{name}"),
        _ => format!("/usr/local/bin/{name}"),
    };
    let mut image = Image {
        reference: reference.to_owned(),
        files: vec![(file.to_owned(), entrypoint.clone())],
        entrypoint: Some(entrypoint),
        ..Image::default()
    };
    match name {
        "kube-proxy" => add_iptables(&mut image),
        "etcd" => {
            let etcdutl = program(programs, "etcdutl");
            image.files.extend(etcdutl.map(|file| (file.to_owned(), "/usr/local/bin/etcdutl".to_owned())));
        }
        _ => {}
    }
    Ok(image)
}

/// kube-proxy runs iptables' programs: this machine's go in, with their libraries. Without them its Pod fails, which no
/// scenario minds.
fn add_iptables(image: &mut Image) {
    let Some((program, mut files)) = with_libraries("iptables") else { return };
    for library in files.clone() {
        // Extensions lie beside the libraries: /usr/lib/x86_64-linux-gnu/xtables/libxt_comment.so
        let folder = library.canonicalize().ok().and_then(|l| Some(l.parent()?.join("xtables")));
        let Some(Ok(entries)) = folder.map(fs::read_dir) else { continue };
        let extensions =
            entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "so"));
        let extensions: Vec<_> = extensions.collect();
        // libxt_statistic.so, for Services of several endpoints, is linked with more than iptables itself.
        files.extend(libraries(&extensions).unwrap_or_default());
        files.extend(extensions);
    }
    files.sort();
    files.dedup();
    image.files.extend(files.into_iter().map(|f| (f.clone(), f.display().to_string())));
    image.files.push((program, "/usr/local/bin/xtables".to_owned()));
    // One program, which looks at the name it is called by.
    for base in ["iptables", "ip6tables"] {
        for end in ["", "-save", "-restore"] {
            image.links.push((format!("/usr/local/bin/{base}{end}"), "xtables".to_owned()));
        }
    }
}
