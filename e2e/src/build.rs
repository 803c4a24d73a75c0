//! Building kubestrap.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::command;
use crate::json::at;
use crate::say;

/// What is known of the source: what `kubestrap version` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The commit's hash.
    pub(crate) commit: String,
    /// `clean`, or `dirty` where files differ from the commit.
    pub(crate) tree: String,
    /// The commit's time, RFC 3339: the build's own would be another each time.
    pub(crate) date: String,
    /// The same in seconds since 1970.
    pub seconds: u64,
}

impl Source {
    /// Asks git; nothing is known where there is none.
    pub fn of_checkout() -> Self {
        let git = |args: &[&str]| {
            let output = command::check("git", args).ok()?;
            Some(output.stdout.trim().to_owned())
        };
        let read = || {
            let shown = git(&["log", "-1", "--format=%H %cI %ct"])?;
            let mut words = shown.split(' ').map(str::to_owned);
            let (commit, date, seconds) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
            let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
            let tree = if changed.is_empty() { "clean" } else { "dirty" }.to_owned();
            Some(Self { commit, tree, date, seconds })
        };
        read().unwrap_or_default()
    }
}

/// Builds kubestrap in a profile of cargo's; gives the program. Only a release says what it was made of: otherwise
/// each commit would have everything built again.
///
/// # Errors
/// When it can't be built.
pub fn kubestrap(profile: &str) -> anyhow::Result<PathBuf> {
    say::note(format_args!("building kubestrap ({profile})"));
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args([
        "build",
        "--package",
        "kubestrap",
        "--profile",
        profile,
        "--locked",
        "--message-format",
        "json",
    ]);
    if profile == "release" {
        let source = Source::of_checkout();
        build.env("KUBESTRAP_GIT_COMMIT", source.commit);
        build.env("KUBESTRAP_GIT_TREE_STATE", source.tree);
        build.env("KUBESTRAP_BUILD_DATE", source.date);
    }
    let output = command::run(&mut build)?.success()?;
    // cargo says where it put the program: the target folder may be anywhere.
    let messages = output.stdout.lines().filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok());
    let built = messages.filter_map(|m| at(&m, "/executable").as_str().map(PathBuf::from)).next_back();
    built.context("cargo built no kubestrap")
}

/// Debian's and Go's name of this machine's architecture.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
