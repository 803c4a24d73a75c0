//! Moving images between a runtime and an archive.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use tempfile::NamedTempFile;

use super::archive::{Archive, ArchiveError, Digest, Image, Writer};
use super::canonical;
use super::error::TransferError;
use super::tools::Tool;
use crate::host::cri::{CriClient, CriEndpoint, CriError};
use crate::host::talk;
use crate::host::{TEMPORARY, system};

/// containerd's CRI part hears of an import some time after it.
const PATIENCE: Duration = Duration::from_secs(10);

/// An image that was moved.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Moved {
    /// Its full name.
    pub name: String,
    /// Its digest, as registries and runtimes know it.
    pub digest: Digest,
    /// What it is for, such as `linux/amd64`.
    pub platforms: Vec<String>,
    /// Its bytes in the archive.
    pub size: u64,
}

impl Moved {
    fn new<R: io::Read + io::Seek>(archive: &Archive<R>, image: &Image) -> Self {
        Self {
            name: image.name.clone(),
            digest: image.digest().clone(),
            platforms: image.platforms().into_iter().map(str::to_owned).collect(),
            size: archive.size(image),
        }
    }
}

/// What is told on the way.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// An image is being written out.
    Exporting(&'a str),
    /// It is in the archive.
    Exported(&'a Moved, Duration),
    /// The archive is being read.
    Verifying,
    /// All of it is as it should be.
    Verified(&'a [Moved], Duration),
    /// The runtime takes it.
    Importing,
}

/// A runtime, with its program.
pub(crate) struct Carrier {
    client: CriClient,
    tool: &'static Tool,
}

impl Carrier {
    /// Asks the runtime who it is.
    ///
    /// # Errors
    /// When it does not answer, or there is no program for it.
    pub(crate) fn of(endpoint: &CriEndpoint) -> Result<Self, TransferError> {
        let client = talk(endpoint, CriClient::connect(endpoint))?;
        let name = talk(endpoint, client.version())?.name;
        Ok(Self { client, tool: Tool::of(&name)? })
    }

    /// Writes images into an archive, which must not be there yet. In the end it is there whole, or not at all.
    ///
    /// # Errors
    /// When an image is not here, can't be written out, or is not whole.
    pub(crate) fn export(
        &self,
        images: &[String],
        file: &Path,
        told: &mut dyn FnMut(Step<'_>),
    ) -> Result<Vec<Moved>, TransferError> {
        let fail = |action| move |error| TransferError::File { action, file: file.to_owned(), error };
        if fs::symlink_metadata(file).is_ok() {
            return Err(fail("make")(io::Error::other("it is there already, and is not overwritten")));
        }
        let missing =
            images.iter().filter_map(|i| self.held(i).map(|h| h.is_none().then(|| i.clone())).transpose());
        let missing = missing.collect::<Result<Vec<_>, _>>()?;
        if !missing.is_empty() {
            return Err(TransferError::NotHeld(missing));
        }
        let dir = file.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let temporary = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(dir)
            .map_err(fail("make"))?;
        let mut writer = Writer::new(io::BufWriter::new(temporary.as_file()));
        let mut moved = vec![];
        for image in images {
            told(Step::Exporting(image));
            let start = Instant::now();
            let name = canonical(image);
            let beside = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(dir);
            let beside = beside.map_err(fail("write beside"))?;
            let said = self.tool.export(self.client.endpoint(), &name, &beside)?;
            // It has no name any more, so that nothing of it stays, however this ends.
            let own = beside.into_file();
            let of_tool = |error| TransferError::Archive {
                file: format!("what `{}` wrote for {name}", self.tool.program).into(),
                error,
                hint: said.clone(),
            };
            let mut archive = Archive::open(own).map_err(of_tool)?;
            let Some(found) = archive.images().iter().find(|i| i.name == name).cloned() else {
                return Err(of_tool(ArchiveError::Layout("another image is in it".into())));
            };
            writer.add(&mut archive, &found).map_err(fail("write"))?;
            let one = Moved::new(&archive, &found);
            told(Step::Exported(&one, start.elapsed()));
            moved.push(one);
        }
        writer.finish().and_then(|mut to| io::Write::flush(&mut to)).map_err(fail("write"))?;
        temporary.as_file().sync_all().map_err(fail("write"))?;
        temporary.persist_noclobber(file).map_err(|e| fail("make")(e.error))?;
        Ok(moved)
    }

    /// Verifies an archive; then has the runtime take all its images, and looks whether it has. `wanted` must be among
    /// them.
    ///
    /// # Errors
    /// When something is wrong with the archive, and then nothing is imported; or when the runtime fails.
    pub(crate) fn import(
        &self,
        file: &Path,
        wanted: &[String],
        told: &mut dyn FnMut(Step<'_>),
    ) -> Result<Vec<Moved>, TransferError> {
        told(Step::Verifying);
        let start = Instant::now();
        let mut archive = verified(file, wanted)?;
        let images = archive.images().to_vec();
        let moved: Vec<Moved> = images.iter().map(|i| Moved::new(&archive, i)).collect();
        told(Step::Verified(&moved, start.elapsed()));
        told(Step::Importing);
        let fail = |error| TransferError::File { action: "read", file: file.to_owned(), error };
        let at_once = if self.tool.imports_singly() { 1 } else { images.len().max(1) };
        if archive.names_all_by(self.tool.finds_by) {
            // The very file that was verified, whatever is under its name by now.
            let verified = archive.into_reader().map_err(fail)?;
            for part in images.chunks(at_once) {
                self.take(part, verified.try_clone().map_err(fail)?)?;
            }
        } else {
            for part in images.chunks(at_once) {
                let anew = named_anew(&mut archive, part)?;
                self.take(part, anew.reopen().map_err(fail)?)?;
            }
        }
        images.iter().try_for_each(|image| self.arrived(image))?;
        Ok(moved)
    }

    /// Has the runtime take images out of an archive: all, or the one that is named.
    fn take(&self, images: &[Image], from: File) -> Result<(), TransferError> {
        let name = images.first().map_or("", |image| image.name.as_str());
        self.tool.import(self.client.endpoint(), name, from).map(drop)
    }

    /// The runtime's id for an image, if it holds it.
    fn held(&self, image: &str) -> Result<Option<String>, CriError> {
        Ok(talk(self.client.endpoint(), self.client.image_status(image))?.map(|info| info.id))
    }

    /// Waits until the runtime holds an image as it is in the archive.
    fn arrived(&self, image: &Image) -> Result<(), TransferError> {
        let start = Instant::now();
        loop {
            let held = self.held(&image.name)?;
            let id = held.as_deref().map(|id| id.strip_prefix("sha256:").unwrap_or(id));
            if image.ids().any(|digest| Some(digest.hex()) == id) {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err(TransferError::Other {
                    image: image.name.clone(),
                    found: held.unwrap_or_else(|| "missing".into()),
                    wanted: image.digest().clone(),
                });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Images of an archive in one of our own, in which every program finds them.
fn named_anew(archive: &mut Archive<File>, images: &[Image]) -> Result<NamedTempFile, TransferError> {
    // Where the runtimes' programs unpack archives too; /tmp may be memory.
    let dir = std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from);
    let fail =
        |error| TransferError::File { action: "write a temporary archive in", file: dir.clone(), error };
    let file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&dir).map_err(fail)?;
    let mut writer = Writer::new(io::BufWriter::new(file.as_file()));
    images.iter().try_for_each(|image| writer.add(archive, image)).map_err(fail)?;
    writer.finish().and_then(|mut to| io::Write::flush(&mut to)).map_err(fail)?;
    Ok(file)
}

/// An archive that is whole, has what is wanted, and is for this machine.
fn verified(file: &Path, wanted: &[String]) -> Result<Archive<File>, TransferError> {
    let opened = File::open(file).map_err(|error| TransferError::File {
        action: "read",
        file: file.to_owned(),
        error,
    })?;
    let archive = Archive::open(opened).map_err(|error| TransferError::Archive {
        file: file.to_owned(),
        error,
        hint: "nothing was imported; copy or export the archive again".into(),
    })?;
    let has: Vec<String> = archive.images().iter().map(|i| i.name.clone()).collect();
    let missing: Vec<String> = wanted.iter().map(|w| canonical(w)).filter(|w| !has.contains(w)).collect();
    if !missing.is_empty() {
        return Err(TransferError::NotInArchive { file: file.to_owned(), missing, has });
    }
    let here = system::platform();
    if let Some(image) = archive.images().iter().find(|i| !i.platforms().contains(&here.as_str())) {
        return Err(TransferError::Platform {
            file: file.to_owned(),
            image: image.name.clone(),
            has: image.platforms().join(", "),
        });
    }
    Ok(archive)
}

#[cfg(test)]
mod tests {
    use super::super::archive::Naming;
    use super::super::archive::tests::Made;
    use super::*;

    fn check(architecture: &str, wanted: &[&str]) -> Result<Archive<File>, TransferError> {
        let mut made = Made::default();
        let pause = made.manifest(architecture, b"pause");
        made.named(pause, "registry.k8s.io/pause:3.10.2");
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), made.tar()).unwrap();
        verified(file.path(), &wanted.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn an_archive_is_for_this_machine_and_has_what_is_wanted() {
        let platform = system::platform();
        let here = platform.strip_prefix("linux/").unwrap();
        let archive = check(here, &["registry.k8s.io/pause:3.10.2"]).unwrap();
        assert_eq!(Moved::new(&archive, &archive.images()[0]).platforms.concat(), platform);
        let error = check(here, &["registry.k8s.io/pause:3.10.2", "etcd:3"]).unwrap_err().to_string();
        assert!(error.contains("has no docker.io/library/etcd:3; it has: registry.k8s.io/pause"), "{error}");
        let error = check("s390x", &[]).unwrap_err().to_string();
        assert!(error.contains("linux/s390x") && error.contains(&platform), "{error}");
    }

    #[test]
    fn every_program_finds_an_image_of_another_s_archive_in_ours() {
        let platform = system::platform();
        let mut archive = check(platform.strip_prefix("linux/").unwrap(), &[]).unwrap();
        let all = [Naming::Any, Naming::FullName, Naming::DockersList];
        assert_eq!(all.map(|naming| archive.names_all_by(naming)), [true, false, false]);
        let images = archive.images().to_vec();
        let anew = named_anew(&mut archive, &images).unwrap();
        let anew = Archive::open(anew.reopen().unwrap()).unwrap();
        assert_eq!(all.map(|naming| anew.names_all_by(naming)), [true; 3]);
        assert_eq!(anew.images()[0].digest(), images[0].digest());
    }
}
