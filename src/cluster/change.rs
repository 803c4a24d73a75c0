//! What applying an object changed, or would change.

use serde_json::{Map, Value};

use super::{ClusterObject, ObjectName};
use crate::yaml;

/// Fields that the API server keeps for itself, and that say nothing of what an object is for.
const BOOKKEEPING: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];
/// What stands for a secret value. Two that are equal look equal, and two that differ are told apart.
const WITHHELD: [&str; 2] = ["<value withheld>", "<another value withheld>"];

/// An object that was created or changed.
#[derive(Clone, PartialEq)]
pub(crate) struct Change {
    /// Which one.
    pub object: ObjectName,
    /// As it was, as it may be shown; none where it was not there.
    pub before: Option<Value>,
    /// As it is, as it may be shown.
    pub after: Value,
}

impl Change {
    /// Of `object`, from `live` to what the API server made of it.
    pub(super) fn new(object: &ClusterObject, live: Option<Value>, after: Value) -> Self {
        let (mut before, mut after) = (live.map(plain), plain(after));
        if object.secret {
            withhold(before.as_mut(), &mut after);
        }
        Self { object: object.object_name(), before, after }
    }

    /// Before and after as YAML, the first empty where it was not there.
    ///
    /// # Errors
    /// When it can't be written as YAML.
    pub(crate) fn texts(&self) -> Result<(String, String), yaml::WriteError> {
        let before = self.before.as_ref().map(yaml::to_string).transpose()?;
        Ok((before.unwrap_or_default(), yaml::to_string(&self.after)?))
    }
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Change({})", self.object)
    }
}

/// An object without what the API server and controllers add to each.
fn plain(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| !BOOKKEEPING.contains(&key.as_str()));
        }
    }
    object
}

fn withhold(before: Option<&mut Value>, after: &mut Value) {
    let old = before.and_then(|b| b.get_mut("data")).and_then(Value::as_object_mut);
    let mut nothing = Map::new();
    let old = old.unwrap_or(&mut nothing);
    if let Some(new) = after.get_mut("data").and_then(Value::as_object_mut) {
        for (key, value) in new.iter_mut() {
            let [same, other] = WITHHELD;
            let changed = old.get(key).is_some_and(|o| o != value);
            *value = if changed { other } else { same }.into();
        }
    }
    old.values_mut().for_each(|value| *value = WITHHELD[0].into());
}

#[cfg(test)]
mod tests {
    use super::super::Apply;
    use super::*;
    use serde_json::json;

    #[test]
    fn bookkeeping_and_secrets_are_left_out_and_changes_seen() {
        let live = json!({"kind": "Secret", "metadata": {"name": "s", "uid": "u", "managedFields": []}, "data": {"a": "c2VjcmV0", "b": "b25l"}});
        let mut wanted = live.clone();
        wanted["data"] = json!({"a": "c2VjcmV0", "b": "dHdv", "c": "bmV3"});
        let object = ClusterObject { value: wanted.clone(), mode: Apply::CreateOrUpdate, secret: true };
        let (before, after) = Change::new(&object, Some(live), wanted).texts().unwrap();
        assert!(!format!("{before}{after}").contains("c2Vj") && !after.contains("uid"));
        assert!(before.contains("  a: <value withheld>\n  b: <value withheld>\n"), "{before}");
        assert!(
            after.contains("  a: <value withheld>\n  b: <another value withheld>\n  c: <value withheld>\n"),
            "{after}"
        );
    }
}
