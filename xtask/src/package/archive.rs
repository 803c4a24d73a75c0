//! Archives whose bytes depend on nothing but what is in them.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, GzBuilder};

use super::content::Entry;

/// gzip, without a name and a time.
///
/// # Errors
/// When writing fails.
pub(super) fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut writer = GzBuilder::new().write(vec![], Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

/// A tar of the entries, with the folders on the way, all of root and of one time (seconds since 1970).
///
/// # Errors
/// When writing fails.
pub(super) fn tar(entries: &[Entry], time: u64) -> anyhow::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(vec![]);
    let mut append = |kind, path: &Path, mode, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, path, bytes)
    };
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut folders = BTreeSet::new();
    for entry in entries {
        let path = Path::new(&entry.path);
        let above: Vec<&Path> = path.ancestors().skip(1).filter(|p| !p.as_os_str().is_empty()).collect();
        for folder in above.into_iter().rev() {
            if folders.insert(folder) {
                append(tar::EntryType::Directory, folder, 0o755, &[])?;
            }
        }
        append(tar::EntryType::Regular, path, entry.mode, &entry.bytes)?;
    }
    Ok(builder.into_inner()?)
}

/// An archive of `ar`, as deb(5) has it.
pub(super) fn ar(members: &[(&str, Vec<u8>)], time: u64) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        archive.extend(
            format!("{name:<16}{time:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, "100644", bytes.len()).bytes(),
        );
        archive.extend(bytes);
        if bytes.len() % 2 == 1 {
            archive.push(b'\n');
        }
    }
    archive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_once_and_before_what_is_in_them() {
        let entries = [Entry::file("a/c", "2"), Entry::program("a/b/p", "1"), Entry::file("d", "3")];
        let bytes = tar(&entries, 7).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let found = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap()), (7, 0));
            (entry.path().unwrap().display().to_string(), header.mode().unwrap())
        });
        let found: Vec<_> = found.collect();
        let wanted = [("a", 0o755), ("a/b", 0o755), ("a/b/p", 0o755), ("a/c", 0o644), ("d", 0o644)];
        assert_eq!(found, wanted.map(|(path, mode)| (path.to_owned(), mode)));
    }

    #[test]
    fn members_begin_at_even_places() {
        let archive = ar(&[("debian-binary", b"2.0".to_vec()), ("x", b"y".to_vec())], 7);
        assert_eq!(archive.len(), 8 + 60 + 4 + 60 + 2);
        assert!(archive[72..].starts_with(b"x               7           0     0     100644  1         `\n"));
    }
}
