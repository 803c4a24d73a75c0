//! Making a patched object a typed one again.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::path::FieldPath;
use super::quantity_fields::canonicalise;
use super::schema::Schema;
use super::type_error::TypeError;

/// A Kubernetes type that can be patched and typed again.
pub(crate) trait Typed: Serialize + DeserializeOwned {
    /// Its schema.
    const SCHEMA: Schema;

    /// The Pod that it is, or that it makes.
    fn pod_spec(&mut self) -> Option<&mut PodSpec>;
}

impl Typed for Pod {
    const SCHEMA: Schema = Schema::Pod;

    fn pod_spec(&mut self) -> Option<&mut PodSpec> {
        self.spec.as_mut()
    }
}

impl Typed for Deployment {
    const SCHEMA: Schema = Schema::Deployment;

    fn pod_spec(&mut self) -> Option<&mut PodSpec> {
        self.spec.template.spec.as_mut()
    }
}

impl Typed for DaemonSet {
    const SCHEMA: Schema = Schema::DaemonSet;

    fn pod_spec(&mut self) -> Option<&mut PodSpec> {
        self.spec.template.spec.as_mut()
    }
}

/// An object that went through its type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decoded<T> {
    /// The object, with its quantities in canonical form.
    pub object: T,
    /// The fields that its type doesn't have. kubeadm loses them without a word.
    pub dropped: Vec<FieldPath>,
}

impl<T: Typed> Decoded<T> {
    /// The object as Go writes it: without empty lists and maps, and without the zeros of [`ZEROS`].
    ///
    /// # Errors
    /// A value has no JSON form; never fails for a decoded value.
    pub(crate) fn written(&self) -> Result<Value, serde_json::Error> {
        let mut object = serde_json::to_value(&self.object)?;
        leave_out_empty(&mut object);
        Ok(object)
    }
}

/// The fields of Pods and their controllers that are maps: other objects are structs, which Go writes even if empty.
const MAPS: [&str; 8] = [
    "annotations",
    "labels",
    "limits",
    "matchLabels",
    "nodeSelector",
    "overhead",
    "requests",
    "volumeAttributes",
];

/// The switches and numbers of Pods and their controllers that Go leaves out where they are off or zero, since there
/// they are no pointers.
const ZEROS: [&str; 15] = [
    "failureThreshold",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostPort",
    "initialDelaySeconds",
    "minReadySeconds",
    "paused",
    "periodSeconds",
    "readOnly",
    "stdin",
    "stdinOnce",
    "successThreshold",
    "timeoutSeconds",
    "tty",
];

fn leave_out_empty(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(leave_out_empty);
            fields.retain(|name, value| match value {
                Value::Array(items) => !items.is_empty(),
                Value::Object(entries) => !entries.is_empty() || !MAPS.contains(&name.as_str()),
                Value::Bool(false) => !ZEROS.contains(&name.as_str()),
                Value::Number(number) => number.as_i64() != Some(0) || !ZEROS.contains(&name.as_str()),
                _ => true,
            });
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out_empty),
        _ => {}
    }
}

/// Decodes a patched object, as kubeadm does with a patched Pod: a field of the wrong type is an
/// error, unknown fields are left out, quantities may be numbers and are written in canonical
/// form (`cpu: 1` becomes `"1"`, `1024Mi` becomes `1Gi`).
///
/// # Errors
/// [`TypeError`] if a value doesn't fit its field, or if the object has another `apiVersion` or
/// `kind` than `T`. (kubeadm would lose all patches in silence if they changed the kind.)
pub(crate) fn decode<T: Typed>(mut object: Value) -> Result<Decoded<T>, TypeError> {
    canonicalise(T::SCHEMA, &mut object)?;
    let mut typed = T::deserialize(&object).map_err(|error| locate::<T>(&object, error.to_string()))?;
    for field in ["apiVersion", "kind"] {
        if object.get(field).is_none_or(Value::is_null) {
            let path = FieldPath::default().field(field);
            return Err(TypeError { path, reason: "is gone: an object needs it".into() });
        }
    }
    let written = serde_json::to_value(&typed)
        .map_err(|error| TypeError { path: FieldPath::default(), reason: error.to_string() })?;
    let mut dropped = Vec::new();
    compare(&object, &written, &FieldPath::default(), &mut dropped);
    // A struct and no pointer in Go, and so always written.
    for container in typed
        .pod_spec()
        .into_iter()
        .flat_map(|spec| spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()))
    {
        container.resources.get_or_insert_default();
    }
    Ok(Decoded { object: typed, dropped })
}

/// Lists what `given` has and `kept` hasn't. Nulls ask for nothing, so their loss is none.
fn compare(given: &Value, kept: &Value, path: &FieldPath, dropped: &mut Vec<FieldPath>) {
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => {
            for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
                let here = path.field(name);
                match kept.get(name) {
                    Some(kept) => compare(value, kept, &here, dropped),
                    None => dropped.push(here),
                }
            }
        }
        (Value::Array(given), Value::Array(kept)) => {
            for (index, (value, kept)) in given.iter().zip(kept).enumerate() {
                compare(value, kept, &path.index(index), dropped);
            }
        }
        _ => {}
    }
}

/// Finds the field that `T` refuses: the smallest part of the object which, with nothing beside
/// it, is still refused. The types have no required fields, so leaving out others is no error.
fn locate<T: Typed>(object: &Value, reason: String) -> TypeError {
    let refusal = |value| T::deserialize(value).err().map(|error: serde_json::Error| error.to_string());
    narrow(object, &refusal, TypeError { path: FieldPath::default(), reason })
}

/// Narrows `found`, which is about `value`, down to a part of it. `refusal` says what is wrong
/// with an object that has nothing but the given value where `value` is.
fn narrow(value: &Value, refusal: &dyn Fn(Value) -> Option<String>, found: TypeError) -> TypeError {
    match value {
        Value::Object(fields) if refusal(json!({})).is_none() => {
            for (name, part) in fields {
                let refusal = |part: Value| refusal(json!({ name: part }));
                if let Some(reason) = refusal(part.clone()) {
                    return narrow(part, &refusal, TypeError { path: found.path.field(name), reason });
                }
            }
        }
        Value::Array(items) if refusal(json!([])).is_none() => {
            for (index, part) in items.iter().enumerate() {
                let refusal = |part: Value| refusal(json!([part]));
                if let Some(reason) = refusal(part.clone()) {
                    return narrow(part, &refusal, TypeError { path: found.path.index(index), reason });
                }
            }
        }
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests;
