//! `manual`: pages for `man`, which packages bring.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::commands::description::Page;

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kubestrap manual /usr/local/share/man/man1")]
pub(super) struct Manual {
    /// The directory
    #[arg(value_name = "DIR")]
    pub(super) dir: PathBuf,
}

/// A page for each command.
///
/// # Errors
/// When one can't be rendered.
pub(super) fn pages(command: &Command) -> std::io::Result<Vec<Page>> {
    let version = concat!("kubestrap ", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).source(version).manual("Kubernetes");
    let mut text = vec![];
    page.render(&mut text)?;
    let mut all = vec![Page { name: page.get_filename(), text }];
    for below in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        all.extend(pages(below)?);
    }
    Ok(all)
}
