//! `cargo xtask package`: what users install.

mod archive;
mod check;
mod content;
mod deb;
mod notices;
mod tarball;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use self::content::Content;
use e2e::build::{self, Source};
use e2e::say;

/// Make a Debian package and a tarball
///
/// Both hold the program, completions for shells, the manual, the licences and kubelet's drop-in as an example. The same
/// program and commit give the same bytes.
#[derive(Args, Debug)]
pub(crate) struct Package {
    /// Package this program; by default it is built
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where to leave them [default: target/package]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Install the Debian package in a folder of its own and remove it again, where there is dpkg, and root
    #[arg(long)]
    check: bool,
}

impl Package {
    /// Makes them.
    pub(crate) fn run(self) -> ExitCode {
        match self.make() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => say::failure(&format!("{error:#}")),
        }
    }

    fn make(self) -> anyhow::Result<()> {
        let source = Source::of_checkout();
        let binary = self.binary.map_or_else(|| build::kubestrap("release"), Ok)?;
        let out = self.out.unwrap_or_else(|| workspace().join("target/package"));
        fs::create_dir_all(&out).with_context(|| format!("{} can't be made", out.display()))?;
        let content = Content::of(&binary)?;
        let keep = |name: &str, bytes: Vec<u8>| {
            let file = out.join(name);
            fs::write(&file, bytes).with_context(|| format!("{} can't be written", file.display()))?;
            say::line(file.display());
            anyhow::Ok(file)
        };
        let deb = keep(&deb::file_name(), deb::package(&content, source.seconds)?)?;
        keep(&tarball::file_name(), tarball::tarball(&content, source.seconds)?)?;
        if self.check {
            check::install_and_remove(&deb, &content)?;
        }
        Ok(())
    }
}

/// The version of all that is made here.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The folder of the workspace.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
