//! `etcd`: the cluster's etcd, asked and looked after over its own API, with no API server needed.

pub(crate) mod health;
pub(crate) mod maintenance;
pub(crate) mod members;
pub(crate) mod recover;
mod replace;
pub(crate) mod restore;
pub(crate) mod snapshot;

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::etcd::{Credentials, EtcdClient, EtcdError};
use crate::exit_status::ExitStatus;
use crate::host::{Host, RealHost};
use crate::manifest::Component;
use crate::node::{StaticPod, etcd_endpoints};

/// Where snapshots are kept.
pub(crate) const SNAPSHOTS: &str = "/var/lib/kubestrap/etcd-snapshots";

/// Which etcd, and who asks. What is not given comes from etcd's static Pod manifest on this machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    /// Client URLs of members.
    pub(crate) endpoints: Vec<String>,
    /// The file of etcd's CA.
    pub(crate) ca: Option<PathBuf>,
    /// The file of the client's certificate.
    pub(crate) certificate: Option<PathBuf>,
    /// The file of the client's key.
    pub(crate) key: Option<PathBuf>,
    /// The folder of static Pod manifests.
    pub(crate) manifests: PathBuf,
}

/// An error of etcd; where it is that no member answers, with what to do.
pub(super) fn unanswered(error: EtcdError) -> Error {
    use EtcdError::{NoQuorum, Timeout, Unreachable};
    let is_unanswered = matches!(error, Unreachable { .. } | Timeout { .. } | NoQuorum { .. });
    let error = Error::from(error);
    if !is_unanswered {
        return error;
    }
    let message = format!(
        "{}\n  fix: `kubestrap diagnose` on that node tells why etcd does not answer; --endpoints names other members, and --cacert, --cert and --key other certificates",
        error.message
    );
    error.with_message(message)
}

/// A client, and where it looks for members.
pub(super) struct Reached {
    pub(super) etcd: EtcdClient,
    pub(super) endpoints: Vec<String>,
}

impl Target {
    /// A client of the cluster.
    ///
    /// # Errors
    /// When it is not known where etcd is, or what is needed to ask it can't be read.
    pub(super) fn connect(&self) -> Result<Reached, Error> {
        let host = RealHost::new();
        let pod = StaticPod::read(&self.manifests, Component::Etcd, &host)?;
        let endpoints = match (&self.endpoints, &pod) {
            (given, _) if !given.is_empty() => given.clone(),
            (_, Some(pod)) => etcd_endpoints(pod),
            _ => {
                return Err(Error::new(
                    ExitStatus::Usage,
                    format!(
                        "no etcd is known: {} does not exist\n  fix: run this on a control-plane node, or name etcd with --endpoints, --cacert, --cert and --key",
                        self.manifests.join(Component::Etcd.file()).display()
                    ),
                ));
            }
        };
        let ca = pod.as_ref().and_then(|pod| pod.flag("trusted-ca-file")).map(PathBuf::from);
        let file = |given: &Option<PathBuf>, name: &str| match (given, &ca) {
            (Some(path), _) => Ok(path.clone()),
            // kubeadm's client certificate for health checks is beside etcd's CA.
            (None, Some(ca)) => Ok(ca.with_file_name(name)),
            (None, None) => Err(Error::new(
                ExitStatus::Usage,
                "the client certificate for etcd is not known\n  fix: give --cacert, --cert and --key",
            )),
        };
        let read = |path: PathBuf| -> Result<Vec<u8>, Error> {
            let content = host.read(&path)?;
            content
                .ok_or_else(|| Error::new(ExitStatus::Failed, format!("{} does not exist", path.display())))
        };
        let credentials = Credentials {
            ca: read(file(&self.ca, "ca.crt")?)?,
            certificate: read(file(&self.certificate, "healthcheck-client.crt")?)?,
            key: Zeroizing::new(read(file(&self.key, "healthcheck-client.key")?)?),
        };
        Ok(Reached { etcd: EtcdClient::new(endpoints.clone(), &credentials)?, endpoints })
    }
}

/// A number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 1024.0 { format!("{mebibytes:.1} MiB") } else { format!("{:.2} GiB", mebibytes / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_without_etcd_is_told_what_to_give() {
        let dir = tempfile::tempdir().unwrap();
        let target = Target { manifests: dir.path().to_owned(), ..Target::default() };
        let error = target.connect().err().unwrap();
        assert_eq!(error.status, ExitStatus::Usage);
        assert!(error.message.contains("--endpoints"), "{error}");
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!((size(20_480).as_str(), size(8_589_934_592).as_str()), ("0.0 MiB", "8.00 GiB"));
    }
}
