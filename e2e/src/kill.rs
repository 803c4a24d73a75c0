//! Runs of the program under test that are ended by SIGKILL on their way.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use super::node::Node;

/// How the names of the program's temporary files begin.
const TEMPORARY: &[u8] = b".kubestrap-";
/// Where it writes. Folders that are made later are watched from then on.
const WATCHED: &[&str] = &[
    "/etc",
    "/etc/kubernetes",
    "/etc/kubernetes/manifests",
    "/etc/kubernetes/pki",
    "/etc/kubernetes/pki/etcd",
    "/etc/systemd/system",
    "/var/lib",
    "/var/lib/kubelet",
];
/// How long between two looks: far less than it takes to bring a file to the disk.
const TICK: Duration = Duration::from_micros(50);

/// When to kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// So long after the start.
    After(Duration),
    /// At this write, from 1: every file is begun, and put in its place when it is whole.
    Write(usize),
    /// As soon as something is in this file.
    Filled(&'static str),
}

/// Runs the program under test and kills it; whether it was still at work then. What it said goes into a log.
///
/// # Errors
/// When it can't be started, or fails before.
pub(crate) fn killed(node: &Node, args: &[&str], when: When) -> anyhow::Result<bool> {
    let log = OpenOptions::new().create(true).append(true).open("/e2e/logs/killed.log")?;
    let mut writes = Writes::watch()?;
    let start = Instant::now();
    let mut child = Command::new(&node.init)
        .args(args)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("{} can't be started", node.init))?;
    loop {
        let due = match when {
            When::After(moment) => start.elapsed() >= moment,
            When::Write(number) => writes.seen()? >= number,
            When::Filled(file) => Path::new(file).metadata().is_ok_and(|file| file.len() > 0),
        };
        if due {
            return kill(&mut child);
        }
        if let Some(status) = child.try_wait()? {
            anyhow::ensure!(
                status.success(),
                "`{} {}` ended with {status}: see killed.log",
                node.init,
                args.join(" ")
            );
            return Ok(false);
        }
        std::thread::sleep(TICK);
    }
}

fn kill(child: &mut Child) -> anyhow::Result<bool> {
    // It may have ended just now: that is no error.
    let _ = child.kill();
    Ok(child.wait()?.code().is_none())
}

/// The program's writes, as the kernel tells them.
struct Writes {
    notifier: OwnedFd,
    /// The folder behind each watch.
    folders: Vec<(i32, PathBuf)>,
    /// How many there were.
    count: usize,
}

impl Writes {
    fn watch() -> anyhow::Result<Self> {
        let notifier = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let mut writes = Self { notifier, folders: vec![], count: 0 };
        for folder in WATCHED {
            writes.add(Path::new(folder))?;
        }
        Ok(writes)
    }

    fn add(&mut self, folder: &Path) -> anyhow::Result<()> {
        let events = WatchFlags::CREATE | WatchFlags::MOVED_FROM | WatchFlags::ONLYDIR;
        match inotify::add_watch(&self.notifier, folder, events) {
            Ok(watch) => self.folders.push((watch, folder.to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("{} can't be watched", folder.display()));
            }
        }
        Ok(())
    }

    /// How many there were until now.
    fn seen(&mut self) -> anyhow::Result<usize> {
        let mut new_folders = vec![];
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.notifier, &mut buffer);
        loop {
            let event = match events.next() {
                Ok(event) => event,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("the kernel tells no events"),
            };
            let name = event.file_name().map(|n| n.to_bytes()).unwrap_or_default();
            self.count += usize::from(name.starts_with(TEMPORARY));
            if event.events().contains(ReadFlags::CREATE | ReadFlags::ISDIR)
                && let Some((_, folder)) = self.folders.iter().find(|(watch, _)| *watch == event.wd())
            {
                let path = folder.join(String::from_utf8_lossy(name).as_ref());
                new_folders.extend(WATCHED.iter().any(|w| path == Path::new(w)).then_some(path));
            }
        }
        for folder in new_folders {
            self.add(&folder)?;
        }
        Ok(self.count)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_is_begun_and_placed_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let notifier = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap();
        let mut writes = Writes { notifier, folders: vec![], count: 0 };
        writes.add(dir.path()).unwrap();
        writes.add(&dir.path().join("none")).unwrap();
        let temporary = dir.path().join(".kubestrap-x");
        fs::write(&temporary, "").unwrap();
        fs::write(dir.path().join("other"), "").unwrap();
        fs::rename(dir.path().join("other"), dir.path().join("b")).unwrap();
        assert_eq!(writes.seen().unwrap(), 1);
        fs::rename(&temporary, dir.path().join("a")).unwrap();
        assert_eq!(writes.seen().unwrap(), 2);
    }
}
