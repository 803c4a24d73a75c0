//! What each image is made of.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::command::{check, find};
use crate::image::Image;
use crate::test_images;

/// What the image `reference` is made of.
pub(crate) fn describe(programs: &[(String, PathBuf)], reference: &str) -> anyhow::Result<Image> {
    let (repository, _) = reference.rsplit_once(':').context("an image without a tag")?;
    let name = repository.rsplit('/').next().unwrap_or(repository);
    if let Some(image) = test_images::describe(programs, name, reference)? {
        return Ok(image);
    }
    let Some((_, program)) = programs.iter().find(|(n, _)| n == name) else {
        bail!("no program for the image {reference}");
    };
    // Where the Pods' commands, or the images' own entry points, look for them.
    let entrypoint = match name {
        "coredns" | "pause" => format!("/{name}"),
        _ => format!("/usr/local/bin/{name}"),
    };
    let mut image = Image {
        reference: reference.to_owned(),
        files: vec![(program.clone(), entrypoint.clone())],
        entrypoint: Some(entrypoint),
        ..Image::default()
    };
    match name {
        "kube-proxy" => add_iptables(&mut image),
        "etcd" => {
            let etcdutl = programs.iter().find(|(n, _)| n == "etcdutl");
            image.files.extend(etcdutl.map(|(_, file)| (file.clone(), "/usr/local/bin/etcdutl".to_owned())));
        }
        _ => {}
    }
    Ok(image)
}

/// This machine's program `name`, and the libraries that it is linked with; none where it is not installed or static.
pub(crate) fn with_libraries(name: &str) -> Option<(PathBuf, Vec<PathBuf>)> {
    let program = find(name)?.canonicalize().ok()?;
    let libraries = libraries(std::slice::from_ref(&program))?;
    Some((program, libraries))
}

/// The libraries that `files` are linked with; none for a static program.
fn libraries(files: &[PathBuf]) -> Option<Vec<PathBuf>> {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let listed = check("ldd", &names.iter().map(String::as_str).collect::<Vec<_>>()).ok()?.stdout;
    // Of several files, each list follows a line `file:`.
    let words = listed.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':'));
    Some(words.map(PathBuf::from).collect())
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
