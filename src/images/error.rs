//! Why images could not be moved.

use std::io;
use std::path::PathBuf;

use super::archive::{ArchiveError, Digest};
use super::tools::{TOOLS, Tool};
use crate::host::command::CommandError;
use crate::host::cri::CriError;
use crate::host::system;

/// Why images could not be moved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    /// The runtime does not answer.
    #[error(transparent)]
    Cri(#[from] CriError),
    /// A runtime that we know no program for.
    #[error("the runtime calls itself {:?}; images can be moved for {}", .0, runtimes())]
    UnknownRuntime(String),
    /// The program is not here.
    #[error("the program `{}`, which moves images for {}, is not in PATH\n  fix: install {}", .0.program, .0.runtime, .0.package)]
    NoTool(&'static Tool),
    /// The program failed.
    #[error("{error}{}", fix(.hint))]
    Tool {
        /// With its words.
        error: CommandError,
        /// What these mean, where that is known.
        hint: &'static str,
    },
    /// Images that the runtime does not hold.
    #[error("the runtime does not hold {}\n  fix: `kubestrap config images pull`, with the same flags", .0.join(", "))]
    NotHeld(Vec<String>),
    /// Images that the archive does not have.
    #[error("{} has no {}; it has: {}\n  nothing was imported; export it for this configuration and version", .file.display(), .missing.join(", "), .has.join(", "))]
    NotInArchive {
        /// The archive.
        file: PathBuf,
        /// What is wanted.
        missing: Vec<String>,
        /// What is there.
        has: Vec<String>,
    },
    /// Images for other machines.
    #[error("{} has {image} for {has}, and this machine is {}\n  nothing was imported; export it on a machine of this kind", .file.display(), system::platform())]
    Platform {
        /// The archive.
        file: PathBuf,
        /// An image.
        image: String,
        /// Its platforms.
        has: String,
    },
    /// An archive that must not be used.
    #[error("{}: {error}{}", .file.display(), fix(.hint))]
    Archive {
        /// The archive.
        file: PathBuf,
        /// What is wrong with it.
        error: ArchiveError,
        /// What follows.
        hint: String,
    },
    /// After the import the runtime holds something else.
    #[error("after the import the runtime's {image} is {found}, and not that of the archive, {wanted}")]
    Other {
        /// The image.
        image: String,
        /// What the runtime has.
        found: String,
        /// What it should have.
        wanted: Digest,
    },
    /// A file can't be used.
    #[error("can't {action} {}: {error}", .file.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        file: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
}

fn runtimes() -> String {
    TOOLS.iter().map(|t| t.runtime).collect::<Vec<_>>().join(", ")
}

fn fix(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!("\n  {hint}") }
}
