//! `control-plane`: the static Pods of this node, one after the other.

use std::collections::BTreeMap;

use super::super::Upgrade;
use super::super::journal::{self, Journal, Progress};
use super::{renewal, roll, undo};
use crate::error::Error;
use crate::host::FileMode;
use crate::manifest::Component;
use crate::phases::{static_pods, wait_control_plane};
use crate::workflow::{Outcome, PhaseResult, Verb, apply_pod_patches};
use crate::yaml;

/// Replaces what differs from what the new version's manifests say. On a failure everything is put back.
pub(in super::super) fn upgrade(upgrade: &mut Upgrade) -> PhaseResult {
    if !upgrade.control_plane {
        return Ok(Outcome::Skipped("Skipping phase. Not a control plane node.".into()));
    }
    let run = &mut upgrade.run;
    let version = run.settings.cluster.version.clone();
    let mut wanted = vec![];
    for component in Component::ALL {
        let run = &mut upgrade.run;
        if component == Component::Etcd && run.settings.cluster.config.etcd.local.is_none() {
            continue;
        }
        if component == Component::Etcd && !upgrade.options.etcd_upgrade {
            run.log("Keeping etcd as it is: its upgrade is turned off");
            continue;
        }
        let pod = static_pods::render(run, component)?;
        let text = yaml::to_string(&apply_pod_patches(run, component.name(), &pod)?)?;
        let path = run.settings.node.paths.manifests.join(component.file());
        let same = roll::is_same(&path, run, &text)?;
        let begun = upgrade.journal.as_ref().and_then(|j| j.components.get(&component)).copied();
        if same && begun != Some(Progress::Begun) {
            upgrade.run.log(format!(
                "Current and new manifests of {} are equal, skipping upgrade",
                component.name()
            ));
            upgrade.run.keep(&path)?;
            continue;
        }
        wanted.push((component, text));
    }
    if wanted.is_empty() && upgrade.journal.is_none() {
        upgrade.run.log(format!("The control plane of this node is at {version} already"));
        return Ok(Outcome::Done);
    }
    upgrade.run.act(Verb::Upgrade, format!("the static Pods of this node to version {version}"));
    begin(upgrade)?;
    // How long a replaced Pod may take is a setting of its own. The manifests, which have the other, are rendered.
    let timeouts = &mut upgrade.run.settings.node.timeouts;
    timeouts.control_plane = timeouts.upgrade_manifests;
    let replaced = replace_all(upgrade, &wanted);
    match replaced {
        Ok(()) => {
            upgrade.run.done("The control plane of this node was upgraded");
            Ok(Outcome::Done)
        }
        Err(error) => Err(undo::after(upgrade, error)),
    }
}

fn replace_all(upgrade: &mut Upgrade, wanted: &[(Component, String)]) -> Result<(), Error> {
    for (component, text) in wanted {
        if upgrade.options.certificate_renewal {
            renewal::renew(&mut upgrade.run, |name| renewal::is_of(*component, name))?;
        }
        roll::replace(upgrade, *component, text)?;
    }
    if wanted.is_empty() {
        // An interrupted run had replaced them all: that they are healthy is still to be proven.
        wait_control_plane::wait(&mut upgrade.run)?;
    }
    if upgrade.options.certificate_renewal {
        renewal::renew(&mut upgrade.run, renewal::is_administrators)?;
    }
    Ok(())
}

/// Opens the journal, unless one is open, and keeps copies of what may have to be put back.
fn begin(upgrade: &mut Upgrade) -> Result<(), Error> {
    if upgrade.journal.is_some() {
        return Ok(());
    }
    let run = &mut upgrade.run;
    let backup = journal::backup_dir(run, "kubeadm-backup-manifests-");
    run.act(
        Verb::Copy,
        format!("the manifests, certificates and kubeconfigs of this node to {}", backup.display()),
    );
    run.host.make_dir(&backup, 0o700)?;
    let paths = run.settings.node.paths.clone();
    for component in Component::ALL {
        let path = paths.manifests.join(component.file());
        if let Some(content) = run.host.read(&path)? {
            run.host.write(&backup.join(component.file()), &content, FileMode::SECRET)?;
        }
    }
    for (path, copy) in undo::certificates(run, &backup) {
        if let Some(content) = run.host.read(&path)? {
            run.host.write(&copy, &content, FileMode::SECRET)?;
        }
    }
    let journal = Journal {
        from: upgrade.current.to_string(),
        to: run.settings.cluster.version.to_string(),
        cluster_configuration: upgrade.stored_text.clone(),
        backup,
        etcd: None,
        components: BTreeMap::new(),
    };
    upgrade.journal = Some(journal);
    upgrade.keep_journal()
}
