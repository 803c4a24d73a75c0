//! Differences, as a person may see them: texts as a unified diff, certificates, keys and kubeconfigs as facts,
//! secrets withheld.

mod mask;
mod shown;

use std::fmt;
use std::path::PathBuf;

use similar::TextDiff;
use zeroize::Zeroizing;

use crate::yaml;

pub(crate) use mask::masked;
pub(crate) use shown::shown;

/// How many lines around a change are shown, as diff(1) does.
const CONTEXT: usize = 3;

/// A file that is made or changed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct FileChange {
    /// Which.
    pub path: PathBuf,
    /// Its content; none where it is not there. It may be a secret, as the new one may be.
    before: Option<Zeroizing<Vec<u8>>>,
    after: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for FileChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileChange").field("path", &self.path).finish_non_exhaustive()
    }
}

impl FileChange {
    /// A file that says `before`, if it is there, and will say `after`.
    pub(crate) fn new(path: PathBuf, before: Option<Vec<u8>>, after: &[u8]) -> Self {
        Self { path, before: before.map(Zeroizing::new), after: Zeroizing::new(after.to_vec()) }
    }

    /// Whether the file is there already.
    pub(crate) fn replaces(&self) -> bool {
        self.before.is_some()
    }

    /// As a unified diff of what may be [`shown()`].
    pub(crate) fn unified(&self) -> String {
        let name = self.path.display().to_string();
        let before = self.before.as_ref().map(|content| shown(content));
        unified(&name, before.as_deref(), &shown(&self.after))
    }
}

impl FileChange {
    /// As a unified diff of the data, with `context` lines around a change: two styles of YAML don't differ.
    pub(crate) fn unified_as_data(&self, context: usize) -> String {
        let name = self.path.display().to_string();
        let normal = |content: &[u8]| {
            let text = shown(content);
            let value = yaml::parse_values(&text).ok().and_then(|documents| documents.into_iter().next());
            value.filter(|_| name.ends_with(".yaml")).and_then(|v| yaml::to_string(&v).ok()).unwrap_or(text)
        };
        let before = self.before.as_ref().map(|content| normal(content));
        unified_with(&name, before.as_deref(), &normal(&self.after), context)
    }
}

/// A unified diff of what is called `name`, from `before`, or from nothing, to `after`; empty where there is no
/// difference.
pub(crate) fn unified(name: &str, before: Option<&str>, after: &str) -> String {
    unified_with(name, before, after, CONTEXT)
}

/// The same with `context` lines around a change.
pub(crate) fn unified_with(name: &str, before: Option<&str>, after: &str, context: usize) -> String {
    let old = if before.is_some() { name } else { "/dev/null" };
    let (before, after) = (masked(before.unwrap_or_default()), masked(after));
    TextDiff::from_lines(&before, &after).unified_diff().context_radius(context).header(old, name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_equal_gives_nothing_and_what_is_new_comes_from_nowhere() {
        assert_eq!(unified("f", Some("a\n"), "a\n"), "");
        assert_eq!(unified("f", Some("a\nb\n"), "a\nc\n"), "--- f\n+++ f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
        assert_eq!(unified("f", None, "a\n"), "--- /dev/null\n+++ f\n@@ -0,0 +1 @@\n+a\n");
    }
}
