//! The order of the items of a merged list.

use serde_json::{Map, Value};

use super::arrange::{Identity, arrange};
use super::lists::{key_value, merge_lists};
use super::{DIRECTIVE, ELEMENT_ORDER, StrategicError, directive_target, without_directives};
use crate::patches::path::FieldPath;
use crate::patches::schema::{ListMerge, Schema};

/// Merges the lists of `patch` that a `$setElementOrder/<list>` stands next to, and puts them in
/// that order. Directive and list are taken out of the patch.
pub(super) fn apply_element_orders(
    schema: Schema,
    path: &FieldPath,
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
) -> Result<(), StrategicError> {
    let directives: Vec<String> =
        patch.keys().filter(|key| key.starts_with(ELEMENT_ORDER)).cloned().collect();
    for directive in directives {
        let Some(name) = directive_target(path, &directive, ELEMENT_ORDER)? else { continue };
        let here = path.field(&name);
        let order = take_list(&path.field(&directive), patch, &directive)?.unwrap_or_default();
        let changes = take_list(&here, patch, &name)?;
        let existing = take_list(&here, original, &name)?;
        let identity = match schema.list_merge(&here) {
            ListMerge::ByKey(key) => Identity::Field(key),
            ListMerge::Set | ListMerge::Atomic => Identity::Value,
        };
        check_order(&here, identity, &order, changes.as_deref().unwrap_or_default())?;
        let existing_order = existing.clone().unwrap_or_default();
        let merged = match (existing, changes) {
            (None, None) => continue,
            (Some(existing), None) => existing,
            (None, Some(new)) => new.into_iter().filter_map(without_directives).collect(),
            (Some(existing), Some(changes)) => merge_lists(schema, &here, existing, changes)?,
        };
        check_keys(&here, identity, &merged)?;
        original.insert(name, arrange(merged, &order, &existing_order, identity).into());
    }
    Ok(())
}

fn take_list(
    path: &FieldPath,
    object: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<Vec<Value>>, StrategicError> {
    match object.remove(name) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(_) => Err(StrategicError::NotAList { path: path.clone() }),
    }
}

/// The items of the patch must occur in `order`, one after the other.
fn check_order(
    path: &FieldPath,
    identity: Identity,
    order: &[Value],
    changes: &[Value],
) -> Result<(), StrategicError> {
    check_keys(path, identity, order)?;
    check_keys(path, identity, changes)?;
    if order.is_empty() {
        return Ok(());
    }
    let mut order = order.iter();
    let plain = |item: &&Value| item.get(DIRECTIVE).is_none();
    for item in changes.iter().filter(plain) {
        if !order.any(|other| identity.of(other) == identity.of(item)) {
            return Err(StrategicError::OrderMismatch { path: path.clone() });
        }
    }
    Ok(())
}

fn check_keys(path: &FieldPath, identity: Identity, items: &[Value]) -> Result<(), StrategicError> {
    if let Identity::Field(key) = identity {
        for (index, item) in items.iter().enumerate() {
            if item.get(DIRECTIVE).is_none() {
                key_value(path, key, index, item)?;
            }
        }
    }
    Ok(())
}
