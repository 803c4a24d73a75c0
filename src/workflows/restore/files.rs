//! `files` and `static-pods`: what of the archive lands on the machine as it was.

use std::path::{Path, PathBuf};

use super::Restore;
use super::edited;
use super::progress::Progress;
use crate::backup::{Archive, Entry, Kind};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::FileMode;
use crate::manifest::Component;
use crate::pki::table::CERTIFICATES;
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// The mode of directories that are created for files of the archive.
const DIR: u32 = 0o750;

/// Writes the CAs, the keys and what static Pods mount. What this machine can generate again is not taken: it may bear
/// another name or address.
pub(super) fn write(restore: &mut Restore) -> PhaseResult {
    let Restore { run, archive } = restore;
    if Progress::read(run)?.is_none() {
        let progress = Progress { archive: archive.manifest.id.clone(), etcd_data: false };
        progress.keep(run)?;
    }
    let wanted = wanted(run, archive);
    run.act(Verb::Write, format!("{} files of the archive", wanted.len()));
    for (path, entry, content) in wanted {
        run.write(&path, content, FileMode { file: entry.mode & 0o777, dir: DIR })?;
    }
    Ok(Outcome::Done)
}

/// Refuses where a file of the archive would replace another one: then this machine belongs to another cluster.
///
/// # Errors
/// When it does, or a file can't be read.
pub(super) fn refuse_others(run: &Run, archive: &Archive) -> Result<(), Error> {
    for (path, entry, content) in wanted(run, archive) {
        let existing = run.host.read(&path)?;
        if existing.is_some_and(|existing| existing != content) {
            let what = if entry.kind == Kind::Pki { "that of another cluster" } else { "another one" };
            let message = format!(
                "{} exists, and is {what} than the archive's (of node {}, made {})\n  fix: restore on a fresh machine; or give this one up with `kubestrap reset`, and move that file away",
                path.display(),
                archive.manifest.node.name,
                archive.manifest.time
            );
            return Err(Error::new(ExitStatus::Preflight, message));
        }
    }
    Ok(())
}

/// The files of the archive that are taken as they are, with their paths on this machine.
fn wanted<'a>(run: &Run, archive: &'a Archive) -> Vec<(PathBuf, &'a Entry, &'a [u8])> {
    let old = &archive.manifest.node.certificates;
    let inside = |entry: &Entry| -> Option<PathBuf> {
        entry.path.as_deref()?.strip_prefix(old).ok().map(Path::to_owned)
    };
    let pki: Vec<_> = archive.files(Kind::Pki).filter_map(|(e, c)| Some((inside(e)?, e, c))).collect();
    let names: Vec<String> = pki.iter().map(|(name, ..)| name.to_string_lossy().into_owned()).collect();
    let taken = pki.into_iter().filter(|(name, ..)| !is_generated(&name.to_string_lossy(), &names));
    let mut files: Vec<_> = taken
        .map(|(name, entry, content)| (run.certificate_path(&name.to_string_lossy()), entry, content))
        .collect();
    let at_their_path =
        |kind| archive.files(kind).filter_map(|(entry, content)| Some((entry.path.clone()?, entry, content)));
    files.extend(at_their_path(Kind::Mounted));
    if !names.iter().any(|name| name == "ca.key") {
        // An external CA's: nobody here can generate them.
        files.extend(at_their_path(Kind::Kubeconfig));
    }
    files
}

/// Whether a file of the PKI is a certificate that is signed here, or its key: its CA's key is among the files.
fn is_generated(name: &str, files: &[String]) -> bool {
    let row = CERTIFICATES.iter().find(|row| row.certificate_file() == name || row.key_file() == name);
    let signer = row.and_then(|row| row.signer_row());
    signer.is_some_and(|signer| files.contains(&signer.key_file()))
}

/// Writes the static Pods of the archive that are not the control plane's, such as one that holds a virtual IP address;
/// warns of those of the control plane that were patched or edited.
pub(super) fn write_other_pods(restore: &mut Restore) -> PhaseResult {
    edited::tell(restore)?;
    let Restore { run, archive } = restore;
    let old_address = archive.manifest.node.address.clone();
    let moved = old_address != run.settings.node.advertise_address.to_string();
    let manifests = run.settings.node.paths.manifests.clone();
    for (entry, content) in archive.files(Kind::StaticPod) {
        let Some(name) = entry.path.as_deref().and_then(Path::file_name) else { continue };
        if Component::ALL.iter().any(|component| *component.file() == *name) {
            continue;
        }
        let path = manifests.join(name);
        run.act(Verb::Write, format!("static Pod manifest {} as it was", path.display()));
        run.write(&path, content, FileMode::MANIFEST)?;
        if moved && String::from_utf8_lossy(content).contains(&old_address) {
            run.warn(format!(
                "{} names the old address {old_address}: change it where it means this machine",
                path.display()
            ));
        }
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_generated_anew_only_where_their_ca_can_sign() {
        let files = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let own = files(&["ca.crt", "ca.key", "etcd/ca.crt"]);
        assert!(is_generated("apiserver.crt", &own) && is_generated("apiserver.key", &own));
        for kept in ["ca.crt", "ca.key", "sa.key", "mine.pem", "etcd/server.crt", "apiserver-etcd-client.key"]
        {
            assert!(!is_generated(kept, &own), "{kept}");
        }
    }
}
