//! Programs of this machine, with the libraries that they need in an image.

use std::path::PathBuf;

use crate::command::{check, find};

/// This machine's program `name`, and the libraries that it is linked with; none where it is not installed or static.
pub(crate) fn with_libraries(name: &str) -> Option<(PathBuf, Vec<PathBuf>)> {
    let program = find(name)?.canonicalize().ok()?;
    let libraries = libraries(std::slice::from_ref(&program))?;
    Some((program, libraries))
}

/// The libraries that `files` are linked with; none for a static program.
pub(crate) fn libraries(files: &[PathBuf]) -> Option<Vec<PathBuf>> {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let listed = check("ldd", &names.iter().map(String::as_str).collect::<Vec<_>>()).ok()?.stdout;
    // Of several files, each list follows a line `file:`.
    let words = listed.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':'));
    Some(words.map(PathBuf::from).collect())
}
