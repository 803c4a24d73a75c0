//! Merging the items of two lists.

use std::mem::discriminant;

use serde_json::{Map, Value};

use super::arrange::{Identity, arrange};
use super::{Directive, StrategicError, merge_objects};
use crate::patches::path::FieldPath;
use crate::patches::schema::{ListMerge, Schema};

/// `original` with the items of `patch`: replaced, joined or merged, as the schema says.
pub(super) fn merge_lists(
    schema: Schema,
    path: &FieldPath,
    original: Vec<Value>,
    patch: Vec<Value>,
) -> Result<Vec<Value>, StrategicError> {
    let merge = schema.list_merge(path);
    if merge == ListMerge::Atomic {
        return Ok(patch);
    }
    match (item_type(path, &original, &patch)?, merge) {
        (None, _) => Ok(original),
        (Some(Value::Object(_)), ListMerge::ByKey(key)) => merge_by_key(schema, path, key, original, patch),
        (Some(_), ListMerge::ByKey(key)) => Err(StrategicError::NotObjects { path: path.clone(), key }),
        (Some(Value::Object(_)), _) => Err(StrategicError::NoMergeKey { path: path.clone() }),
        (Some(_), _) => Ok(join_values(original, &patch)),
    }
}

/// `$deleteFromPrimitiveList`: `original` without the values of `patch`, whatever the schema says.
pub(super) fn delete_values(
    schema: Schema,
    path: &FieldPath,
    mut original: Vec<Value>,
    patch: Vec<Value>,
) -> Result<Vec<Value>, StrategicError> {
    match (item_type(path, &original, &patch)?, schema.list_merge(path)) {
        // Objects can't be deleted by value; Kubernetes merges them instead.
        (Some(Value::Object(_)), ListMerge::ByKey(key)) => merge_by_key(schema, path, key, original, patch),
        (Some(Value::Object(_)), _) => Err(StrategicError::NoMergeKey { path: path.clone() }),
        _ => {
            original.retain(|value| !patch.contains(value));
            Ok(original)
        }
    }
}

/// A value of the type that all items have; none if there are no items.
fn item_type<'a>(
    path: &FieldPath,
    original: &'a [Value],
    patch: &'a [Value],
) -> Result<Option<&'a Value>, StrategicError> {
    let mut items = original.iter().chain(patch);
    let Some(first) = items.next() else { return Ok(None) };
    if first.is_array() {
        return Err(StrategicError::NoMergeKey { path: path.clone() });
    }
    let is_like_first =
        |item: &Value| discriminant(item) == discriminant(first) && item.is_f64() == first.is_f64();
    if items.all(is_like_first) {
        Ok(Some(first))
    } else {
        Err(StrategicError::MixedItems { path: path.clone() })
    }
}

fn join_values(original: Vec<Value>, patch: &[Value]) -> Vec<Value> {
    let mut joined = Vec::new();
    for value in original.iter().chain(patch) {
        if !joined.contains(value) {
            joined.push(value.clone());
        }
    }
    arrange(joined, patch, &original, Identity::Value)
}

fn merge_by_key(
    schema: Schema,
    path: &FieldPath,
    key: &'static str,
    original: Vec<Value>,
    patch: Vec<Value>,
) -> Result<Vec<Value>, StrategicError> {
    let (original, patch) = apply_item_directives(path, key, original, patch)?;
    let mut merged = original.clone();
    for (index, item) in patch.iter().enumerate() {
        let value = key_value(path, key, index, item)?;
        let Some(existing) = merged.iter_mut().find(|existing| existing.get(key) == Some(value)) else {
            merged.push(item.clone());
            continue;
        };
        if let (Value::Object(old), Value::Object(new)) = (&mut *existing, item) {
            let here = path.item(key, value);
            *existing = merge_objects(schema, &here, std::mem::take(old), new.clone())?.into();
        }
    }
    for (index, item) in merged.iter().enumerate() {
        key_value(path, key, index, item)?;
    }
    Ok(arrange(merged, &patch, &original, Identity::Field(key)))
}

/// Carries out the items with a `$patch`, and returns the list to merge into and what to merge.
/// `replace` in any item makes the other items of the patch the whole list.
fn apply_item_directives(
    path: &FieldPath,
    key: &'static str,
    mut original: Vec<Value>,
    patch: Vec<Value>,
) -> Result<(Vec<Value>, Vec<Value>), StrategicError> {
    let mut plain = Vec::with_capacity(patch.len());
    let mut replace = false;
    for (index, mut item) in patch.into_iter().enumerate() {
        let directive = match item.as_object_mut() {
            Some(object) => take_directive(path, index, object)?,
            None => None,
        };
        match directive {
            None => plain.push(item),
            Some(Directive::Replace) => replace = true,
            Some(Directive::Delete) => {
                let value = key_value(path, key, index, &item)?;
                original.retain(|existing| existing.get(key) != Some(value));
            }
        }
    }
    Ok(if replace { (plain, Vec::new()) } else { (original, plain) })
}

fn take_directive(
    path: &FieldPath,
    index: usize,
    object: &mut Map<String, Value>,
) -> Result<Option<Directive>, StrategicError> {
    Directive::take(&path.index(index), object)
}

/// The value of the merge key of the item at `index`.
pub(super) fn key_value<'a>(
    path: &FieldPath,
    key: &'static str,
    index: usize,
    item: &'a Value,
) -> Result<&'a Value, StrategicError> {
    item.get(key).ok_or_else(|| StrategicError::MissingMergeKey { path: path.index(index), key })
}
