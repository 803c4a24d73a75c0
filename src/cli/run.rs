//! What commands have in common: the flags of all, the formats of output, and how a command is run and reported.

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::logging;
use crate::output::{Format, Printer, escape};
use crate::program;

// Flags of every command. No doc comment: clap would take it for the help of the commands that have them.
#[derive(clap::Args, Clone, Debug, Default)]
pub(super) struct Global {
    /// Log level: 1 logs decisions and files, 4 also commands and runtime calls, 6 also HTTP requests
    #[arg(
        short,
        long = "v",
        value_name = "LEVEL",
        global = true,
        default_value_t = 0,
        hide_default_value = true
    )]
    v: u8,
    /// Accepted as by kubeadm; has no effect
    #[arg(long, value_name = "SPEC", global = true, hide = true)]
    vmodule: Option<String>,
    /// Use this directory as the root filesystem (chroot)
    #[arg(long, value_name = "DIR", global = true)]
    rootfs: Option<std::path::PathBuf>,
}

/// The output format of events and results.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Output {
    /// For people
    #[default]
    Text,
    /// For machines: one JSON object a line
    Json,
}

impl Output {
    /// What prints so.
    pub(super) fn printer(self) -> Printer {
        match self {
            Self::Text if program::is_kubeadm() => Printer::new(Format::Text).logs_to_stdout(),
            Self::Text => Printer::new(Format::Text),
            Self::Json => Printer::new(Format::Json),
        }
    }
}

/// Applies the global flags, runs a command, reports its error if it has one, and tells the exit code.
pub(super) fn run(
    global: &Global,
    out: Printer,
    command: impl FnOnce(&Printer) -> Result<ExitStatus, Error>,
) -> ExitStatus {
    let result = prepare(global).and_then(|()| command(&out));
    result.unwrap_or_else(|error| report(&error, &out))
}

/// Reports an error: for machines it is the result, the last event.
pub(super) fn report(error: &Error, out: &Printer) -> ExitStatus {
    for source in error.sources() {
        tracing::info!("caused by: {source}");
    }
    let mut data = json!({
        "ok": false,
        "exitCode": error.status.code(),
        "code": error.status.name(),
        "error": error.message,
    });
    if let (false, Some(fields)) = (error.findings.is_empty(), data.as_object_mut()) {
        fields.insert("findings".into(), json!(error.findings));
    }
    out.failure(data, &format!("error: {error}"));
    error.status
}

/// Applies the global flags.
fn prepare(global: &Global) -> Result<(), Error> {
    logging::start(global.v);
    if let Some(root) = &global.rootfs {
        let fail =
            |e: std::io::Error| Error::new(ExitStatus::Usage, format!("--rootfs {}: {e}", root.display()));
        std::os::unix::fs::chroot(root).map_err(fail)?;
        std::env::set_current_dir("/").map_err(fail)?;
    }
    Ok(())
}

/// Prints what clap says: in its colours, but for a command line with control characters.
pub(super) fn print(error: &clap::Error) {
    if std::env::args_os().any(|arg| escape::is_needed(&arg.to_string_lossy())) {
        Printer::new(Format::Text).failure(Value::Null, error.render().to_string().trim_end());
    } else {
        let _ = error.print();
    }
}
