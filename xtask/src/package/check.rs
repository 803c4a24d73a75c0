//! The package as its users meet it: installed, run, removed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, ensure};

use super::content::Content;
use super::deb::installed;
use super::{VERSION, workspace};
use e2e::command::{check, find};
use e2e::say;

/// Installs the package with dpkg below a folder of its own, runs what it brings, and removes it.
///
/// # Errors
/// When something is not as it should be.
pub(super) fn install_and_remove(deb: &Path, content: &Content) -> anyhow::Result<()> {
    if find("dpkg").is_none() || !rustix::process::geteuid().is_root() {
        say::note("left out: installing the package, which takes dpkg and root");
        return Ok(());
    }
    let folder = tempfile::tempdir_in(workspace().join("target"))?;
    let root = folder.path();
    for part in ["info", "updates", "triggers"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(part))?;
    }
    fs::write(root.join("var/lib/dpkg/status"), "")?;
    let shown = root.display();
    let (at_root, deb) = (format!("--root={shown}"), deb.display().to_string());
    // The libraries that it depends on are not in that root.
    let dpkg = |args: &[&str]| {
        let all =
            [&[&at_root, "--log=/dev/null", "--force-depends", "--force-script-chrootless"], args].concat();
        check("dpkg", &all).map(|output| output.stdout)
    };

    // Nor is a shell, so the scripts run outside of it, and are told where it is.
    let link = root.join("usr/bin/kubeadm");
    fs::create_dir_all(root.join("usr/bin"))?;
    fs::write(&link, "kubeadm itself")?;
    dpkg(&["--install", &deb])?;
    ensure!(link.symlink_metadata()?.is_file(), "an installed kubeadm was replaced");
    dpkg(&["--remove", "kubestrap"])?;
    fs::remove_file(&link).context("an installed kubeadm was removed")?;

    dpkg(&["--install", &deb])?;
    let target = fs::read_link(&link).context("the name kubeadm is not offered")?;
    ensure!(target == Path::new("/etc/alternatives/kubeadm"), "kubeadm is {}", target.display());
    let wanted =
        installed(content)?.into_iter().map(|e| (format!("/{}", e.path), (e.mode, e.bytes))).collect();
    let mut found = BTreeMap::new();
    files(root, root, &mut found)?;
    ensure!(found == wanted, "what is installed is not what was packed");
    let listed = dpkg(&["--listfiles", "kubestrap"])?;
    for path in found.keys() {
        ensure!(listed.lines().any(|line| line == path), "dpkg does not know {path}");
    }
    let program = root.join("usr/bin/kubestrap");
    let version = check(&program, &["version", "-o", "short"])?.stdout;
    ensure!(version == format!("v{VERSION}\n"), "the program calls itself {version}");
    let dry_run = ["init", "--dry-run", "--apiserver-advertise-address", "192.0.2.2"];
    let manifests = check(&program, &dry_run)?.stdout;
    ensure!(manifests.contains("kind: Pod"), "a dry run prints no Pod");
    if find("man").is_some() {
        let page = root.join("usr/share/man/man1/kubestrap-init.1.gz").display().to_string();
        check("man", &["--warnings", "--local-file", &page])?;
    }

    dpkg(&["--remove", "kubestrap"])?;
    let mut left = BTreeMap::new();
    files(root, root, &mut left)?;
    ensure!(left.is_empty(), "left behind: {:?}", left.keys());
    ensure!(link.symlink_metadata().is_err(), "the name kubeadm is left behind");
    ensure!(!root.join("usr").exists(), "folders are left behind");
    say::note(format_args!("{deb}: installed {} files, ran, and was removed without a trace", found.len()));
    Ok(())
}

/// The files below a folder, those of dpkg and update-alternatives left out: path, mode and bytes. All must be root's.
fn files(root: &Path, folder: &Path, found: &mut BTreeMap<String, (u32, Vec<u8>)>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let about = path.symlink_metadata()?;
        let name = format!("/{}", path.strip_prefix(root)?.display());
        let is_dpkg_s = matches!(&*name, "/var/lib/dpkg" | "/etc/alternatives" | "/var/log/alternatives.log");
        if is_dpkg_s || name == "/usr/bin/kubeadm" && about.is_symlink() {
            continue;
        }
        ensure!((about.uid(), about.gid()) == (0, 0), "{name} is not root's");
        if about.is_dir() {
            files(root, &path, found)?;
        } else {
            let bytes = fs::read(&path).with_context(|| format!("{name} can't be read"))?;
            found.insert(name, (about.mode() & 0o7777, bytes));
        }
    }
    Ok(())
}
