//! What a dry run shows: every file that holds no secret and every object, as one stream of YAML; with a folder,
//! everything is left there too.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cluster::ClusterObject;
use crate::host::{DryRunHost, FileMode};
use crate::output::Printer;
use crate::phases::PhaseError;
use crate::yaml;

/// Prints the result of a dry run, secrets left out, and leaves the cluster's objects in the folder.
pub(super) fn report(host: &DryRunHost, objects: &[ClusterObject], out: &Printer) -> Result<(), PhaseError> {
    let mut unseen = vec![];
    for (path, file) in host.written() {
        // Certificates have the mode of units.
        let certificate = path.extension().is_some_and(|e| e == "crt");
        let shown =
            [FileMode::MANIFEST, FileMode::KUBELET, FileMode::UNIT].contains(&file.mode) && !certificate;
        let text = String::from_utf8_lossy(&file.content);
        let name = path.display().to_string();
        match (shown, name.ends_with(".yaml")) {
            (false, _) => unseen.push(name),
            (true, true) => out.document(&name, &text),
            // Not YAML itself: as comments it does not disturb a reader of the stream.
            (true, false) => {
                out.document(&name, &text.lines().fold(String::new(), |t, line| t + "# " + line + "\n"))
            }
        }
    }
    let mut stream = String::new();
    for object in objects {
        let _ = write!(stream, "---\n{}", yaml::to_string(&recorded(object))?);
        out.document(&object.object_name().to_string(), &yaml::to_string(&object.printable())?);
    }
    if let Some(dir) = host.dir() {
        host.leave("cluster-objects.yaml", stream.as_bytes())?;
        out.log("dry-run", format!("Everything that init would leave is below {}", dir.display()));
    }
    if !unseen.is_empty() {
        out.log(
            "dry-run",
            format!("Not shown, since they are keys, certificates and kubeconfigs: {}", unseen.join(", ")),
        );
    }
    out.log("dry-run", "Nothing on this machine was changed");
    Ok(())
}

/// An object as it is left in the folder. The uploaded certificates are left out, as in kubeadm's dry run: they
/// are of keys that this dry run made up, sealed with a key that nobody keeps.
fn recorded(object: &ClusterObject) -> Value {
    let mut value = object.value.clone();
    if object.name() == "kubeadm-certs"
        && let Some(data) = value.get_mut("data").and_then(Value::as_object_mut)
    {
        data.values_mut().for_each(|sealed| *sealed = Value::Null);
    }
    value
}
