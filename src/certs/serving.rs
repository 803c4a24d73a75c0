//! Which certificates the running components use: what they serve, and whom they are.
//!
//! kube-apiserver and etcd read what they serve again by themselves, within seconds; and kube-apiserver, when it
//! connects again, what it is a client with (seen with 1.36: etcd's at its next connection, kubelets' within minutes).
//! kube-controller-manager and kube-scheduler read their kubeconfigs once, when they start.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::health::target;
use crate::host::Host;
use crate::host::process;
use crate::host::tls::{TlsError, served_certificate};
use crate::manifest::Component;
use crate::node::StaticPod;
use crate::pki::Certificate;

/// A certificate that a component uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// Which component.
    pub component: Component,
    /// How it uses it.
    pub way: Way,
}

/// How a component uses a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It serves it.
    Serves {
        /// The certificate's file.
        file: PathBuf,
        /// Where: `host:port`.
        address: String,
    },
    /// It is a client with it, and reads it when it starts.
    ReadsOnce {
        /// The kubeconfig that holds it.
        kubeconfig: PathBuf,
    },
    /// It is a client with it, and reads it again when it connects.
    ReadsAgain {
        /// The certificate's file.
        file: PathBuf,
        /// The flag that names it.
        flag: &'static str,
    },
}

/// How a component stands to a certificate that it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It uses the one that is on disk.
    Current,
    /// It uses another, and how we know.
    Old(String),
    /// It may use another still on connections that it has, and comes to this one by itself.
    Soon,
    /// It does not run.
    Stopped(String),
    /// That can't be told, and why.
    Unknown(String),
}

/// What is asked of the machine; tests answer instead.
pub(crate) trait Probe {
    /// The certificate (DER) that is served at an address.
    ///
    /// # Errors
    /// When none is.
    fn served(&self, address: &str) -> Result<Vec<u8>, TlsError>;

    /// When the component started that was given this file by a flag; none if it does not run.
    fn started(&self, component: Component, flag: &str, file: &Path) -> Option<SystemTime>;

    /// When a file was last changed.
    fn changed(&self, file: &Path) -> Option<SystemTime>;
}

/// The machine itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Machine;

impl Probe for Machine {
    fn served(&self, address: &str) -> Result<Vec<u8>, TlsError> {
        served_certificate(address)
    }

    fn started(&self, component: Component, flag: &str, file: &Path) -> Option<SystemTime> {
        let found = process::processes()
            .into_iter()
            .find(|p| p.is(component.name()) && p.flag(flag).map(Path::new) == Some(file))?;
        process::started(found.pid)
    }

    fn changed(&self, file: &Path) -> Option<SystemTime> {
        file.metadata().and_then(|m| m.modified()).ok()
    }
}

/// What the components use whose manifests lie in a folder.
pub(crate) fn uses(manifests: &Path, host: &dyn Host) -> Vec<Use> {
    let pods = Component::ALL.into_iter().filter_map(|c| pod(manifests, c, host));
    pods.flat_map(|pod| uses_of(&pod)).collect()
}

/// A component's static Pod, if its manifest exists and can be read.
pub(crate) fn pod(manifests: &Path, component: Component, host: &dyn Host) -> Option<StaticPod> {
    StaticPod::read(manifests, component, host).ok().flatten()
}

fn uses_of(pod: &StaticPod) -> Vec<Use> {
    let component = pod.component();
    let flag = |name: &str| pod.flag(name);
    let serves = |file: &str, address: Option<String>| {
        Some(Way::Serves { file: flag(file)?.into(), address: address? })
    };
    let ways = match component {
        Component::Etcd => vec![
            serves("cert-file", flag("listen-client-urls").as_deref().and_then(first_tls_address)),
            serves("peer-cert-file", flag("listen-peer-urls").as_deref().and_then(first_tls_address)),
        ],
        _ => {
            let base = target(pod).base;
            let address = base.strip_prefix("https://").map(str::to_owned);
            let kubeconfig = flag("kubeconfig").map(|k| Way::ReadsOnce { kubeconfig: k.into() });
            let client = |name: &'static str| Some(Way::ReadsAgain { file: flag(name)?.into(), flag: name });
            let clients = ["etcd-certfile", "kubelet-client-certificate", "proxy-client-cert-file"];
            let mut ways = vec![serves("tls-cert-file", address), kubeconfig];
            ways.extend(clients.into_iter().map(client));
            ways
        }
    };
    ways.into_iter().flatten().map(|way| Use { component, way }).collect()
}

/// `host:port` of the first https URL of a list, as one can reach it.
fn first_tls_address(urls: &str) -> Option<String> {
    let address = urls.split(',').find_map(|url| url.trim().strip_prefix("https://"))?;
    let address = address.trim_end_matches('/');
    Some(address.replacen("0.0.0.0:", "127.0.0.1:", 1).replacen("[::]:", "[::1]:", 1))
}

impl Use {
    /// The file that holds the certificate.
    pub(crate) fn file(&self) -> &Path {
        match &self.way {
            Way::Serves { file, .. } | Way::ReadsAgain { file, .. } => file,
            Way::ReadsOnce { kubeconfig } => kubeconfig,
        }
    }

    /// How the component stands to what is on disk.
    pub(crate) fn standing(&self, host: &dyn Host, probe: &dyn Probe) -> Standing {
        match &self.way {
            Way::Serves { file, address } => serving(file, address, host, probe),
            Way::ReadsOnce { kubeconfig } => {
                self.read(kubeconfig, "kubeconfig", probe).unwrap_or_else(|| {
                    Standing::Old("it started before the file changed, and reads it only then".into())
                })
            }
            Way::ReadsAgain { file, flag } => self.read(file, flag, probe).unwrap_or(Standing::Soon),
        }
    }

    /// How a component stands to a file that it read when it started; none if the file changed since.
    fn read(&self, file: &Path, flag: &str, probe: &dyn Probe) -> Option<Standing> {
        match (probe.started(self.component, flag, file), probe.changed(file)) {
            (None, _) => Some(Standing::Stopped(format!(
                "no running {} that was started with it was found here",
                self.component.name()
            ))),
            (_, None) => Some(Standing::Unknown(format!("{} is missing", file.display()))),
            (Some(started), Some(changed)) => (started >= changed).then_some(Standing::Current),
        }
    }
}

fn serving(file: &Path, address: &str, host: &dyn Host, probe: &dyn Probe) -> Standing {
    let on_disk = match host.read(file) {
        Ok(Some(text)) => Certificate::from_pem(&text).map_err(|e| format!("{}: {e}", file.display())),
        Ok(None) => Err(format!("{} is missing", file.display())),
        Err(error) => Err(error.to_string()),
    };
    match (on_disk, probe.served(address)) {
        (Err(why), _) => Standing::Unknown(why),
        (_, Err(error @ TlsError::Connect { .. })) => Standing::Stopped(error.to_string()),
        (_, Err(error)) => Standing::Unknown(error.to_string()),
        (Ok(on_disk), Ok(served)) if on_disk.der() == served => Standing::Current,
        (Ok(_), Ok(served)) => Standing::Old(match Certificate::from_der(&served) {
            Ok(other) => format!(
                "{address} serves another certificate: serial {}, valid until {}",
                other.serial_hex(),
                super::utc(other.not_after())
            ),
            Err(_) => format!("{address} serves another certificate"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io;
    use std::time::Duration;

    fn of(component: Component, flags: &[&str]) -> Vec<Use> {
        let mut command = vec![component.name()];
        command.extend(flags);
        uses_of(&StaticPod::new(component, json!({ "spec": { "containers": [{ "command": command }] } })))
    }

    #[test]
    fn what_is_used_follows_the_flags() {
        let etcd = of(
            Component::Etcd,
            &[
                "--cert-file=/p/server.crt",
                "--listen-client-urls=http://127.0.0.1:1,https://0.0.0.0:2379",
                "--peer-cert-file=/p/peer.crt",
                "--listen-peer-urls=https://[::]:2380/",
            ],
        );
        let serves = |file: &str, address: &str| Way::Serves { file: file.into(), address: address.into() };
        let ways: Vec<Way> = etcd.into_iter().map(|u| u.way).collect();
        assert_eq!(ways, [serves("/p/server.crt", "127.0.0.1:2379"), serves("/p/peer.crt", "[::1]:2380")]);
        let api = of(
            Component::ApiServer,
            &["--tls-cert-file=/p/a.crt", "--advertise-address=192.0.2.2", "--secure-port=7443"],
        );
        assert_eq!(api.first().unwrap().way, serves("/p/a.crt", "192.0.2.2:7443"));
        let scheduler = of(Component::Scheduler, &["--kubeconfig=/k/scheduler.conf"]);
        assert_eq!(scheduler.len(), 1, "it serves a certificate that it made itself");
        assert_eq!(scheduler.first().unwrap().file(), Path::new("/k/scheduler.conf"));
    }

    struct Scripted {
        started: Option<SystemTime>,
        changed: SystemTime,
    }

    impl Probe for Scripted {
        fn served(&self, address: &str) -> Result<Vec<u8>, TlsError> {
            let source = io::ErrorKind::ConnectionRefused.into();
            Err(TlsError::Connect { address: address.into(), source })
        }
        fn started(&self, _: Component, _: &str, _: &Path) -> Option<SystemTime> {
            self.started
        }
        fn changed(&self, _: &Path) -> Option<SystemTime> {
            Some(self.changed)
        }
    }

    #[test]
    fn who_started_before_its_kubeconfig_changed_is_old() {
        let now = SystemTime::now();
        let scheduler = of(Component::Scheduler, &["--kubeconfig=/k/scheduler.conf"]).remove(0);
        let host = crate::host::RealHost::new();
        let standing = |started| scheduler.standing(&host, &Scripted { started, changed: now });
        assert!(matches!(standing(Some(now - Duration::from_secs(1))), Standing::Old(_)));
        assert_eq!(standing(Some(now + Duration::from_secs(1))), Standing::Current);
        assert!(matches!(standing(None), Standing::Stopped(_)));
        let api = of(Component::ApiServer, &["--etcd-certfile=/p/client.crt"]).remove(0);
        let probe = Scripted { started: Some(now - Duration::from_secs(1)), changed: now };
        assert_eq!(api.standing(&host, &probe), Standing::Soon);
    }
}
