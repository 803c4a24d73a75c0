//! Differences, as a person may see them: texts as a unified diff, certificates, keys and kubeconfigs as facts,
//! secrets withheld.

mod mask;
mod shown;

use std::path::PathBuf;

use similar::TextDiff;

pub use mask::masked;
pub use shown::shown;

/// How many lines around a change are shown, as diff(1) does.
const CONTEXT: usize = 3;

/// A file that is made or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Which.
    pub path: PathBuf,
    /// What it says, [`shown()`]; none where it is not there.
    pub before: Option<String>,
    /// What it will say, [`shown()`].
    pub after: String,
}

impl FileChange {
    /// As a unified diff.
    pub fn unified(&self) -> String {
        let name = self.path.display().to_string();
        unified(&name, self.before.as_deref(), &self.after)
    }
}

/// A unified diff of what is called `name`, from `before`, or from nothing, to `after`; empty where there is no
/// difference.
pub fn unified(name: &str, before: Option<&str>, after: &str) -> String {
    let old = if before.is_some() { name } else { "/dev/null" };
    let (before, after) = (masked(before.unwrap_or_default()), masked(after));
    TextDiff::from_lines(&before, &after).unified_diff().context_radius(CONTEXT).header(old, name).to_string()
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
