//! Container logs in the format CRI prescribes: lines of `<RFC 3339 time> <stdout|stderr> <F|P> <text>`, where
//! `P` marks a part that the same stream's next line continues and `F` the last or only part. And in that of Docker's
//! driver `json-file`, which cri-dockerd links to and kubelet reads too: objects of `log`, `stream` and `time`, where a
//! `log` without line break is a part.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How much of the file's end is read first; enough for a few hundred ordinary lines.
const FIRST_WINDOW: u64 = 64 * 1024;
/// The most that is read, however long the lines are.
const LAST_WINDOW: u64 = 1024 * 1024;

/// One line that a container wrote, its parts joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// When its first part was written; `None` when the line is not in CRI's format.
    pub time: Option<OffsetDateTime>,
    /// The stream it was written to.
    pub stream: Stream,
    /// The text, without the line break.
    pub text: String,
}

/// Where a container wrote a line to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Unknown: the line is not in CRI's format, and is kept as it is.
    Unknown,
}

impl Stream {
    fn named(name: &str) -> Option<Self> {
        match name {
            "stdout" => Some(Self::Stdout),
            "stderr" => Some(Self::Stderr),
            _ => None,
        }
    }
}

/// The last `n` lines of a container's log, oldest first.
///
/// Only the end of the file is read, at most 1 MiB of it: with very long lines these may be fewer than `n`, the
/// first cut at its front. A line whose last part is still missing counts as it is: a dying process leaves such.
///
/// # Errors
/// When the file cannot be opened or read.
pub(crate) fn tail(path: &Path, n: usize) -> io::Result<Vec<LogLine>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut window = FIRST_WINDOW;
    loop {
        let start = size.saturating_sub(window);
        let mut lines = parse(&read(&mut file, start, size)?, start > 0);
        let excess = lines.len().saturating_sub(n);
        let last = lines.split_off(excess);
        let enough = last.len() == n && last.iter().all(|(_, whole)| *whole);
        if start == 0 || enough || window >= LAST_WINDOW {
            return Ok(last.into_iter().map(|(line, _)| line).collect());
        }
        window *= 4;
    }
}

fn read(file: &mut File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    // Not to the end of the file: the container may be writing faster than this reads.
    file.take(end - start).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The lines in `bytes`, each with whether it is surely whole. With `cut`, `bytes` starts somewhere in the file:
/// then the rest of a line at its start is dropped, and a stream's first line may lack earlier parts.
fn parse(bytes: &[u8], cut: bool) -> Vec<(LogLine, bool)> {
    let mut lines = Vec::new();
    let mut open: Vec<(LogLine, bool)> = Vec::new();
    let mut seen: Vec<Stream> = Vec::new();
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if bytes.is_empty() {
        return lines;
    }
    for raw in bytes.split(|byte| *byte == b'\n').skip(usize::from(cut)) {
        let Part { line, last } = Part::read(&String::from_utf8_lossy(raw));
        let stream = line.stream;
        let known = seen.contains(&stream);
        if !known {
            seen.push(stream);
        }
        let joined = match open.iter().position(|(begun, _)| begun.stream == stream) {
            Some(at) => {
                let (mut begun, whole) = open.remove(at);
                begun.text.push_str(&line.text);
                (begun, whole)
            }
            None => (line, known || !cut || stream == Stream::Unknown),
        };
        if last { lines.push(joined) } else { open.push(joined) }
    }
    lines.append(&mut open);
    lines
}

/// One line of the file.
struct Part {
    line: LogLine,
    last: bool,
}

impl Part {
    fn read(raw: &str) -> Self {
        Self::read_cri(raw).or_else(|| Self::read_docker(raw)).unwrap_or_else(|| {
            let line = LogLine { time: None, stream: Stream::Unknown, text: raw.to_owned() };
            Self { line, last: true }
        })
    }

    fn read_cri(raw: &str) -> Option<Self> {
        let (time, rest) = raw.split_once(' ')?;
        let (stream, rest) = rest.split_once(' ')?;
        // An empty line may come without the blank after its tags.
        let (tags, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let stream = Stream::named(stream)?;
        // CRI allows more tags after the first, separated by colons.
        let last = match tags.split(':').next()? {
            "F" => true,
            "P" => false,
            _ => return None,
        };
        let time = Some(OffsetDateTime::parse(time, &Rfc3339).ok()?);
        Some(Self { line: LogLine { time, stream, text: text.to_owned() }, last })
    }

    fn read_docker(raw: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Line<'a> {
            log: String,
            #[serde(borrow)]
            stream: Cow<'a, str>,
            #[serde(borrow)]
            time: Cow<'a, str>,
        }
        let line: Line<'_> = raw.starts_with('{').then(|| serde_json::from_str(raw).ok())??;
        let time = Some(OffsetDateTime::parse(&line.time, &Rfc3339).ok()?);
        let stream = Stream::named(&line.stream)?;
        let (text, last) = match line.log.strip_suffix('\n') {
            Some(whole) => (whole.to_owned(), true),
            None => (line.log, false),
        };
        Some(Self { line: LogLine { time, stream, text }, last })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn log(content: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        file
    }

    fn texts(lines: &[LogLine]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    const T: &str = "2026-11-23T20:53:01.123456789Z";

    #[test]
    fn reads_time_stream_and_text() {
        let file = log(&format!("{T} stdout F hello  world \n2026-11-23T21:53:02.5+01:00 stderr F:x \n"));
        let lines = tail(file.path(), 9).unwrap();
        assert_eq!(texts(&lines), ["hello  world ", ""]);
        assert_eq!((lines[0].stream, lines[1].stream), (Stream::Stdout, Stream::Stderr));
        let times: Vec<_> = lines.iter().map(|line| line.time.unwrap().unix_timestamp_nanos()).collect();
        assert_eq!(times[1] - times[0], 1_376_543_211);
    }

    #[test]
    fn gives_the_last_lines() {
        let file = log(&format!("{T} stdout F a\n{T} stdout F b\n{T} stdout F c\n"));
        assert_eq!(texts(&tail(file.path(), 2).unwrap()), ["b", "c"]);
        assert_eq!(texts(&tail(file.path(), 3).unwrap()), ["a", "b", "c"]);
        assert!(tail(file.path(), 0).unwrap().is_empty());
    }

    #[test]
    fn joins_parts_of_each_stream() {
        let content =
            format!("{T} stderr P pa\n{T} stdout P x\n{T} stderr F nic\n{T} stdout F y\n{T} stderr P di");
        let lines = tail(log(&content).path(), 9).unwrap();
        assert_eq!(texts(&lines), ["panic", "xy", "di"]);
        assert_eq!(lines[0].stream, Stream::Stderr);
    }

    #[test]
    fn keeps_lines_in_other_formats() {
        for bad in [
            "plain words here now",
            "",
            &format!("{T} stdin F x"),
            &format!("{T} stdout Q x"),
            "now stdout F x",
        ] {
            let lines = tail(log(&format!("{T} stdout F a\n{bad}\n{T} stdout F b\n")).path(), 9).unwrap();
            assert_eq!(texts(&lines), ["a", bad, "b"]);
            assert_eq!((lines[1].time, lines[1].stream), (None, Stream::Unknown));
        }
    }

    #[test]
    fn an_empty_file_has_no_lines_and_an_absent_one_is_an_error() {
        assert!(tail(log("").path(), 5).unwrap().is_empty());
        assert_eq!(tail(Path::new("/nonexistent/0.log"), 5).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn bytes_that_are_no_utf8_do_not_matter() {
        let mut file = log(&format!("{T} stdout F "));
        file.write_all(b"\xff\n").unwrap();
        assert_eq!(texts(&tail(file.path(), 1).unwrap()), ["\u{fffd}"]);
    }

    #[test]
    fn a_long_line_is_whole_even_when_it_starts_before_the_first_window() {
        let part = "x".repeat(16 * 1024);
        let parts = format!("{T} stderr P {part}\n{T} stdout F between\n").repeat(6);
        let lines = tail(log(&format!("{parts}{T} stderr F end\n")).path(), 1).unwrap();
        assert_eq!(texts(&lines), [part.repeat(6) + "end"]);
    }

    #[test]
    fn a_log_of_many_gigabytes_is_read_at_its_end_only() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        // A hole, so that it takes neither time nor space.
        file.as_file().set_len(64 << 30).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        write!(file, "\n{T} stdout F a\n{T} stdout F b\n").unwrap();
        assert_eq!(texts(&tail(file.path(), 1).unwrap()), ["b"]);
        assert_eq!(texts(&tail(file.path(), 5).unwrap()), ["a", "b"]);
    }

    /// Whatever the window cuts, the tail is the tail of the whole.
    #[test]
    fn every_tail_is_the_end_of_the_whole_log() {
        let cri = |i| {
            let stream = if i % 3 == 0 { "stderr" } else { "stdout" };
            let tag = if i % 7 == 0 { "P" } else { "F" };
            format!("{T} {stream} {tag} line {i}\n")
        };
        let plain = |i| format!("this is line {i} of a log in another format\n");
        for content in [(0..6000).map(cri).collect::<String>(), (0..6000).map(plain).collect()] {
            let all: Vec<_> = parse(content.as_bytes(), false).into_iter().map(|(line, _)| line).collect();
            let file = log(&content);
            for n in [1, 2, 10, 500, 1200, 1300, 1400, 1500, 2000, 4000, all.len(), 9999] {
                let want = &all[all.len().saturating_sub(n)..];
                assert_eq!(tail(file.path(), n).unwrap(), want, "n = {n}");
            }
        }
    }

    #[test]
    fn lines_of_docker_are_read_and_joined() {
        let content = r#"{"log":"unknown flag: --x\n","stream":"stderr","time":"2026-11-29T12:01:25.710011605Z"}
{"log":"a \"b\"","stream":"stdout","time":"2026-11-29T12:01:26Z"}
{"log":" c\n","stream":"stdout","time":"2026-11-29T12:01:27Z"}
{"its":"own"}
"#;
        let file = log(content);
        let lines = tail(file.path(), 9).unwrap();
        assert_eq!(texts(&lines), ["unknown flag: --x", "a \"b\" c", r#"{"its":"own"}"#]);
        assert_eq!(lines.first().map(|line| line.stream), Some(Stream::Stderr));
        assert!(lines.first().is_some_and(|line| line.time.is_some()));
    }
}
