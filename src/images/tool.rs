//! The runtimes' own programs, which write images out and read them in.

use std::fs::File;

use tempfile::NamedTempFile;

use super::error::TransferError;
use super::tools::{TOOLS, Tool};
use crate::host::command::{self, CommandError};
use crate::host::cri::CriEndpoint;

/// What programs say, and what that means.
const HINTS: &[(&str, &str)] = &[
    ("no space left on device", "the disk is full: `df -h` tells which"),
    ("permission denied", "run as root"),
    (
        "content digest sha256:",
        "containerd no longer has all parts of the image: with `discard_unpacked_layers = true` it drops layers that are unpacked. Set that to false, restart it, remove the image (`crictl rmi`) and pull it again, or export on another machine",
    ),
];

impl Tool {
    /// The one for a runtime, if it is in PATH.
    pub(super) fn of(runtime: &str) -> Result<&'static Self, TransferError> {
        let tool = TOOLS.iter().find(|t| t.runtime.eq_ignore_ascii_case(runtime));
        let tool = tool.ok_or_else(|| TransferError::UnknownRuntime(runtime.to_owned()))?;
        match command::find(tool.program) {
            Some(_) => Ok(tool),
            None => Err(TransferError::NoTool(tool)),
        }
    }

    /// Whether it takes images one by one out of an archive.
    pub(super) fn imports_singly(&self) -> bool {
        self.import.iter().any(|word| word.contains("{image}"))
    }

    /// Writes an image into a file; gives what it said.
    pub(super) fn export(
        &self,
        endpoint: &CriEndpoint,
        image: &str,
        to: &NamedTempFile,
    ) -> Result<String, TransferError> {
        let file = to.path().to_string_lossy();
        let words: Vec<String> = self.export.iter().map(|word| word.replace("{file}", &file)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let stdout = to.as_file().try_clone().map_err(|error| TransferError::File {
            action: "write",
            file: to.path().to_owned(),
            error,
        })?;
        self.run(&words, endpoint, image, None, Some(stdout))
    }

    /// Reads an archive, or an image of it.
    pub(super) fn import(
        &self,
        endpoint: &CriEndpoint,
        image: &str,
        from: File,
    ) -> Result<String, TransferError> {
        self.run(self.import, endpoint, image, Some(from), None)
    }

    fn run(
        &self,
        words: &[&str],
        endpoint: &CriEndpoint,
        image: &str,
        stdin: Option<File>,
        stdout: Option<File>,
    ) -> Result<String, TransferError> {
        let socket = endpoint.path().to_string_lossy();
        let words: Vec<String> = self
            .known(words)
            .iter()
            .map(|w| w.replace("{socket}", &socket).replace("{image}", image))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        command::run_piped(self.program, &words, stdin, stdout)
            .map_err(|error| TransferError::Tool { hint: hint(&error), error })
    }
}

impl Tool {
    /// The words that the program's version knows, by its own help.
    fn known<'w>(&self, words: &[&'w str]) -> Vec<&'w str> {
        let mut known = vec![];
        for word in words {
            let Some(flag) = word.strip_prefix('?') else {
                known.push(*word);
                continue;
            };
            let help = command::run_any(self.program, &[&known, ["--help"].as_slice()].concat());
            if help.is_ok_and(|h| String::from_utf8_lossy(&h.stdout).contains(flag)) {
                known.push(flag);
            }
        }
        known
    }
}

fn hint(error: &CommandError) -> &'static str {
    HINTS.iter().find(|(said, _)| error.what.contains(said)).map_or("", |(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::super::archive::Naming;
    use super::*;

    #[test]
    fn each_runtime_has_what_it_needs() {
        for tool in TOOLS {
            assert!(tool.export.iter().any(|w| w.contains("{image}")), "{}", tool.runtime);
        }
        assert!(matches!(Tool::of("frakti"), Err(TransferError::UnknownRuntime(_))));
    }

    #[test]
    fn flags_are_left_out_where_the_program_has_them_not() {
        let tool = Tool {
            runtime: "r",
            program: "tar",
            package: "tar",
            export: &[],
            import: &[],
            finds_by: Naming::Any,
        };
        assert_eq!(tool.known(&["?--no-such-flag", "?--create", "x"]), ["--create", "x"]);
    }

    #[test]
    fn a_program_s_words_lead_to_a_hint() {
        let error = |what: &str| CommandError { command: "ctr".into(), what: what.into() };
        assert!(hint(&error("write: no space left on device")).contains("df -h"));
        assert!(hint(&error("content digest sha256:ab: not found")).contains("discard_unpacked_layers"));
        assert_eq!(hint(&error("what?")), "");
    }
}
