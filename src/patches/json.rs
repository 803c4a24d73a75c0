//! JSON patches (RFC 6902), as kubeadm's library (evanphx/json-patch v4) understands them.

use json_patch::{AddOperation, PatchErrorKind, PatchOperation, RemoveOperation, jsonptr::PointerBuf};
use serde_json::Value;
use thiserror::Error;

/// An operation of a JSON patch that can't be carried out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("operation {number} (`{operation}` at `{path}`): {reason}")]
pub(crate) struct OperationError {
    /// Which operation: 1 for the first.
    pub number: usize,
    /// Its `op`, as given.
    pub operation: String,
    /// Its `path`, as given.
    pub path: String,
    /// What is wrong.
    pub reason: OperationFault,
}

/// What is wrong with an operation of a JSON patch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum OperationFault {
    /// It isn't written as RFC 6902 asks for.
    #[error("malformed: {0}")]
    Malformed(String),
    /// Nothing is at its `path`, or at its `from`.
    #[error("`{pointer}` doesn't exist{}", if exists.is_empty() { String::new() } else { format!(", only `{exists}` does") })]
    Missing {
        /// The JSON pointer that leads nowhere.
        pointer: String,
        /// Its longest part that leads somewhere; empty if that is the whole object.
        exists: String,
    },
    /// A `test` found something else.
    #[error("the value there is another one")]
    TestFailed,
    /// A `move` into the very thing that is moved.
    #[error("a value can't be moved into itself")]
    MoveInsideItself,
}

/// Applies the operations of `patch` in order.
///
/// Where kubeadm's library differs from RFC 6902, this goes with kubeadm: `replace` of a missing
/// field adds it, a negative index counts from the end, and `test` takes a missing field for null.
///
/// # Errors
/// [`OperationError`] for the first operation that fails: the parent of what is added must exist,
/// so must what is removed, moved or copied, and a `test` must hold.
pub(super) fn apply(mut object: Value, patch: &[Value]) -> Result<Value, OperationError> {
    for (index, entry) in patch.iter().enumerate() {
        apply_operation(&mut object, entry).map_err(|reason| OperationError {
            number: index + 1,
            operation: text_field(entry, "op"),
            path: text_field(entry, "path"),
            reason,
        })?;
    }
    Ok(object)
}

fn text_field(entry: &Value, name: &str) -> String {
    entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn apply_operation(object: &mut Value, entry: &Value) -> Result<(), OperationFault> {
    let parsed = serde_json::from_value(entry.clone());
    let operation = parsed.map_err(|error| OperationFault::Malformed(error.to_string()))?;
    let operation = as_kubeadm_reads_it(object, operation);
    json_patch::patch_unsafe(object, std::slice::from_ref(&operation)).map_err(|error| match error.kind {
        PatchErrorKind::TestFailed => OperationFault::TestFailed,
        PatchErrorKind::CannotMoveInsideItself => OperationFault::MoveInsideItself,
        PatchErrorKind::InvalidFromPointer => missing(object, &text_field(entry, "from")),
        _ => missing(object, &text_field(entry, "path")),
    })
}

fn missing(object: &Value, pointer: &str) -> OperationFault {
    let parents =
        std::iter::successors(Some(pointer), |path| path.rsplit_once('/').map(|(parent, _)| parent));
    let exists = parents.skip(1).find(|parent| object.pointer(parent).is_some());
    OperationFault::Missing { pointer: pointer.to_owned(), exists: exists.unwrap_or_default().to_owned() }
}

/// The operation in the terms of RFC 6902.
fn as_kubeadm_reads_it(object: &Value, mut operation: PatchOperation) -> PatchOperation {
    match &mut operation {
        PatchOperation::Add(add) => add.path = from_the_start(object, &add.path, true),
        PatchOperation::Remove(remove) => remove.path = from_the_start(object, &remove.path, false),
        PatchOperation::Replace(replace) => replace.path = from_the_start(object, &replace.path, false),
        PatchOperation::Test(test) => test.path = from_the_start(object, &test.path, false),
        PatchOperation::Move(moved) => {
            moved.from = from_the_start(object, &moved.from, false);
            // The place to move to is looked for when the value is no longer where it was.
            let mut without = object.clone();
            let removal = PatchOperation::Remove(RemoveOperation { path: moved.from.clone() });
            if json_patch::patch_unsafe(&mut without, &[removal]).is_ok() {
                moved.path = from_the_start(&without, &moved.path, true);
            }
        }
        PatchOperation::Copy(copy) => {
            copy.from = from_the_start(object, &copy.from, false);
            copy.path = from_the_start(object, &copy.path, true);
        }
    }
    match operation {
        PatchOperation::Replace(replace) if is_absent_field(object, &replace.path) => {
            PatchOperation::Add(AddOperation { path: replace.path, value: replace.value })
        }
        PatchOperation::Test(mut test) if test.value.is_null() && is_absent_field(object, &test.path) => {
            // The test holds. The whole object always equals itself.
            test.path = PointerBuf::new();
            test.value = object.clone();
            PatchOperation::Test(test)
        }
        operation => operation,
    }
}

/// Whether `pointer` names a field that an existing object doesn't have.
fn is_absent_field(object: &Value, pointer: &PointerBuf) -> bool {
    pointer.split_back().is_some_and(|(parent, name)| {
        let fields = object.pointer(parent.as_str()).and_then(Value::as_object);
        fields.is_some_and(|fields| !fields.contains_key(name.decoded().as_ref()))
    })
}

/// `pointer` with negative indices, which count from the end of a list, turned into ordinary
/// ones. Where an item is `inserted`, -1 is the place behind the last one.
fn from_the_start(object: &Value, pointer: &PointerBuf, inserted: bool) -> PointerBuf {
    let mut resolved = PointerBuf::new();
    let mut tokens = pointer.tokens().peekable();
    while let Some(token) = tokens.next() {
        let items = object.pointer(resolved.as_str()).and_then(Value::as_array);
        let places = items.map(|items| items.len() + usize::from(inserted && tokens.peek().is_none()));
        let back = token.decoded().strip_prefix('-').and_then(|digits| digits.parse().ok());
        let index = places.zip(back).and_then(|(places, back)| places.checked_sub(back));
        match index {
            Some(index) => resolved.push_back(index),
            None => resolved.push_back(token),
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(patch: Value) -> Result<Value, OperationError> {
        let object = json!({"spec": {"priority": 7, "command": ["a", "b", "c"]}});
        apply(object, patch.as_array().unwrap())
    }

    fn fault(patch: Value) -> OperationFault {
        patched(patch).unwrap_err().reason
    }

    #[test]
    fn operations_apply_in_order() {
        let result = patched(json!([
            {"op": "add", "path": "/spec/command/-", "value": "d"},
            {"op": "add", "path": "/spec/command/0", "value": "first"},
            {"op": "test", "path": "/spec/command/1", "value": "a"},
            {"op": "remove", "path": "/spec/priority"},
            {"op": "move", "from": "/spec/command/0", "path": "/spec/first"},
            {"op": "copy", "from": "/spec/first", "path": "/spec/second"},
        ]));
        let expected =
            json!({"spec": {"command": ["a", "b", "c", "d"], "first": "first", "second": "first"}});
        assert_eq!(result.unwrap(), expected);
    }

    #[test]
    fn what_kubeadm_accepts_beyond_the_rfc_is_accepted() {
        let result = patched(json!([
            {"op": "replace", "path": "/spec/hostNetwork", "value": true},
            {"op": "replace", "path": "/spec/command/-1", "value": "last"},
            {"op": "add", "path": "/spec/command/-1", "value": "more"},
            {"op": "move", "from": "/spec/command/-1", "path": "/spec/command/-1"},
            {"op": "remove", "path": "/spec/command/-4"},
            {"op": "test", "path": "/spec/priorityClassName", "value": null},
        ]));
        let expected =
            json!({"spec": {"priority": 7, "hostNetwork": true, "command": ["b", "last", "more"]}});
        assert_eq!(result.unwrap(), expected);
    }

    #[test]
    fn a_failure_names_the_operation_and_what_exists() {
        let error = patched(json!([
            {"op": "add", "path": "/spec/x", "value": 1},
            {"op": "add", "path": "/spec/securityContext/seccompProfile/type", "value": "RuntimeDefault"},
        ]));
        assert_eq!(
            error.unwrap_err().to_string(),
            "operation 2 (`add` at `/spec/securityContext/seccompProfile/type`): \
             `/spec/securityContext/seccompProfile/type` doesn't exist, only `/spec` does"
        );
        let gone = |pointer: &str, exists: &str| OperationFault::Missing {
            pointer: pointer.to_owned(),
            exists: exists.to_owned(),
        };
        assert_eq!(
            fault(json!([{"op": "remove", "path": "/spec/hostNetwork"}])),
            gone("/spec/hostNetwork", "/spec")
        );
        assert_eq!(
            fault(json!([{"op": "replace", "path": "/nothing/x", "value": 1}])),
            gone("/nothing/x", "")
        );
        assert_eq!(
            fault(json!([{"op": "replace", "path": "/spec/command/3", "value": 1}])),
            gone("/spec/command/3", "/spec/command")
        );
        assert_eq!(
            fault(json!([{"op": "remove", "path": "/spec/command/-4"}])),
            gone("/spec/command/-4", "/spec/command")
        );
        assert_eq!(
            fault(json!([{"op": "copy", "from": "/spec/no", "path": "/spec/x"}])),
            gone("/spec/no", "/spec")
        );
    }

    #[test]
    fn tests_must_hold() {
        assert_eq!(
            fault(json!([{"op": "test", "path": "/spec/priority", "value": 8}])),
            OperationFault::TestFailed
        );
        assert_eq!(
            fault(json!([{"op": "test", "path": "/spec/priority", "value": null}])),
            OperationFault::TestFailed
        );
        let missing = fault(json!([{"op": "test", "path": "/spec/hostNetwork", "value": true}]));
        assert!(matches!(missing, OperationFault::Missing { .. }));
    }

    #[test]
    fn malformed_operations_are_refused() {
        for entry in [
            json!({"op": "add", "path": "/spec/x"}),
            json!({"op": "upsert", "path": "/spec/x", "value": 1}),
            json!({"op": "remove"}),
            json!({"op": "remove", "path": "spec/x"}),
            json!("remove"),
        ] {
            let fault = fault(json!([entry]));
            assert!(matches!(fault, OperationFault::Malformed(_)), "{entry}: {fault}");
        }
    }

    #[test]
    fn a_value_cannot_move_into_itself() {
        let fault = fault(json!([{"op": "move", "from": "/spec", "path": "/spec/command"}]));
        assert_eq!(fault, OperationFault::MoveInsideItself);
    }
}
