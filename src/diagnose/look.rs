//! What on the machine makes a finding plainer.

use std::path::Path;

use super::place::Place;
use crate::host::cri::KNOWN_RUNTIMES;
use crate::preflight::Machine;

/// What on the machine makes a finding plainer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nothing more.
    Nothing,
    /// Who listens on the port of the group `port`.
    Port,
    /// Which addresses the machine has.
    Addresses,
    /// How full the file systems are that Kubernetes uses.
    Disks,
    /// How much memory there is.
    Memory,
    /// What the runtime complained of last in its own log.
    RuntimeLog,
}

/// The folders that fill up.
const FOLDERS: [&str; 4] = ["/", "/var/lib/etcd", "/var/lib/kubelet", "/etc/kubernetes"];

impl Look {
    /// What is seen, in lines. `port` is the rule's group of that name.
    pub(super) fn see(self, machine: &dyn Machine, place: &Place, port: Option<&str>) -> Vec<String> {
        match self {
            Self::Nothing => vec![],
            Self::Port => holders(machine, port),
            Self::Addresses => {
                let list: Vec<String> = machine
                    .addresses()
                    .unwrap_or_default()
                    .iter()
                    .filter(|a| !a.ip.is_loopback())
                    .map(|a| format!("{} ({})", a.ip, a.interface))
                    .collect();
                vec![format!("this machine has: {}", list.join(", "))]
            }
            Self::Disks => disks(machine),
            Self::RuntimeLog => machine.complaint(place.runtime().service).into_iter().collect(),
            Self::Memory => vec![format!("this machine has {} MiB of memory", machine.memory() >> 20)],
        }
    }
}

fn holders(machine: &dyn Machine, port: Option<&str>) -> Vec<String> {
    let Some(port) = port.and_then(|p| p.parse::<u16>().ok()) else { return vec![] };
    let listeners = machine.listeners().unwrap_or_default();
    listeners.iter().filter(|l| l.address.port() == port).map(ToString::to_string).collect()
}

fn disks(machine: &dyn Machine) -> Vec<String> {
    let mut disks: Vec<_> = FOLDERS
        .into_iter()
        .chain(KNOWN_RUNTIMES.iter().map(|runtime| runtime.data))
        .filter_map(|folder| machine.disk(Path::new(folder)).ok())
        .collect();
    disks.sort_by(|a, b| a.mount_point.cmp(&b.mount_point));
    disks.dedup_by(|a, b| a.mount_point == b.mount_point);
    disks
        .iter()
        .map(|d| {
            format!("{}: {} MiB of {} MiB free", d.mount_point.display(), d.bytes_free >> 20, d.bytes >> 20)
        })
        .collect()
}
