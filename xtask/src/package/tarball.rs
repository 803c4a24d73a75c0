//! The tarball, for every other distribution.

use super::VERSION;
use super::archive::{gzip, tar};
use super::content::{Content, Entry, SHELLS};
use e2e::build::architecture;

fn top() -> String {
    format!("kubestrap-{VERSION}-linux-{}", architecture())
}

/// Its file's name.
pub(super) fn file_name() -> String {
    format!("{}.tar.gz", top())
}

/// Its bytes.
///
/// # Errors
/// When something can't be packed.
pub(super) fn tarball(content: &Content, time: u64) -> anyhow::Result<Vec<u8>> {
    let mut entries = vec![
        Entry::program("kubestrap", content.program.clone()),
        Entry::file("README.md", content.readme.clone()),
        Entry::file("LICENSE", content.license.clone()),
        Entry::file("THIRD-PARTY", content.notices.as_bytes()),
        Entry::file("kubelet.service.d/10-kubeadm.conf", content.drop_in.clone()),
    ];
    for (shell, script) in &content.completions {
        let name = SHELLS.iter().find(|(name, ..)| name == shell).map_or(*shell, |(_, name, _)| *name);
        entries.push(Entry::file(format!("completions/{name}"), script.clone()));
    }
    entries
        .extend(content.pages.iter().map(|(name, page)| Entry::file(format!("man1/{name}"), page.clone())));
    let top = top();
    for entry in &mut entries {
        entry.path = format!("{top}/{}", entry.path);
    }
    gzip(&tar(&entries, time)?)
}
