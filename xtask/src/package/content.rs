//! What goes into packages.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::{notices, workspace};
use e2e::command::check;

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its path, without a slash before it.
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) bytes: Vec<u8>,
}

impl Entry {
    /// A file for all to read.
    pub(super) fn file(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), mode: 0o644, bytes: bytes.into() }
    }

    /// A program.
    pub(super) fn program(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { mode: 0o755, ..Self::file(path, bytes) }
    }
}

/// A shell, what it calls a file of completions, and where Debian's packages put it.
pub(super) const SHELLS: &[(&str, &str, Option<&str>)] = &[
    ("bash", "kubestrap.bash", Some("usr/share/bash-completion/completions/kubestrap")),
    ("zsh", "_kubestrap", Some("usr/share/zsh/vendor-completions/_kubestrap")),
    ("fish", "kubestrap.fish", Some("usr/share/fish/vendor_completions.d/kubestrap.fish")),
    ("elvish", "kubestrap.elv", None),
    ("powershell", "_kubestrap.ps1", None),
];

/// Everything, in whatever package.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) program: Vec<u8>,
    /// The shell's name, and its script.
    pub(super) completions: Vec<(&'static str, Vec<u8>)>,
    /// The pages of the manual, by file name.
    pub(super) pages: Vec<(String, Vec<u8>)>,
    pub(super) readme: Vec<u8>,
    pub(super) license: Vec<u8>,
    /// The licences of what the program is linked with.
    pub(super) notices: String,
    /// kubelet's drop-in.
    pub(super) drop_in: Vec<u8>,
}

impl Content {
    /// Asks the program itself for its completions and its manual, so that they are its own.
    ///
    /// # Errors
    /// When it fails, or a file can't be read.
    pub(super) fn of(program: &Path) -> anyhow::Result<Self> {
        let read = |file: &Path| fs::read(file).with_context(|| format!("{} can't be read", file.display()));
        let completions = SHELLS
            .iter()
            .map(|(shell, ..)| Ok((*shell, check(program, &["completion", shell])?.stdout.into_bytes())));
        let folder = tempfile::tempdir()?;
        check(program, &["manual", &folder.path().display().to_string()])?;
        let mut pages = vec![];
        for entry in fs::read_dir(folder.path())? {
            let entry = entry?;
            pages.push((entry.file_name().to_string_lossy().into_owned(), read(&entry.path())?));
        }
        pages.sort();
        Ok(Self {
            program: read(program)?,
            completions: completions.collect::<anyhow::Result<_>>()?,
            pages,
            readme: read(&workspace().join("README.md"))?,
            license: read(&workspace().join("LICENSE"))?,
            notices: notices::collect()?,
            drop_in: read(&workspace().join("templates/kubelet/10-kubeadm.conf"))?,
        })
    }
}
