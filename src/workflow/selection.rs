//! Which phases of a workflow run.

/// Which phases of a workflow run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// Only this one and those in it.
    pub(crate) only: Option<String>,
    /// None of these and those in them.
    pub(crate) skip: Vec<String>,
}

impl Selection {
    /// Whether the phase `id` runs.
    pub(crate) fn includes(&self, id: &str) -> bool {
        self.only.as_deref().is_none_or(|outer| is_within(id, outer)) && !self.skips(id)
    }

    /// Whether the phase `id` is skipped.
    pub(crate) fn skips(&self, id: &str) -> bool {
        self.skip.iter().any(|outer| is_within(id, outer))
    }
}

/// Whether `id` is the phase `outer` or in it.
pub(crate) fn is_within(id: &str, outer: &str) -> bool {
    outer.is_empty() || id == outer || id.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}
