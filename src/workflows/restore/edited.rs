//! Manifests in the archive that say more than its configuration generates: they were patched or edited.

use std::path::Path;

use super::Restore;
use crate::backup::Kind;
use crate::diff::FileChange;
use crate::error::Error;
use crate::manifest::{self, Component};
use crate::workflow::apply_pod_patches;
use crate::yaml;

/// Warns of each manifest of the archive that is not what the configuration gave on the node of the backup.
///
/// # Errors
/// When a manifest can't be rendered.
pub(super) fn tell(restore: &mut Restore) -> Result<(), Error> {
    let Restore { run, archive } = restore;
    let node = &archive.manifest.node;
    let mut settings = run.settings.clone();
    settings.node.registration.name.clone_from(&node.name);
    if let Ok(address) = node.address.parse() {
        settings.node.advertise_address = address;
    }
    let pki = run.pki_facts()?;
    for (entry, archived) in archive.files(Kind::StaticPod) {
        let Some(path) = entry.path.as_deref() else { continue };
        let component =
            Component::ALL.into_iter().find(|c| path.file_name().is_some_and(|n| *n == *c.file()));
        let Some(component) = component else { continue };
        let pod = manifest::render(component, &settings, pki)?;
        let generated = yaml::to_string(&apply_pod_patches(run, component.name(), &pod)?)?;
        let difference = difference(path, &generated, &String::from_utf8_lossy(archived));
        if !difference.is_empty() {
            run.warn(format!(
                "the backup's manifest of {} was patched or edited, which the restored one is not:\n{difference}    fix: put what you need of it into extraArgs, or into patches (patches.directory in FILE), then run `kubestrap init phase {} --config FILE`",
                component.name(),
                phase(component)
            ));
        }
    }
    Ok(())
}

/// What the archived manifest has that the generated one has not, or has otherwise; whom etcd was started with is no
/// matter of configuration.
fn difference(path: &Path, generated: &str, archived: &str) -> String {
    let lasting = |text: &str| -> String {
        text.lines()
            .filter(|line| !line.contains("--initial-cluster"))
            .map(|line| format!("{line}\n"))
            .collect()
    };
    let before = lasting(generated).into_bytes();
    FileChange::new(path.to_owned(), Some(before), lasting(archived).as_bytes()).unified_as_data(1)
}

fn phase(component: Component) -> &'static str {
    match component {
        Component::Etcd => "etcd local",
        Component::ApiServer => "control-plane apiserver",
        Component::ControllerManager => "control-plane controller-manager",
        Component::Scheduler => "control-plane scheduler",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENERATED: &str = "spec:\n  containers:\n  - command:\n    - etcd\n    - --initial-cluster=n1=https://10.0.0.1:2380\n    - --name=n1\n";

    #[test]
    fn patched_field_is_told_and_the_members_of_before_are_not() {
        let joined = GENERATED
            .replace("=n1=https://10.0.0.1:2380", "=n1=https://10.0.0.1:2380,n2=https://10.0.0.2:2380");
        assert_eq!(difference(Path::new("etcd.yaml"), GENERATED, &joined), "");
        let patched = format!("{joined}    - --quota-backend-bytes=8589934592\n");
        let told = difference(Path::new("etcd.yaml"), GENERATED, &patched);
        let changed: Vec<&str> =
            told.lines().filter(|l| l.starts_with(['+', '-']) && !l.contains("etcd.yaml")).collect();
        assert_eq!(changed, ["+    - --quota-backend-bytes=8589934592"], "{told}");
    }
}
