//! Where in an object something is, for messages and for looking up merge keys.

use std::fmt;

use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
    Item { key: String, value: String },
}

/// A path from the top of an object, such as `spec.containers[name=etcd].env[0]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldPath(Vec<Step>);

impl FieldPath {
    /// The path of the field `name` in the object here.
    pub(super) fn field(&self, name: &str) -> Self {
        self.then(Step::Field(name.to_owned()))
    }

    /// The path of the item at `index` of the list here.
    pub(super) fn index(&self, index: usize) -> Self {
        self.then(Step::Index(index))
    }

    /// The path of the item of the list here whose field `key` is `value`.
    pub(super) fn item(&self, key: &str, value: &Value) -> Self {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.then(Step::Item { key: key.to_owned(), value })
    }

    /// The names of the fields passed through; lists add none.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|step| match step {
            Step::Field(name) => Some(name.as_str()),
            Step::Index(_) | Step::Item { .. } => None,
        })
    }

    fn then(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("(top level)");
        }
        for (position, step) in self.0.iter().enumerate() {
            match step {
                // `metadata.labels[app.kubernetes.io/name]`, as `kubectl explain` readers know it.
                Step::Field(name) if name.contains(['.', '/', '[']) => write!(f, "[{name}]")?,
                Step::Field(name) if position == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Item { key, value } => write!(f, "[{key}={value}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_the_object() {
        let env =
            FieldPath::default().field("spec").field("containers").item("name", &"etcd".into()).field("env");
        assert_eq!(env.index(2).to_string(), "spec.containers[name=etcd].env[2]");
        assert_eq!(env.fields().collect::<Vec<_>>(), ["spec", "containers", "env"]);
        let labels = FieldPath::default().field("metadata").field("labels");
        assert_eq!(
            labels.field("app.kubernetes.io/name").to_string(),
            "metadata.labels[app.kubernetes.io/name]"
        );
        assert_eq!(FieldPath::default().to_string(), "(top level)");
    }
}
