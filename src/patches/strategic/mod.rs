//! Strategic merge patches: merge patches that know which lists to merge, and by what.
//!
//! The rules are those of `k8s.io/apimachinery/pkg/util/strategicpatch`, which kubeadm and
//! `kubectl` use, with its directives (`$patch`, `$retainKeys`, `$setElementOrder/…`,
//! `$deleteFromPrimitiveList/…`) and its order of items: items that are new come *before* the
//! first item that the patch doesn't mention. See the Kubernetes API conventions, "Strategic
//! Merge Patch".

mod arrange;
mod error;
mod lists;
mod order;

use serde_json::{Map, Value};

pub(crate) use error::StrategicError;

use super::path::FieldPath;
use super::schema::Schema;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const ELEMENT_ORDER: &str = "$setElementOrder";
const DELETE_VALUES: &str = "$deleteFromPrimitiveList";

/// Merges `patch` into `original`, an object of the type that `schema` tells.
///
/// A null deletes a field. Objects are merged field by field, lists as the schema says.
///
/// # Errors
/// [`StrategicError`] if the patch is malformed or doesn't fit the object.
pub(crate) fn merge(
    schema: Schema,
    original: Map<String, Value>,
    patch: Map<String, Value>,
) -> Result<Map<String, Value>, StrategicError> {
    merge_objects(schema, &FieldPath::default(), original, patch)
}

fn merge_objects(
    schema: Schema,
    path: &FieldPath,
    mut original: Map<String, Value>,
    mut patch: Map<String, Value>,
) -> Result<Map<String, Value>, StrategicError> {
    match Directive::take(path, &mut patch)? {
        // Nothing inside is looked at any more, so that nested directives stay as they are.
        Some(Directive::Replace) => return Ok(patch),
        Some(Directive::Delete) => return Ok(Map::new()),
        None => {}
    }
    apply_retain_keys(path, &mut original, &mut patch)?;
    order::apply_element_orders(schema, path, &mut original, &mut patch)?;
    for (key, value) in patch {
        let list_name = directive_target(path, &key, DELETE_VALUES)?;
        let deletion = list_name.is_some();
        let name = list_name.unwrap_or(key);
        let existing = original.remove(&name);
        let here = path.field(&name);
        let merged = match (existing, value) {
            (_, Value::Null) => None,
            (Some(Value::Object(existing)), Value::Object(patch)) => {
                Some(merge_objects(schema, &here, existing, patch)?.into())
            }
            (Some(Value::Array(existing)), Value::Array(patch)) if deletion => {
                Some(lists::delete_values(schema, &here, existing, patch)?.into())
            }
            (Some(Value::Array(existing)), Value::Array(patch)) => {
                Some(lists::merge_lists(schema, &here, existing, patch)?.into())
            }
            (existing, _) if deletion => existing,
            (_, new) => without_directives(new),
        };
        if let Some(merged) = merged {
            original.insert(name, merged);
        }
    }
    Ok(original)
}

/// What `$patch` asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Replace,
    Delete,
}

impl Directive {
    fn take(path: &FieldPath, object: &mut Map<String, Value>) -> Result<Option<Self>, StrategicError> {
        match object.remove(DIRECTIVE) {
            None => Ok(None),
            Some(Value::String(text)) if text == "replace" => Ok(Some(Self::Replace)),
            Some(Value::String(text)) if text == "delete" => Ok(Some(Self::Delete)),
            Some(other) => Err(StrategicError::UnknownDirective {
                path: path.clone(),
                directive: other.as_str().map_or_else(|| other.to_string(), str::to_owned),
            }),
        }
    }
}

/// The list that the key `<prefix>/<list>` is about; none if `key` is no such directive.
fn directive_target(
    path: &FieldPath,
    key: &str,
    prefix: &'static str,
) -> Result<Option<String>, StrategicError> {
    let Some(rest) = key.strip_prefix(prefix) else { return Ok(None) };
    match rest.strip_prefix('/') {
        Some(name) if !name.is_empty() => Ok(Some(name.to_owned())),
        _ => Err(StrategicError::NamelessDirective { path: path.clone(), directive: key.to_owned(), prefix }),
    }
}

/// `$retainKeys`: the fields that are not named go.
fn apply_retain_keys(
    path: &FieldPath,
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), StrategicError> {
    let Some(retained) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let Value::Array(retained) = retained else {
        return Err(StrategicError::NotAList { path: path.field(RETAIN_KEYS) });
    };
    let is_retained = |name: &String| retained.iter().any(|key| key.as_str() == Some(name));
    for (name, value) in patch.iter() {
        let is_directive = name.starts_with(ELEMENT_ORDER) || name.starts_with(DELETE_VALUES);
        if !is_directive && !value.is_null() && !is_retained(name) {
            return Err(StrategicError::NotRetained { path: path.field(name) });
        }
    }
    original.retain(|name, _| is_retained(name));
    Ok(())
}

/// A value of the patch that has no counterpart in the object: without the nulls, which ask for
/// nothing, and without the objects that carry a `$patch`, which Kubernetes leaves out whole.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(object) if object.contains_key(DIRECTIVE) => None,
        Value::Object(object) => {
            let fields = object.into_iter().filter(|(_, value)| !value.is_null());
            Some(fields.filter_map(|(name, value)| Some((name, without_directives(value)?))).collect())
        }
        Value::Array(items) => Some(items.into_iter().filter_map(without_directives).collect()),
        scalar => Some(scalar),
    }
}

#[cfg(test)]
mod tests;
