//! Reading a patches directory.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::yaml;

use super::error::PatchError;
use super::file_name::{self, FileName, IgnoreReason};
use super::patch_set::{Ignored, Patch, PatchSet};

impl PatchSet {
    /// Reads every patch in `directory` and the directories below it; the names of those play no
    /// part. Files come in the order of their names within each directory.
    ///
    /// `targets` are the names a patch file can begin with ([`super::known_targets`]).
    ///
    /// # Errors
    /// [`PatchError`] if `directory` is not a directory (a symlink to one is refused, as kubeadm
    /// does), if it can't be read, or as for [`PatchSet::from_files`].
    pub(crate) fn load(directory: &Path, targets: &[&str]) -> Result<Self, PatchError> {
        let unreadable = |cause| PatchError::ReadDirectory { path: directory.to_owned(), cause };
        let metadata = fs::symlink_metadata(directory).map_err(unreadable)?;
        if !metadata.is_dir() {
            let is_symlink = metadata.is_symlink();
            return Err(PatchError::NotADirectory { path: directory.to_owned(), is_symlink });
        }
        let mut paths = Vec::new();
        walk(directory, &mut paths)?;
        let names = paths.iter().map(|path| path.strip_prefix(directory).unwrap_or(path).to_string_lossy());
        let files: Vec<_> = names.zip(&paths).collect();
        Self::from_files(files.iter().map(|(name, path)| (name.as_ref(), path)), targets, |path| {
            fs::read(path)
        })
    }

    /// Sorts files into patches and ignored ones.
    ///
    /// Each of `files` is a name below the patches directory, with `/` between the parts, and
    /// whatever `read` needs to read it; only files whose names are those of patches are read.
    /// Patches are applied in the order of `files`.
    ///
    /// # Errors
    /// [`PatchError`] if a `+` in a name is not followed by a kind of patch, or if a patch file
    /// can't be read or is not YAML.
    pub(crate) fn from_files<'a, F>(
        files: impl IntoIterator<Item = (&'a str, F)>,
        targets: &[&str],
        mut read: impl FnMut(F) -> io::Result<Vec<u8>>,
    ) -> Result<Self, PatchError> {
        let mut set = Self::default();
        for (name, handle) in files {
            let file = name.to_owned();
            let base_name = name.rsplit('/').next().unwrap_or(name);
            let (target, kind) = match file_name::parse(base_name, targets) {
                FileName::Patch { target, kind } => (target, kind),
                FileName::UnknownKind => return Err(PatchError::UnknownKind { file }),
                FileName::Ignored(reason) => {
                    set.ignored.push(Ignored { file, reason });
                    continue;
                }
            };
            let content = match read(handle) {
                Ok(content) => content,
                Err(cause) => return Err(PatchError::ReadFile { file, cause }),
            };
            let documents = match parse_documents(&content) {
                Ok(documents) => documents,
                Err(reason) => return Err(PatchError::Parse { file, reason }),
            };
            let numbered = documents.into_iter().zip(1..).filter(|(value, _)| !value.is_null());
            let patches = numbered.map(|(value, document)| Patch {
                target: target.clone(),
                kind,
                file: file.clone(),
                document,
                value,
            });
            let before = set.patches.len();
            set.patches.extend(patches);
            if set.patches.len() == before {
                set.ignored.push(Ignored { file, reason: IgnoreReason::Empty });
            }
        }
        Ok(set)
    }
}

/// The documents of a YAML stream (JSON is YAML too); null for an empty one.
fn parse_documents(content: &[u8]) -> Result<Vec<Value>, String> {
    let text = str::from_utf8(content).map_err(|error| error.to_string())?;
    yaml::parse_values(text).map_err(|error| error.to_string())
}

/// Collects the files below `directory`, depth first, in the order of their names. Symlinks are
/// files here: they are followed when they are read, and not walked into.
fn walk(directory: &Path, paths: &mut Vec<PathBuf>) -> Result<(), PatchError> {
    let unreadable = |cause| PatchError::ReadDirectory { path: directory.to_owned(), cause };
    let entries: io::Result<Vec<_>> = fs::read_dir(directory).map_err(unreadable)?.collect();
    let mut entries = entries.map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type().map_err(unreadable)?.is_dir() {
            walk(&entry.path(), paths)?;
        } else {
            paths.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patches::file_name::PatchKind;
    use serde_json::json;

    const TARGETS: [&str; 2] = ["etcd", "kube-apiserver"];

    fn from_texts(files: &[(&str, &str)]) -> Result<PatchSet, PatchError> {
        PatchSet::from_files(files.iter().copied(), &TARGETS, |text| Ok(text.as_bytes().to_vec()))
    }

    fn ignored(file: &str, reason: IgnoreReason) -> Ignored {
        Ignored { file: file.to_owned(), reason }
    }

    #[test]
    fn every_document_of_a_file_is_a_patch() {
        let text = "# only a comment\n---\nspec: {priority: 1}\n---\n---\nspec: {priority: 2}\n";
        let set = from_texts(&[("sub/etcd0+merge.yaml", text)]).unwrap();
        let patch = |document, priority| Patch {
            target: "etcd".to_owned(),
            kind: PatchKind::Merge,
            file: "sub/etcd0+merge.yaml".to_owned(),
            document,
            value: json!({"spec": {"priority": priority}}),
        };
        assert_eq!(set.patches, [patch(1, 1), patch(3, 2)]);
        assert_eq!(set.ignored, []);
    }

    #[test]
    fn ignored_files_are_not_read() {
        let read = |_| Err(io::Error::other("must not be read"));
        let set = PatchSet::from_files([("README", ()), ("other.yaml", ())], &TARGETS, read).unwrap();
        let unknown = IgnoreReason::UnknownTarget { nearest: None };
        assert_eq!(set.ignored, [ignored("README", IgnoreReason::Extension), ignored("other.yaml", unknown)]);
        let error = PatchSet::from_files([("etcd.yaml", ())], &TARGETS, read).unwrap_err();
        assert_eq!(error.to_string(), "the patch file `etcd.yaml` can't be read: must not be read");
    }

    #[test]
    fn files_without_content_are_ignored_as_empty() {
        let set =
            from_texts(&[("etcd.yaml", ""), ("etcd1.yaml", "# nothing\n"), ("etcd2.json", "null")]).unwrap();
        let names = ["etcd.yaml", "etcd1.yaml", "etcd2.json"];
        assert_eq!(set.ignored, names.map(|name| ignored(name, IgnoreReason::Empty)));
        assert_eq!(set.patches, []);
    }

    #[test]
    fn a_broken_file_is_named() {
        let message = |name, text| from_texts(&[(name, text)]).unwrap_err().to_string();
        assert!(
            message("a/etcd.yaml", "spec: [").starts_with("the patch file `a/etcd.yaml` is not valid YAML")
        );
        let unknown = "the name of the patch file `etcd+foo.yaml` needs one of `json`, `merge`, `strategic` after the `+`";
        assert_eq!(message("etcd+foo.yaml", ""), unknown);
        let binary = PatchSet::from_files([("etcd.yaml", ())], &TARGETS, |()| Ok(vec![0xff])).unwrap_err();
        assert!(matches!(binary, PatchError::Parse { .. }));
    }

    #[test]
    fn a_directory_is_walked_in_the_order_of_names() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("etcd-more/deep")).unwrap();
        for name in
            ["etcd2.yaml", "etcd-more/deep/etcd9.yaml", "etcd-more/etcd.yaml", "etcd1.yaml", "etcd.txt"]
        {
            fs::write(root.join(name), "{}").unwrap();
        }
        std::os::unix::fs::symlink(root.join("etcd2.yaml"), root.join("etcd3.yaml")).unwrap();
        std::os::unix::fs::symlink(root.join("etcd-more"), root.join("linked")).unwrap();
        let set = PatchSet::load(root, &TARGETS).unwrap();
        let files: Vec<&str> = set.patches.iter().map(|patch| patch.file.as_str()).collect();
        let expected =
            ["etcd-more/deep/etcd9.yaml", "etcd-more/etcd.yaml", "etcd1.yaml", "etcd2.yaml", "etcd3.yaml"];
        assert_eq!(files, expected);
        let extension = |name| ignored(name, IgnoreReason::Extension);
        assert_eq!(set.ignored, [extension("etcd.txt"), extension("linked")]);
    }

    #[test]
    fn only_a_real_directory_is_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        let real = directory.path().join("real");
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let error = PatchSet::load(&link, &TARGETS).unwrap_err();
        assert!(matches!(error, PatchError::NotADirectory { is_symlink: true, .. }));
        fs::write(real.join("file"), "").unwrap();
        let error = PatchSet::load(&real.join("file"), &TARGETS).unwrap_err();
        assert!(matches!(error, PatchError::NotADirectory { is_symlink: false, .. }));
        let error = PatchSet::load(&real.join("gone"), &TARGETS).unwrap_err();
        assert!(matches!(error, PatchError::ReadDirectory { .. }));
    }
}
