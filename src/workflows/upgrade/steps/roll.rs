//! Replaces a static Pod of this node: the new manifest is put in place while kubelet and the old container are stopped.

use std::path::Path;

use serde_json::Value;

use super::super::Upgrade;
use super::super::journal::{EtcdBackup, Progress};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::FileMode;
use crate::manifest::Component;
use crate::node::StaticPod;
use crate::phases::hold::pods;
use crate::phases::wait_control_plane;
use crate::workflow::{Run, Verb};

/// Starts kubelet again.
pub(super) fn start_kubelet(run: &mut Run) -> Result<(), Error> {
    let started = pods(run).start_kubelet()?;
    run.kubelet_started = Some(started);
    Ok(())
}

/// Puts the manifest `text` in place of a component's and waits until the new one is proven healthy.
///
/// # Errors
/// When a step fails, or the component does not become healthy. What was begun is in the journal.
pub(super) fn replace(upgrade: &mut Upgrade, component: Component, text: &str) -> Result<(), Error> {
    let manifests = upgrade.run.settings.node.paths.manifests.clone();
    let old = StaticPod::read(&manifests, component, &*upgrade.run.host)?;
    upgrade.note(component, Progress::Begun)?;
    let run = &mut upgrade.run;
    run.act(Verb::Restart, format!("{} with its new manifest", component.name()));
    pods(run).stop_kubelet()?;
    pods(run).stop(component)?;
    if component == Component::Etcd {
        copy_etcd_data(upgrade, old.as_ref())?;
    }
    let run = &mut upgrade.run;
    run.write(&manifests.join(component.file()), text.as_bytes(), FileMode::MANIFEST)?;
    start_kubelet(run)?;
    prove(run, component, old.as_ref())?;
    upgrade.note(component, Progress::Healthy)
}

/// Waits until kubelet and every component are healthy, and this one in a container of its new image.
fn prove(run: &mut Run, component: Component, old: Option<&StaticPod>) -> Result<(), Error> {
    wait_control_plane::wait(run)?;
    let manifests = run.settings.node.paths.manifests.clone();
    let new = StaticPod::read(&manifests, component, &*run.host)?;
    let image = |pod: Option<&StaticPod>| pod.and_then(|p| p.image()).map(str::to_owned);
    let (was, wanted) = (image(old), image(new.as_ref()));
    let name = pods(run).name(component);
    let runs = run.runtime.running_image(&name, component.name())?;
    if runs.is_some() && runs == was && was != wanted {
        let message = format!(
            "{} is healthy, but still runs the old image {}",
            component.name(),
            runs.unwrap_or_default()
        );
        return Err(Error::new(ExitStatus::Unhealthy, message));
    }
    run.done(format!("{} is healthy with its new manifest", component.name()));
    Ok(())
}

/// Copies etcd's data while etcd is stopped, if it will be another version's: only then is the copy whole.
fn copy_etcd_data(upgrade: &mut Upgrade, old: Option<&StaticPod>) -> Result<(), Error> {
    let image = old.and_then(|p| p.image()).unwrap_or_default();
    let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag).to_owned();
    let new = upgrade.run.settings.etcd_tag();
    let data = old.and_then(|p| p.host_path("etcd-data"));
    let (Some(data), Some(journal)) = (data, &mut upgrade.journal) else { return Ok(()) };
    // The first copy is of the old version's data; a later one, of a run that goes on, may not be.
    if journal.etcd.is_some() || tag == new || !upgrade.run.host.exists(&data.join("member")) {
        return Ok(());
    }
    let copy = journal.backup.with_file_name(format!(
        "kubeadm-backup-etcd-{}",
        journal
            .backup
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().replace("kubeadm-backup-manifests-", ""))
    ));
    upgrade.run.log(format!("Copying etcd's data to {}", copy.display()));
    let folder = copy;
    let copy = folder.join("etcd");
    // One that the journal does not know is of a run that was killed while it copied.
    upgrade.run.host.remove_all(&copy)?;
    if let Err(error) = upgrade.run.host.copy_all(&data, &copy) {
        // A part of a copy is of no use, and on a full disk it is in the way.
        upgrade.run.host.remove_all(&folder)?;
        return Err(error.into());
    }
    let needed = minor(&tag) != minor(&new);
    journal.etcd = Some(EtcdBackup { data, copy, needed });
    upgrade.keep_journal()
}

/// Major and minor of a tag such as `3.6.8-0`.
fn minor(tag: &str) -> Option<(&str, &str)> {
    let mut parts = tag.split('.');
    Some((parts.next()?, parts.next()?))
}

/// Whether two manifests describe the same Pod.
pub(super) fn is_same(path: &Path, run: &Run, text: &str) -> Result<bool, Error> {
    let Some(old) = run.host.read(path)? else { return Ok(false) };
    let pod = |text: &str| -> Option<Value> { crate::yaml::parse_values(text).ok()?.into_iter().next() };
    let (old, new) = (pod(&String::from_utf8_lossy(&old)), pod(text));
    let plain = |pod: Option<Value>| {
        pod.map(|mut pod| {
            if let Some(fields) = pod.as_object_mut() {
                fields.remove("status");
            }
            pod
        })
    };
    Ok(old.is_some() && plain(old) == plain(new))
}
