//! The Debian package.

use super::VERSION;
use super::archive::{ar, gzip, tar};
use super::content::{Content, Entry, SHELLS};
use e2e::build::architecture;

const DOC: &str = "usr/share/doc/kubestrap";

/// Its file's name.
pub(super) fn file_name() -> String {
    format!("kubestrap_{VERSION}_{}.deb", architecture())
}

/// What is installed. kubelet's drop-in is an example: its real place belongs to kubeadm's package, and `init` puts it
/// there where no package has.
///
/// # Errors
/// When something can't be compressed.
pub(super) fn installed(content: &Content) -> anyhow::Result<Vec<Entry>> {
    let mut entries = vec![
        Entry::program("usr/bin/kubestrap", content.program.clone()),
        Entry::file(format!("{DOC}/copyright"), include_str!("copyright.txt")),
        Entry::file(format!("{DOC}/README.md"), content.readme.clone()),
        Entry::file(format!("{DOC}/third-party.gz"), gzip(content.notices.as_bytes())?),
        Entry::file(format!("{DOC}/examples/kubelet.service.d/10-kubeadm.conf"), content.drop_in.clone()),
    ];
    for (shell, script) in &content.completions {
        let place = SHELLS.iter().find(|(name, ..)| name == shell).and_then(|(.., place)| *place);
        entries.extend(place.map(|place| Entry::file(place, script.clone())));
    }
    for (name, page) in &content.pages {
        entries.push(Entry::file(format!("usr/share/man/man1/{name}.gz"), gzip(page)?));
    }
    Ok(entries)
}

/// Offers the name kubeadm, unless that is installed: tools that drive kubeadm then find kubestrap in its place.
const POSTINST: &str = r#"#!/bin/sh
set -e
link="$DPKG_ROOT/usr/bin/kubeadm"
if [ "$1" = configure ]; then
    if [ ! -e "$link" ] && [ ! -L "$link" ] || [ "$(readlink "$link")" = /etc/alternatives/kubeadm ]; then
        update-alternatives --install /usr/bin/kubeadm kubeadm /usr/bin/kubestrap 10
    fi
fi
"#;

/// Takes the offer back. A kubeadm that was installed meanwhile is no link, and stays.
const PRERM: &str = r#"#!/bin/sh
set -e
if [ "$1" = remove ] || [ "$1" = deconfigure ]; then
    update-alternatives --remove kubeadm /usr/bin/kubestrap
fi
"#;

/// The package's bytes (deb(5)).
///
/// # Errors
/// When something can't be packed.
pub(super) fn package(content: &Content, time: u64) -> anyhow::Result<Vec<u8>> {
    let entries = installed(content)?;
    let control = [
        Entry::file("control", control(content, &entries)),
        Entry::program("postinst", POSTINST),
        Entry::program("prerm", PRERM),
    ];
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", gzip(&tar(&control, time)?)?),
        ("data.tar.gz", gzip(&tar(&entries, time)?)?),
    ];
    Ok(ar(&members, time))
}

/// The fields (deb-control(5)).
fn control(content: &Content, entries: &[Entry]) -> String {
    let kib: usize = entries.iter().map(|e| e.bytes.len().div_ceil(1024)).sum();
    format!(
        "Package: kubestrap
Version: {VERSION}
Architecture: {}
Maintainer: The kubestrap maintainers <maintainers@kubestrap.invalid>
Installed-Size: {kib}
Depends: {}
Recommends: kubelet
Suggests: containerd
Section: admin
Priority: optional
Description: turns a machine into a Kubernetes control plane
 Makes the certificates, the static Pods and kubelet's configuration of a
 control plane, starts it, and says why it does not come up if it does not.
 Reads kubeadm's configuration, and leaves a cluster that kubeadm can join,
 inspect and upgrade.
",
        architecture(),
        depends(&content.program),
    )
}

/// The libraries that the program is linked with: glibc, from the version of the newest symbol that it uses.
fn depends(program: &[u8]) -> String {
    let text = String::from_utf8_lossy(program);
    let symbols = text.split("GLIBC_2.").skip(1);
    let minor = |after: &str| after.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok();
    let newest = symbols.filter_map(minor).max().map_or_else(String::new, |minor| format!(" (>= 2.{minor})"));
    let gcc = if text.contains("libgcc_s.so.1") { ", libgcc-s1" } else { "" };
    format!("libc6{newest}{gcc}")
}

#[cfg(test)]
mod tests {
    use super::depends;

    #[test]
    fn the_newest_symbol_counts() {
        assert_eq!(depends(b"\0GLIBC_2.9\0GLIBC_2.34\0GLIBC_2.2.5\0"), "libc6 (>= 2.34)");
        assert_eq!(depends(b"\0libgcc_s.so.1\0GLIBC_2.17\0\xff"), "libc6 (>= 2.17), libgcc-s1");
        assert_eq!(depends(b""), "libc6");
    }
}
