//! What can be wrong with a strategic merge patch.

use thiserror::Error;

use crate::patches::path::FieldPath;

/// A strategic merge patch that can't be applied.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum StrategicError {
    /// An item of a list lacks the field by which the items are merged.
    #[error("`{path}` lacks `{key}`, the field by which the items of this list are merged")]
    MissingMergeKey {
        /// The item.
        path: FieldPath,
        /// The merge key of the list.
        key: &'static str,
    },
    /// `$patch` has a value that means nothing in this place.
    #[error("`$patch: {directive}` at `{path}` is unknown: only `replace` and `delete` can be used")]
    UnknownDirective {
        /// The object that has it.
        path: FieldPath,
        /// The value of `$patch`.
        directive: String,
    },
    /// `$setElementOrder` or `$deleteFromPrimitiveList` doesn't say which list it is for.
    #[error("`{directive}` at `{path}` doesn't name its list: write `{prefix}/<field>`")]
    NamelessDirective {
        /// The object that has it.
        path: FieldPath,
        /// The key as given.
        directive: String,
        /// What the key should begin with.
        prefix: &'static str,
    },
    /// A list is needed, for a directive or for the field that it is about.
    #[error("`{path}` must be a list")]
    NotAList {
        /// The value that isn't one.
        path: FieldPath,
    },
    /// A list that is merged has items of several types, in the object and the patch together.
    #[error("`{path}` can't be merged: its items, with those of the patch, are not all of one type")]
    MixedItems {
        /// The list.
        path: FieldPath,
    },
    /// A list that is merged by a key has items that are not objects.
    #[error("`{path}` can't be merged: its items must be objects with a `{key}`")]
    NotObjects {
        /// The list.
        path: FieldPath,
        /// The merge key of the list.
        key: &'static str,
    },
    /// A list of objects or of lists for which no merge key is known.
    #[error("`{path}` can't be merged item by item: its items have no merge key")]
    NoMergeKey {
        /// The list.
        path: FieldPath,
    },
    /// The patch sets a field that its own `$retainKeys` leaves out.
    #[error("`{path}` is set by the patch, but missing from the `$retainKeys` next to it")]
    NotRetained {
        /// The field.
        path: FieldPath,
    },
    /// The items of the patch are not in the order that its `$setElementOrder` states.
    #[error("the items of `{path}` are not in the order of `$setElementOrder`, or are missing from it")]
    OrderMismatch {
        /// The list.
        path: FieldPath,
    },
}
