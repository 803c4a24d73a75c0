//! The log: a line of `microseconds<TAB>speaker[pid]<TAB>message` for each of a service's. A container runtime writes its
//! log itself, as it is: of its lines no time is known but the last one's.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Microseconds since 1970.
    pub(super) time: i64,
    /// Who said it: `kubelet[123]`.
    pub(super) speaker: String,
    /// What.
    pub(super) message: String,
}

/// The log of `service`.
pub(super) fn file(service: &str) -> PathBuf {
    PathBuf::from(format!("/e2e/logs/{service}.log"))
}

/// Microseconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|d| i64::try_from(d.as_micros()).ok())
        .unwrap_or(0)
}

/// Adds a line. A log that can't be written stops no service.
pub(super) fn append(service: &str, speaker: &str, message: &str) {
    if let Ok(mut log) = OpenOptions::new().create(true).append(true).open(file(service)) {
        let _ = log.write_all(format!("{}\t{speaker}\t{message}\n", now()).as_bytes());
    }
}

/// All that `service` has logged.
pub(super) fn read(service: &str) -> Vec<Entry> {
    let path = file(service);
    let text = fs::read(&path).unwrap_or_default();
    let written = path.metadata().and_then(|m| m.modified()).ok();
    let written = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let time = written.and_then(|d| i64::try_from(d.as_micros()).ok()).unwrap_or(0);
    let plain = |line: &str| Entry { time, speaker: format!("{service}[1]"), message: line.to_owned() };
    String::from_utf8_lossy(&text).lines().map(|line| parse(line).unwrap_or_else(|| plain(line))).collect()
}

/// A line of the file.
pub(super) fn parse(line: &str) -> Option<Entry> {
    let mut fields = line.splitn(3, '\t');
    let (time, speaker, message) = (fields.next()?.parse().ok()?, fields.next()?, fields.next()?);
    Some(Entry { time, speaker: speaker.to_owned(), message: message.to_owned() })
}
