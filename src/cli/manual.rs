//! `manual`: pages for `man`, which packages bring.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;

use crate::error::Error;
use crate::host::{FileMode, write_atomically};

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kubestrap manual /usr/local/share/man/man1")]
pub(super) struct Manual {
    /// The folder
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl Manual {
    /// Writes them.
    pub(super) fn run(&self) -> Result<(), Error> {
        pages(&super::command(), &self.dir)
    }
}

fn pages(command: &Command, dir: &Path) -> Result<(), Error> {
    let version = concat!("kubestrap ", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).source(version).manual("Kubernetes");
    let mut text = vec![];
    page.render(&mut text)?;
    write_atomically(&dir.join(page.get_filename()), &text, FileMode::CERTIFICATE)?;
    command.get_subcommands().filter(|c| !c.is_hide_set()).try_for_each(|c| pages(c, dir))
}
