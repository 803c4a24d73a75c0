//! The workflow of `certs rotate-ca`: new CAs and a new key of the service accounts take over, and no client is broken.
//!
//! Each of the cluster's CAs (`ca`, `front-proxy-ca`, `etcd-ca`) and the service accounts' key goes through three stages
//! on every control-plane node. No node goes to a stage before every control-plane node has reached the one before.
//!
//! | | begin | trusted | switched | finished |
//! |---|---|---|---|---|
//! | `ca.crt` of each CA, `certificate-authority-data` of kubeconfigs | old | old, new | new, old | new |
//! | `ca.key`, certificates, kubeconfigs' clients, kubelet's client | old | old | new | new |
//! | certificates' files | leaf | leaf | leaf, link | leaf |
//! | kube-controller-manager's `--cluster-signing-cert-file` | `ca.crt` | `ca-rotation/old/ca.crt` | `ca-rotation/new/ca.crt` | `ca.crt` |
//! | `sa.pub` | old | old, new | new, old | new |
//! | `sa.key` | old | old | new | new |
//! | `cluster-info`, `kube-root-ca.crt` | old | old, new | new, old | new |
//! | restarted, one at a time | | etcd with kube-apiserver, kube-controller-manager, kube-scheduler, kubelet | the same without etcd, which reads its certificates at each handshake | as for trusted |
//!
//! The first certificate of a bundle is that of the CA that signs: all that kubeadm reads of it.
//!
//! The *link* is the new CA's certificate (its name and key), signed by the old CA. Servers and clients show it after
//! their own certificate, so that who trusts only the old CA comes from the certificate over the link to the old CA: a
//! copy of admin.conf, a worker's kubelet, a Pod that has read its CA long ago. They all work until the old CA is
//! dropped, which is why that is a command of its own.
//!
//! kube-controller-manager refuses a signing certificate's file with more than one certificate, so that its manifest
//! names the single one meanwhile.
//!
//! Going back is the same with the generations exchanged, from the stage trusted on.

mod announce;
mod cluster;
mod files;
mod finish;
mod prepare;
mod restart;
mod signing;
#[cfg(test)]
mod tests;
mod worker;

use crate::certs::Pki;
use crate::certs::rotation::{Progress, Stage, Staging};
use crate::error::Error;
use crate::manifest::Component;
use crate::pki::table::row;
use crate::workflow::{Outcome, Phase, PhaseResult, Run, Workflow};

pub(crate) use announce::{announcements, missing};
pub(crate) use finish::blockers;
pub(crate) use worker::{Synced, sync};

/// What the phases work on.
pub(crate) struct Rotation {
    /// What the shared phases work on.
    pub(crate) run: Run,
    /// How far it has come on this node; without an id where it has not begun.
    pub(crate) progress: Progress,
    /// Finish although clients are left that the old CA's end breaks.
    pub(crate) force: bool,
}

impl AsMut<Run> for Rotation {
    fn as_mut(&mut self) -> &mut Run {
        &mut self.run
    }
}

impl Rotation {
    /// Its folder.
    pub(crate) fn staging(&self) -> Staging {
        Staging::of(&self.run.settings.node.paths.certificates)
    }

    /// Where the certificates are.
    fn pki(&self) -> Pki {
        Pki {
            certificates: self.run.settings.node.paths.certificates.clone(),
            kubeconfigs: self.run.settings.node.paths.kubeconfig_dir.clone(),
            external_etcd: self.run.settings.cluster.config.etcd.local.is_none(),
        }
    }

    /// Takes note that a step is done.
    fn note(&mut self, step: String) -> Result<(), Error> {
        self.progress.done.push(step);
        Ok(self.progress.keep(&self.staging(), &*self.run.host)?)
    }

    /// Takes note that a stage is reached, and tells the other nodes.
    fn reach(&mut self, stage: Stage) -> PhaseResult {
        announce::announce(&mut self.run, &self.progress.id, stage)?;
        self.progress.reached = Some(stage);
        self.progress.done.clear();
        self.progress.keep(&self.staging(), &*self.run.host)?;
        Ok(Outcome::Done)
    }
}

/// The table of a stage.
pub(crate) fn workflow(stage: Stage) -> Workflow<Rotation> {
    let step = |name, about, work: fn(&mut Rotation, Stage) -> PhaseResult| {
        Phase::new(name, about, move |rotation: &mut Rotation| {
            if rotation.progress.done.iter().any(|done| done == name) {
                return Ok(Outcome::NotApplicable);
            }
            let outcome = work(rotation, stage)?;
            rotation.note(name.to_owned())?;
            Ok(outcome)
        })
    };
    let about = match stage {
        Stage::Trusted => "Have everything on this node trust both CAs",
        Stage::Switched => "Have the new CA sign everything on this node",
        Stage::Finished => "Drop the old CA",
    };
    let before = match stage {
        Stage::Trusted => vec![
            Phase::new("preflight", "Check whether the CAs of this node can be rotated", prepare::check),
            Phase::new("prepare", "Generate the new CAs and the service accounts' key", prepare::prepare),
        ],
        Stage::Switched => {
            vec![step("root-ca", "Wait until Pods get both CAs", |r, _| {
                cluster::await_root_ca(r, Stage::Trusted)
            })]
        }
        Stage::Finished => {
            vec![Phase::new("check", "Check that nothing needs the old CAs any more", finish::check)]
        }
    };
    let restarts = vec![
        step("etcd", "Restart etcd", |r, stage| restart::restart(r, stage, Component::Etcd)),
        step("kube-apiserver", "Restart kube-apiserver", |r, stage| {
            restart::restart(r, stage, Component::ApiServer)
        }),
        step("kube-controller-manager", "Restart kube-controller-manager", |r, stage| {
            restart::restart(r, stage, Component::ControllerManager)
        }),
        step("kube-scheduler", "Restart kube-scheduler, and kubelet with it", |r, stage| {
            restart::restart(r, stage, Component::Scheduler)
        }),
    ];
    let after = vec![
        step("cluster-info", "Publish the CAs for joining nodes", cluster::publish),
        Phase::new(
            "reached",
            "Tell the other nodes that this one is done",
            move |rotation: &mut Rotation| rotation.reach(stage),
        ),
    ];
    let phases = before
        .into_iter()
        .chain([step("files", "Write CAs, keys, certificates and kubeconfigs", files::write)])
        .chain(restarts)
        .chain(after)
        .collect();
    let group = Phase::group(stage.name(), about, phases);
    Workflow { name: "certs rotate-ca", phases: vec![group], moved: &[] }
}

/// Restarts the addons, once every control-plane node has switched, so that they read the new CA and get tokens that the
/// new key signed.
///
/// # Errors
/// When the cluster does not take it.
pub(crate) fn restart_addons(rotation: &mut Rotation) -> Result<(), Error> {
    cluster::restart_addons(rotation)
}

/// Exchanges the generations: the old one takes over again.
///
/// # Errors
/// When that can't be kept, or the cluster does not take it.
pub(crate) fn turn_back(rotation: &mut Rotation) -> Result<(), Error> {
    rotation.progress.rolled_back = true;
    let Some(ca) = row("ca") else { return Ok(()) };
    rotation.progress.id = prepare::id(&files::pair(rotation, ca)?.0);
    rotation.reach(Stage::Trusted).map(drop)
}

/// Ends a finished rotation on this node: its folder is removed.
///
/// # Errors
/// When it can't be removed.
pub(crate) fn clear(rotation: &Rotation) -> Result<(), Error> {
    Ok(rotation.run.host.remove_all(&rotation.staging().dir)?)
}
