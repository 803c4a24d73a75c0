//! `journalctl` for one service's log.

use std::io::{Seek, SeekFrom};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::journal::{self, Entry};
use crate::say;

const SECOND: i64 = 1_000_000;

#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    unit: String,
    lines: Option<usize>,
    since: Option<i64>,
    until: Option<i64>,
    output: String,
    follow: bool,
    reverse: bool,
    quiet: bool,
}

/// `journalctl -u UNIT …`
pub(super) fn main(args: &[String]) -> ExitCode {
    let query = match parse(args, journal::now()) {
        Ok(query) => query,
        Err(problem) => {
            say::note(problem);
            return ExitCode::FAILURE;
        }
    };
    let mut entries = journal::read(&query.unit);
    entries.retain(|e| query.since.is_none_or(|s| e.time >= s) && query.until.is_none_or(|u| e.time <= u));
    if let Some(lines) = query.lines {
        entries.drain(..entries.len().saturating_sub(lines));
    }
    if query.reverse {
        entries.reverse();
    }
    if entries.is_empty() && !query.quiet && !query.follow {
        say::line("-- No entries --");
    }
    for entry in &entries {
        show(entry, &query);
    }
    if query.follow {
        follow(&query);
    }
    ExitCode::SUCCESS
}

fn parse(args: &[String], now: i64) -> Result<Query, String> {
    let mut query = Query { output: "short".to_owned(), ..Query::default() };
    // `--flag=value` and `-uvalue` are the same as flag and value.
    let mut words = vec![];
    for arg in args {
        match arg.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => words.extend([flag, value]),
            _ if arg.len() > 2 && ["-u", "-n", "-o", "-S", "-U"].iter().any(|f| arg.starts_with(f)) => {
                words.extend([arg.get(..2).unwrap_or(arg), arg.get(2..).unwrap_or("")]);
            }
            // Flags without a value can be joined: -xeu kubelet
            _ if arg.len() > 2 && arg.starts_with('-') && !arg.starts_with("--") => {
                words.extend(arg.chars().skip(1).map(|c| match c {
                    'u' => "-u",
                    'f' => "-f",
                    'r' => "-r",
                    'q' => "-q",
                    'n' => "-n",
                    'o' => "-o",
                    _ => "",
                }));
            }
            _ => words.push(arg),
        }
    }
    let mut words = words.into_iter().filter(|w| !w.is_empty());
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word {
            "-u" | "--unit" => query.unit = value()?.trim_end_matches(".service").to_owned(),
            "-n" | "--lines" => {
                let count = value()?;
                query.lines = (count != "all").then(|| count.trim_start_matches('+').parse().unwrap_or(10));
            }
            "-o" | "--output" => query.output = value()?.to_owned(),
            "-S" | "--since" => query.since = Some(instant(value()?, now)?),
            "-U" | "--until" => query.until = Some(instant(value()?, now)?),
            "-f" | "--follow" => query.follow = true,
            "-r" | "--reverse" => query.reverse = true,
            "-q" | "--quiet" => query.quiet = true,
            _ => {}
        }
    }
    Ok(query)
}

/// A point in time as systemd.time(7) lets it be written, in microseconds since 1970.
fn instant(text: &str, now: i64) -> Result<i64, String> {
    let text = text.trim();
    let bad = || format!("Failed to parse timestamp: {text}");
    if let Some(seconds) = text.strip_prefix('@') {
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
        let micros: i64 = format!("{fraction:0<6}").get(..6).and_then(|f| f.parse().ok()).unwrap_or(0);
        return Ok(whole.parse::<i64>().map_err(|_| bad())? * SECOND + micros);
    }
    match text {
        "now" => return Ok(now),
        "today" => return Ok(now - now % (86_400 * SECOND)),
        _ => {}
    }
    let ago = text.strip_suffix("ago").or_else(|| text.strip_prefix('-'));
    if let Some(span) = ago.map(str::trim) {
        let (count, unit) = span.split_at(span.find(|c: char| !c.is_ascii_digit()).unwrap_or(span.len()));
        let seconds = match unit.trim().trim_end_matches('s') {
            "" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3600,
            "d" | "day" => 86_400,
            _ => return Err(bad()),
        };
        return Ok(now - count.parse::<i64>().map_err(|_| bad())? * seconds * SECOND);
    }
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let date = PrimitiveDateTime::parse(text.trim_end_matches(" UTC"), format).map_err(|_| bad())?;
    Ok(date.assume_utc().unix_timestamp() * SECOND)
}

fn show(entry: &Entry, query: &Query) {
    let (name, pid) = entry.speaker.trim_end_matches(']').split_once('[').unwrap_or((&entry.speaker, ""));
    match query.output.as_str() {
        "cat" => say::line(&entry.message),
        output if output.starts_with("json") => say::line(json!({
            "MESSAGE": entry.message,
            "__REALTIME_TIMESTAMP": entry.time.to_string(),
            "_SYSTEMD_UNIT": format!("{}.service", query.unit),
            "SYSLOG_IDENTIFIER": name,
            "PRIORITY": "6",
            "_PID": pid,
        })),
        output => {
            let format = if output.starts_with("short-iso") {
                format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+00:00")
            } else {
                format_description!("[month repr:short] [day] [hour]:[minute]:[second]")
            };
            let time = OffsetDateTime::from_unix_timestamp(entry.time / SECOND).ok();
            let time = time.and_then(|t| t.format(format).ok()).unwrap_or_default();
            say::line(format_args!(
                "{time} {} {}: {}",
                crate::machine::NODE_NAME,
                entry.speaker,
                entry.message
            ));
        }
    }
}

/// Shows what is added, until killed.
fn follow(query: &Query) {
    let path = journal::file(&query.unit);
    let mut at = path.metadata().map_or(0, |m| m.len());
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let Ok(mut file) = std::fs::File::open(&path) else { continue };
        let mut added = String::new();
        if file.seek(SeekFrom::Start(at)).is_err()
            || std::io::Read::read_to_string(&mut file, &mut added).is_err()
        {
            continue;
        }
        let whole = added.rfind('\n').map_or(0, |end| end + 1);
        at += u64::try_from(whole).unwrap_or(0);
        for entry in added.get(..whole).unwrap_or("").lines().filter_map(journal::parse) {
            show(&entry, query);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(line: &str) -> Query {
        parse(&line.split('|').map(str::to_owned).collect::<Vec<_>>(), 1_000 * SECOND).unwrap()
    }

    #[test]
    fn flags_in_every_form() {
        let got = query("-u|kubelet.service|--since=@900|-n|400|-o|cat|--no-pager|-q");
        let want = Query {
            unit: "kubelet".into(),
            lines: Some(400),
            since: Some(900 * SECOND),
            output: "cat".into(),
            quiet: true,
            ..Query::default()
        };
        assert_eq!(got, want);
        assert_eq!(query("-xeu|kubelet").unit, "kubelet");
        assert_eq!(query("-ukubelet|-n5").lines, Some(5));
    }

    #[test]
    fn times() {
        let now = 1_000 * SECOND;
        assert_eq!(instant("@12.5", now), Ok(12 * SECOND + 500_000));
        assert_eq!(instant("-30s", now), Ok(970 * SECOND));
        assert_eq!(instant("5 min ago", now), Ok(700 * SECOND));
        assert_eq!(instant("1970-01-02 00:00:01", now), Ok(86_401 * SECOND));
        assert!(instant("soon", now).is_err());
    }
}
