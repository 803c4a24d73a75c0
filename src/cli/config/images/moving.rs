//! What `export` and `import` have in common.

use std::path::PathBuf;

use clap::Args;

use super::SelectionFlags;
use crate::commands::config::images::moving::Request;
use crate::error::Error;
use crate::output::ObjectFormat;

// Which archive, which images, which runtime. No doc comment: clap would take it for the help of the commands that have them.
#[derive(Args, Debug)]
pub(super) struct Moving {
    /// The archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    selection: SelectionFlags,
    /// CRI socket of the container runtime [default: the one found]
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ObjectFormat,
}

impl Moving {
    /// What is asked for.
    ///
    /// # Errors
    /// When a feature gate has no value.
    pub(super) fn request(&self) -> Result<Request, Error> {
        Ok(Request {
            file: self.file.clone(),
            selection: self.selection.selection()?,
            cri_socket: self.cri_socket.clone(),
            format: self.output.clone(),
        })
    }
}
