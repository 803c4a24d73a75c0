//! What `-v` logs on stderr: what the program does and decides. Never a secret: no contents of files, no headers, no query
//! strings.
//!
//! Few places log, and they are the seams: `workflow` its phases, `commands` what they choose and why, `host` its files and
//! commands, its HTTP client and its CRI client, `etcd` its calls. The levels are those that users of kubeadm know:
//! - 1 (`info`): decisions, phases, files
//! - 4 (`debug`): commands and calls to the container runtime and to etcd
//! - 6 (`trace`): HTTP requests, with the status of their answers

use std::io::{self, Write};

use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

use crate::output::escape;

/// Logs from here on what `-v` asks for. To be called once.
pub(crate) fn start(verbosity: u8) {
    let level = match verbosity {
        0 => return,
        1..=3 => Level::INFO,
        4..=5 => Level::DEBUG,
        _ => Level::TRACE,
    };
    // It fails where something logs already.
    let _ = tracing::subscriber::set_global_default(subscriber(level, io::stderr));
}

/// Takes what this program logs. The libraries' own lines would drown it, and may hold what must not be shown.
fn subscriber<W>(
    level: Level,
    writer: impl Fn() -> W + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync
where
    W: Write + 'static,
{
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let escaped = move || Escaped(writer());
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_writer(escaped)
        .finish()
        .with(ours)
}

/// Takes a line with each call, and escapes what it says as the rest of the output is.
struct Escaped<W>(W);

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = escape::message(text.strip_suffix('\n').unwrap_or(&text));
        self.0.write_all(format!("{text}\n").as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What `work` logs on this thread.
#[cfg(test)]
pub(crate) fn logged(level: Level, work: impl FnOnce()) -> String {
    use std::sync::{Arc, Mutex, OnceLock};

    // Where there is but one subscriber, tracing takes the first thread that comes to a log line for all threads: a test
    // beside this one, which logs nowhere, would turn the line off.
    static BESIDE: OnceLock<tracing::Dispatch> = OnceLock::new();
    BESIDE.get_or_init(|| tracing::Dispatch::new(subscriber(Level::TRACE, io::sink)));

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let lines = Lines::default();
    let writer = lines.clone();
    tracing::subscriber::with_default(subscriber(level, move || writer.clone()), work);
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_forges_no_line() {
        let log =
            logged(Level::INFO, || tracing::info!("no: {}", "\u{9b}1m\r\n[preflight] all checks passed"));
        assert!(log.ends_with("no: \\u{9b}1m\\r\n    [preflight] all checks passed\n"), "{log:?}");
        assert_eq!(log.lines().count(), 2, "{log:?}");
    }

    #[test]
    fn lines_of_libraries_and_of_higher_levels_are_left_out() {
        let log = logged(Level::DEBUG, || {
            tracing::info!("one");
            tracing::debug!("four");
            tracing::trace!("six");
            tracing::info!(target: "hyper", "a library's");
        });
        assert!(log.contains("INFO one") && log.contains("DEBUG four"), "{log}");
        assert_eq!(log.lines().count(), 2, "{log}");
    }
}
