/// A template that can't be read, or not be applied to an object.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    /// It is no template of its language, or uses what is not supported.
    #[error("the template can't be read at {at:?}: {why}")]
    Syntax {
        /// The rest of the template, from there on.
        at: String,
        /// What is wrong.
        why: String,
    },
    /// A field that the object does not have.
    #[error("{0} is not found")]
    Missing(String),
    /// An index beyond the end of a list.
    #[error("array index out of bounds: index {index}, length {length}")]
    OutOfBounds {
        /// The index.
        index: i64,
        /// How many elements there are.
        length: usize,
    },
    /// An operation that a value does not allow.
    #[error("{0}")]
    Value(String),
}

impl TemplateError {
    /// A syntax error, shown with some of the text that follows.
    pub(super) fn syntax(rest: &str, why: impl Into<String>) -> Self {
        Self::Syntax { at: rest.chars().take(20).collect(), why: why.into() }
    }
}
