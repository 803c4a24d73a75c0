//! Putting the items of a list in order.

use serde_json::Value;

/// What makes two items of a list the same item.
#[derive(Clone, Copy)]
pub(super) enum Identity {
    /// Their value.
    Value,
    /// The value of this field of theirs.
    Field(&'static str),
}

impl Identity {
    pub(super) fn of(self, item: &Value) -> Option<&Value> {
        match self {
            Self::Value => Some(item),
            Self::Field(key) => item.get(key),
        }
    }

    fn position(self, items: &[Value], item: &Value) -> Option<usize> {
        items.iter().position(|other| self.of(other) == self.of(item))
    }
}

/// Puts `items` in order: those that `patch_order` has stay in that order among themselves, the
/// others in the order of `original_order`, and the former come first where nothing else decides.
pub(super) fn arrange(
    items: Vec<Value>,
    patch_order: &[Value],
    original_order: &[Value],
    identity: Identity,
) -> Vec<Value> {
    let (mut patched, mut others): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|item| identity.position(patch_order, item).is_some());
    patched.sort_by_key(|item| identity.position(patch_order, item));
    let original_position = |item: &Value| identity.position(original_order, item);
    others.sort_by_key(|item| original_position(item).unwrap_or(usize::MAX));

    let mut arranged = Vec::with_capacity(patched.len() + others.len());
    let mut others = others.into_iter().peekable();
    for item in patched {
        if let Some(position) = original_position(&item) {
            let is_before = |other: &Value| original_position(other).is_some_and(|other| other < position);
            while let Some(other) = others.next_if(is_before) {
                arranged.push(other);
            }
        }
        arranged.push(item);
    }
    arranged.extend(others);
    arranged
}
