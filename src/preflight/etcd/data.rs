//! Existing etcd data, and whether it belongs to the existing PKI.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::finding::Finding;
use crate::host::machine::{Machine, PathKind};
use crate::host::process::Process;
use crate::manifest::Component;
use crate::preflight::config::existing::{self, Existing};
use crate::preflight::outcome::Unmeasured;

/// How much of etcd's database is searched; most are a fraction of it.
const SEARCHED: u64 = 256 << 20;

/// Parts of the keys under which Kubernetes keeps the ConfigMaps with its CA: the API server's, which it writes when it
/// first starts, and the controllers'. etcd writes keys and ConfigMaps as they are.
const CA_KEYS: [&[u8]; 2] = [
    b"/configmaps/kube-system/extension-apiserver-authentication",
    b"/configmaps/kube-system/kube-root-ca.crt",
];

/// kubeadm: the data folder is empty. Ours: or holds etcd's data, which [`matches_pki`] looks at.
pub(crate) fn available(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let Some(dir) = data_dir(settings) else { return vec![] };
    let shown = dir.display();
    if machine.kind(&dir).is_some_and(|k| k != PathKind::Dir) {
        let finding = Finding::error(format!("{shown}, etcd's data directory, is not a directory"));
        return vec![finding.fix(format!("`mv {shown} {shown}.old`"))];
    }
    // A disk's own folder is there when a disk is mounted here.
    let entries: Vec<String> =
        machine.list(&dir).unwrap_or_default().into_iter().filter(|n| n != "lost+found").collect();
    if entries.is_empty() {
        return vec![];
    }
    if let Some(finding) = other_etcd(settings, machine, &dir) {
        return vec![finding];
    }
    if entries.iter().any(|n| n == "member") {
        return vec![Finding::info(format!("{shown} holds etcd's data from an earlier run, which is kept"))];
    }
    let shown_entries = entries.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    vec![
        Finding::error(format!("{shown}, etcd's data directory, holds something else"))
            .evidence(shown_entries)
            .fix(format!("`mv {shown} {shown}.old`, or choose another directory: etcd.local.dataDir")),
    ]
}

/// Another etcd that works in the folder: two can't, and the second waits for the first without end.
fn other_etcd(settings: &Settings, machine: &dyn Machine, dir: &Path) -> Option<Finding> {
    if existing::manifest(&settings.node, machine, Component::Etcd) == Existing::Ours {
        return None;
    }
    let processes = machine.processes();
    let works_here = |p: &&Process| p.is("etcd") && p.flag("data-dir").is_some_and(|d| Path::new(d) == dir);
    let other = processes.iter().find(works_here)?;
    let stop = match &other.unit {
        Some(unit) => format!("`systemctl disable --now {unit}`"),
        None => format!("`kill {}`", other.pid),
    };
    let shown = dir.display();
    Some(
        Finding::error(format!("another etcd uses {shown}: process {}", other.pid))
            .evidence(other.command_line())
            .cause("it holds the database's lock, for which the cluster's own etcd would wait forever")
            .fix(format!("{stop}, and `mv {shown} {shown}.old` to keep its data; or choose another directory: etcd.local.dataDir")),
    )
}

/// Data and PKI of one cluster. With data of another, etcd would serve a cluster whose certificates nobody here has.
pub(crate) fn matches_pki(settings: &Settings, machine: &dyn Machine) -> Result<Vec<Finding>, Unmeasured> {
    let Some(dir) = data_dir(settings) else { return Ok(vec![]) };
    if machine.kind(&dir.join("member")).is_none() {
        return Ok(vec![]);
    }
    let pki = &settings.node.paths.certificates;
    let shown = dir.display();
    let finding = |why: String, cause: &str| {
        vec![
            Finding::error(format!("{shown} holds the data of another cluster"))
                .evidence(why)
                .cause(cause)
                .fix(format!(
                    "if that cluster is no longer needed, `kubestrap reset`, or keep its data: `mv {shown} {shown}.old`; if it is, put its certificates back into {}",
                    pki.display()
                )),
        ]
    };
    let missing: Vec<String> = ["ca.crt", "etcd/ca.crt"]
        .map(|f| pki.join(f))
        .iter()
        .filter(|f| machine.kind(f).is_none())
        .map(|f| f.display().to_string())
        .collect();
    if !missing.is_empty() {
        return Ok(finding(
            format!("{shown}/member is there, but not {}", missing.join(" and ")),
            "an earlier cluster left its data behind, and new certificates would not match it",
        ));
    }
    match ca_in_data(machine, &dir, &pki.join("ca.crt"))? {
        Some(false) => Ok(finding(
            format!("the CA in {} is not the one in the data", pki.join("ca.crt").display()),
            "the certificates were generated again, or copied there, after this data was written",
        )),
        _ => Ok(vec![]),
    }
}

fn data_dir(settings: &Settings) -> Option<PathBuf> {
    settings.cluster.config.etcd.local.as_ref().map(|l| PathBuf::from(&l.data_dir))
}

/// Whether the data know the CA; none where they know no CA yet.
fn ca_in_data(machine: &dyn Machine, dir: &Path, ca: &Path) -> Result<Option<bool>, Unmeasured> {
    let Some(text) = machine.text(ca) else { return Ok(None) };
    let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('-') && l.len() >= 32).collect();
    // The middle of a certificate is its key; its beginning is the same in many.
    let Some(key) = lines.get(lines.len() / 2) else { return Ok(None) };
    // What was written last is only in the log.
    let log = dir.join("member/wal");
    let names = machine.list(&log).map_err(|e| Unmeasured::io(&log, &e))?;
    let files = names.iter().filter(|n| n.ends_with(".wal")).map(|n| log.join(n));
    let mut knows_a_ca = None;
    for file in std::iter::once(dir.join("member/snap/db")).chain(files) {
        let stream = match machine.open(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened.map_err(|e| Unmeasured::io(&file, &e))?,
        };
        let needles = [key.trim().as_bytes(), CA_KEYS[0], CA_KEYS[1]];
        let [own, by_server, by_controllers] =
            search(stream.take(SEARCHED), needles).map_err(|e| Unmeasured::io(&file, &e))?;
        if own {
            return Ok(Some(true));
        }
        if by_server || by_controllers {
            knows_a_ca = Some(false);
        }
    }
    Ok(knows_a_ca)
}

/// Which of the needles a stream has. A stream that ends at its limit is searched so far.
fn search(mut stream: impl Read, needles: [&[u8]; 3]) -> io::Result<[bool; 3]> {
    let overlap = needles.iter().map(|n| n.len()).max().unwrap_or_default();
    let mut found = [false; 3];
    let mut window: Vec<u8> = vec![];
    let mut chunk = vec![0; 1 << 20];
    loop {
        let read = stream.read(&mut chunk)?;
        if read == 0 || found.first() == Some(&true) {
            return Ok(found);
        }
        window.drain(..window.len().saturating_sub(overlap));
        window.extend_from_slice(chunk.get(..read).unwrap_or_default());
        for (found, needle) in found.iter_mut().zip(needles) {
            *found = *found || contains(&window, needle);
        }
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return true };
    let mut tail = haystack;
    while let Some(at) = tail.iter().position(|b| b == first) {
        tail = tail.get(at + 1..).unwrap_or_default();
        if tail.starts_with(rest) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, settings};

    const CA: &str = "-----BEGIN CERTIFICATE-----\nMIIDBTCCAe2gAwIBAgIIaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nkeykeykeykeykeykeykeykeykeykeykeykeykeykeykey\nendendendendendendendendendendendendendendend\n-----END CERTIFICATE-----\n";

    fn with(db: Option<&[u8]>, ca: Option<&str>) -> FakeMachine {
        FakeMachine::with(|m| {
            m.dirs.insert("/var/lib/etcd".into(), vec!["lost+found".into(), "member".into()]);
            m.dirs.insert("/var/lib/etcd/member".into(), vec![]);
            if let Some(db) = db {
                m.file("/var/lib/etcd/member/snap/db", db);
            }
            if let Some(ca) = ca {
                m.file("/etc/kubernetes/pki/ca.crt", ca);
                m.file("/etc/kubernetes/pki/etcd/ca.crt", "x");
            }
        })
    }

    #[test]
    fn data_without_a_ca_or_with_another_are_of_another_cluster() {
        let s = settings("");
        let other = [b"\0\x01junk", CA_KEYS[1], b"-----BEGIN CERTIFICATE-----\nother"].concat();
        let ours = [&other[..], b"xx", CA.as_bytes()].concat();
        let row = "PkiMatchesEtcd";
        assert!(with(Some(&ours), None).finding(row, &s).evidence[0].contains("pki/ca.crt"));
        assert!(with(Some(&other), Some(CA)).finding(row, &s).fix.unwrap().contains("kubestrap reset"));
        assert!(with(Some(&ours), Some(CA)).check(row, &s).is_empty());
        assert!(with(Some(b"empty"), Some(CA)).check(row, &s).is_empty(), "no cluster lived there yet");
        assert!(with(None, Some(CA)).check(row, &s).is_empty());
        assert!(FakeMachine::healthy().check(row, &s).is_empty());
        // What was written last is in the log, and not yet in the database.
        let written = |log: &[u8]| {
            let mut machine = with(Some(b"empty"), Some(CA));
            machine.dirs.insert("/var/lib/etcd/member/wal".into(), vec!["0.tmp".into(), "1.wal".into()]);
            machine.file("/var/lib/etcd/member/wal/1.wal", log);
            machine.check(row, &s)
        };
        let by_server = [CA_KEYS[0], b"-----BEGIN CERTIFICATE-----\nother"].concat();
        assert_eq!(written(&by_server).len(), 1);
        assert_eq!(written(&[&by_server[..], CA.as_bytes()].concat()), []);
    }

    #[test]
    fn data_directory_may_hold_etcd_data_and_nothing_else() {
        let s = settings("");
        let row = "DirAvailable--var-lib-etcd";
        assert_eq!(with(None, Some(CA)).finding(row, &s).severity, Severity::Info);
        let with = |names: &[&str]| {
            FakeMachine::with(|m| {
                m.dirs.insert("/var/lib/etcd".into(), names.iter().map(|n| (*n).into()).collect());
            })
        };
        assert_eq!(with(&["backup.tar"]).finding(row, &s).severity, Severity::Error);
        assert!(with(&["lost+found"]).check(row, &s).is_empty());
        let file = FakeMachine::with(|m| m.file("/var/lib/etcd", "x"));
        assert!(file.finding(row, &s).what.contains("not a directory"));
    }

    #[test]
    fn needles_across_chunks_are_found() {
        let mut stream = vec![b'k'; (1 << 20) - 3];
        stream.extend_from_slice(b"needle and more");
        assert_eq!(search(&stream[..], [b"absent", b"needle", b"missing"]).unwrap(), [false, true, false]);
    }
}
