//! Keeps a service running: what systemd's process 1 does for `Type=simple`, `Restart=always` and `RestartSec=10`.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::journal;
use super::state::{self, Properties};
use super::unit;

/// `RestartSec`.
const RESTART: Duration = Duration::from_secs(10);
/// How often the wish to stop is looked for.
const TICK: Duration = Duration::from_millis(20);

/// `systemd-supervise SERVICE`
pub(super) fn main(args: &[String]) -> ExitCode {
    let Some(service) = args.first() else { return ExitCode::from(2) };
    let mut properties = Properties::from([
        ("Supervisor".to_owned(), std::process::id().to_string()),
        ("NRestarts".to_owned(), "0".to_owned()),
        ("Result".to_owned(), "success".to_owned()),
    ]);
    let stop = state::stop_file(service);
    let mut restarts = 0;
    loop {
        let status = run(service, &stop, &mut properties);
        if stop.exists() {
            tell(service, "Stopped.");
            publish(service, &mut properties, "inactive", "dead", 0);
            return ExitCode::SUCCESS;
        }
        tell(service, &format!("Main process {status}"));
        properties.insert("Result".to_owned(), "exit-code".to_owned());
        publish(service, &mut properties, "activating", "auto-restart", 0);
        let ended = Instant::now();
        while ended.elapsed() < RESTART {
            if stop.exists() {
                publish(service, &mut properties, "inactive", "dead", 0);
                return ExitCode::SUCCESS;
            }
            std::thread::sleep(TICK);
        }
        restarts += 1;
        properties.insert("NRestarts".to_owned(), restarts.to_string());
        tell(service, &format!("Scheduled restart job, restart counter is at {restarts}."));
    }
}

/// Runs the service once; how it ended, in words.
fn run(service: &str, stop: &Path, properties: &mut Properties) -> String {
    let command = unit::load(service).ok_or_else(|| "no unit".to_owned()).and_then(|u| u.command());
    let started = command.and_then(|(words, environment)| {
        let (program, args) = words.split_first().ok_or("an empty ExecStart=")?;
        let mut command = Command::new(program);
        command
            .args(args)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().map_err(|e| format!("{program}: {e}"))
    });
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            tell(service, &format!("Failed to start: {error}"));
            properties.insert("ExecMainStatus".to_owned(), "203".to_owned());
            return "exited, code=exited, status=203/EXEC".to_owned();
        }
    };
    let speaker = format!("{service}[{}]", child.id());
    log_lines(service, &speaker, child.stdout.take());
    log_lines(service, &speaker, child.stderr.take());
    tell(service, "Started.");
    publish(service, properties, "active", "running", child.id());
    let Some(status) = wait(&mut child, stop) else { return "lost".to_owned() };
    let code = status.code();
    properties.insert("ExecMainStatus".to_owned(), code.unwrap_or(-1).to_string());
    match code {
        Some(0) => "exited, code=exited, status=0/SUCCESS".to_owned(),
        Some(code) => format!("exited, code=exited, status={code}/FAILURE"),
        None => format!("ended, {status}"),
    }
}

/// Waits for the end of the service, which it is asked for when `stop` appears.
fn wait(child: &mut Child, stop: &Path) -> Option<ExitStatus> {
    let mut asked: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait().ok()? {
            return Some(status);
        }
        if asked.is_none() && stop.exists() {
            asked = Some(Instant::now());
            let pid = state::process(&child.id().to_string())?;
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if asked.is_some_and(|since| since.elapsed() > Duration::from_secs(30)) {
            let _ = child.kill();
        }
        std::thread::sleep(TICK);
    }
}

fn log_lines(service: &str, speaker: &str, from: Option<impl Read + Send + 'static>) {
    let (service, speaker) = (service.to_owned(), speaker.to_owned());
    if let Some(from) = from {
        std::thread::spawn(move || {
            for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
                journal::append(&service, &speaker, &String::from_utf8_lossy(&line));
            }
        });
    }
}

fn tell(service: &str, message: &str) {
    journal::append(service, "systemd[1]", &format!("{service}.service: {message}"));
}

fn publish(service: &str, properties: &mut Properties, active: &str, sub: &str, pid: u32) {
    let values =
        [("ActiveState", active.to_owned()), ("SubState", sub.to_owned()), ("MainPID", pid.to_string())];
    properties.extend(values.map(|(k, v)| (k.to_owned(), v)));
    let _ = state::write(service, properties);
}
