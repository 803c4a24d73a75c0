//! Which certificates are managed, and where they lie.

use std::path::{Path, PathBuf};

use crate::host::{FileError, Host};
use crate::kubeconfig::{self, KubeconfigRow};
use crate::manifest::Component;
use crate::pki::table::{CERTIFICATES, CertRow, row};

/// Where a control plane's certificates lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pki {
    /// The folder of certificates and keys: `/etc/kubernetes/pki`.
    pub certificates: PathBuf,
    /// The folder of kubeconfigs: `/etc/kubernetes`.
    pub kubeconfigs: PathBuf,
    /// etcd is external, and so are its certificates.
    pub external_etcd: bool,
}

/// A leaf certificate that kubeadm's `certs` commands know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Managed {
    /// Its name there: `apiserver`, `admin.conf`.
    pub name: &'static str,
    /// Where it lies.
    pub place: Place,
    /// The CA that signs it.
    pub signer: &'static CertRow,
}

/// Where a managed certificate lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// In a file of the certificates' folder, its key beside it.
    File(&'static CertRow),
    /// In a kubeconfig, with its key.
    Kubeconfig(&'static KubeconfigRow),
}

impl Managed {
    /// The file that it is in.
    pub(crate) fn path(&self, pki: &Pki) -> PathBuf {
        match self.place {
            Place::File(row) => pki.certificate(row),
            Place::Kubeconfig(row) => pki.kubeconfigs.join(row.file),
        }
    }

    /// What it is for, in a line.
    pub(crate) fn about(&self) -> String {
        match self.place {
            Place::File(row) => row.about.replacen("Generate the", "The", 1),
            Place::Kubeconfig(row) => {
                let what = row.about.split_once(", ").map_or(row.about, |(_, what)| what);
                format!("The client certificate in {}, {what}", row.file)
            }
        }
    }
}

impl Pki {
    /// The file of a certificate of the table.
    pub(crate) fn certificate(&self, row: &CertRow) -> PathBuf {
        self.certificates.join(format!("{}.crt", row.base))
    }

    /// The file of its key.
    pub(crate) fn key(&self, row: &CertRow) -> PathBuf {
        self.certificates.join(format!("{}.key", row.base))
    }

    /// Whether a CA is external: its certificate is here and its key is not (kubeadm's rule).
    pub(crate) fn is_external(&self, ca: &CertRow, host: &dyn Host) -> bool {
        host.exists(&self.certificate(ca)) && !host.exists(&self.key(ca))
    }

    /// The folders that certificates and kubeconfigs lie in.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.kubeconfigs.clone(), self.certificates.clone()];
        folders
            .extend(CERTIFICATES.iter().filter_map(|row| self.certificate(row).parent().map(Path::to_owned)));
        folders.sort();
        folders.dedup();
        folders
    }
}

/// The component that uses a certificate; none for those of people, tools and probes.
pub(crate) fn component_of(name: &str) -> Option<Component> {
    match name {
        "etcd-server" | "etcd-peer" => Some(Component::Etcd),
        "apiserver" | "apiserver-etcd-client" | "apiserver-kubelet-client" | "front-proxy-client" => {
            Some(Component::ApiServer)
        }
        "controller-manager.conf" => Some(Component::ControllerManager),
        "scheduler.conf" => Some(Component::Scheduler),
        _ => None,
    }
}

/// The leaves, by name, as kubeadm lists them; kubelet's are its own to renew.
pub(crate) fn leaves(external_etcd: bool) -> Vec<Managed> {
    let files = CERTIFICATES.iter().filter(|row| !(external_etcd && row.is_of_etcd()));
    let files = files.filter_map(|row| {
        row.signer_row().map(|signer| Managed { name: row.name, place: Place::File(row), signer })
    });
    let kubeconfigs = kubeconfig::ROWS.iter().filter(|k| k.name != "kubelet");
    let kubeconfigs = kubeconfigs.filter_map(|k| {
        row("ca").map(|ca| Managed { name: k.file, place: Place::Kubeconfig(k), signer: ca })
    });
    let mut all: Vec<Managed> = files.chain(kubeconfigs).collect();
    all.sort_by_key(|m| m.name);
    all
}

/// The CAs, by name.
pub(crate) fn authorities(external_etcd: bool) -> Vec<&'static CertRow> {
    let mut all: Vec<&CertRow> =
        CERTIFICATES.iter().filter(|row| row.is_ca() && !(external_etcd && row.is_of_etcd())).collect();
    all.sort_by_key(|row| row.name);
    all
}

/// A file that must be there.
pub(super) fn required(host: &dyn Host, path: &Path) -> Result<Vec<u8>, FileError> {
    host.read(path)?.ok_or_else(|| FileError {
        action: "read",
        path: path.to_owned(),
        reason: "there is no such file".into(),
        source: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_kubeadms_in_its_order() {
        let names = |external| leaves(external).iter().map(|m| m.name).collect::<Vec<_>>();
        assert_eq!(
            names(false),
            [
                "admin.conf",
                "apiserver",
                "apiserver-etcd-client",
                "apiserver-kubelet-client",
                "controller-manager.conf",
                "etcd-healthcheck-client",
                "etcd-peer",
                "etcd-server",
                "front-proxy-client",
                "scheduler.conf",
                "super-admin.conf",
            ]
        );
        assert_eq!(names(true).len(), 7);
        let cas = |external| authorities(external).iter().map(|r| r.name).collect::<Vec<_>>();
        assert_eq!(cas(false), ["ca", "etcd-ca", "front-proxy-ca"]);
        assert_eq!(cas(true), ["ca", "front-proxy-ca"]);
    }
}
