//! The verbs of `systemctl` that `init`, `reset` and people use on kubelet.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use super::{state, unit};
use crate::{command, say};

/// A unit that is not there, and a service that does not run: systemd's exit codes.
const NOT_FOUND: u8 = 4;
const NOT_ACTIVE: u8 = 3;

/// `systemctl VERB UNIT`
pub(super) fn main(args: &[String]) -> ExitCode {
    let mut names = vec![];
    let mut properties = vec![];
    let (mut bare, mut quiet, mut now) = (false, false, false);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "-p" | "--property" => properties.extend(rest.next().into_iter().flat_map(|p| p.split(','))),
            "--value" => bare = true,
            "-q" | "--quiet" => quiet = true,
            "--now" => now = true,
            flag if flag.starts_with("--property=") => {
                properties.extend(flag.split('=').skip(1).flat_map(|p| p.split(',')))
            }
            flag if flag.starts_with('-') => {}
            name => names.push(name),
        }
    }
    let mut names = names.into_iter();
    let verb = names.next().unwrap_or("list-units");
    let name = names.next().unwrap_or_default();
    let service = name.strip_suffix(".service").unwrap_or(name);
    let answer = |text: &str, code: u8| {
        if !quiet {
            say::line(text);
        }
        ExitCode::from(code)
    };
    if verb == "daemon-reload" || verb == "reset-failed" {
        return ExitCode::SUCCESS;
    }
    let runtimes = [
        ("containerd", "containerd"),
        ("crio", "crio"),
        ("cri-docker", "cri-dockerd"),
        ("docker", "dockerd"),
    ];
    let runtime =
        runtimes.iter().find(|(name, program)| *name == service && command::find(program).is_some());
    if let Some((_, program)) = runtime {
        let (active, code) = if state::runs(program) { ("active", 0) } else { ("inactive", NOT_ACTIVE) };
        return match verb {
            "is-active" => answer(active, code),
            "is-enabled" => answer("enabled", 0),
            "show" => show(&properties, bare, |p| match p {
                "ActiveState" => Some(active.to_owned()),
                "LoadState" => Some("loaded".to_owned()),
                _ => None,
            }),
            _ => ExitCode::SUCCESS,
        };
    }
    if service.ends_with(".timer") {
        return timer(verb, service);
    }
    let found = unit::load(service);
    let found_state = state::read(service);
    let property = |name: &str| found_state.get(name).cloned().unwrap_or_default();
    match (verb, &found) {
        ("show", _) => show(&properties, bare, |p| match p {
            "LoadState" => Some(if found.is_some() { "loaded" } else { "not-found" }.to_owned()),
            "UnitFileState" => found.as_ref().map(|_| enabled(service).to_owned()),
            p => found_state.get(p).cloned(),
        }),
        ("is-active", None) => answer("inactive", NOT_FOUND),
        ("is-enabled", None) => answer("not-found", NOT_FOUND),
        (_, None) => {
            say::note(format_args!("Unit {service}.service could not be found."));
            ExitCode::from(if verb == "status" { NOT_FOUND } else { 5 })
        }
        ("is-active", _) => {
            let active = property("ActiveState");
            answer(&active, if active == "active" { 0 } else { NOT_ACTIVE })
        }
        ("is-failed", _) => {
            let active = property("ActiveState");
            answer(&active, u8::from(active != "failed"))
        }
        ("is-enabled", _) => answer(enabled(service), u8::from(enabled(service) != "enabled")),
        ("status", _) => {
            let (active, sub, pid) = (property("ActiveState"), property("SubState"), property("MainPID"));
            say::line(format_args!("{service}.service\n     Active: {active} ({sub})\n   Main PID: {pid}"));
            ExitCode::from(if active == "active" { 0 } else { NOT_ACTIVE })
        }
        ("cat", Some(unit)) => {
            for file in &unit.files {
                let text = fs::read_to_string(file).unwrap_or_default();
                say::line(format_args!("# {}\n{text}", file.display()));
            }
            ExitCode::SUCCESS
        }
        ("start", _) => start(service),
        ("stop", _) => stop(service),
        ("restart", _) => {
            stop(service);
            start(service)
        }
        ("enable" | "disable", Some(unit)) => {
            enable(service, verb == "enable", unit.files.first());
            match (now, verb) {
                (true, "enable") => start(service),
                (true, _) => stop(service),
                _ => ExitCode::SUCCESS,
            }
        }
        _ => {
            say::note(format_args!("Unknown command verb {verb}."));
            ExitCode::FAILURE
        }
    }
}

/// A timer is enabled and disabled; nothing is started by it.
fn timer(verb: &str, name: &str) -> ExitCode {
    let file = PathBuf::from("/etc/systemd/system").join(name);
    if !file.exists() {
        say::note(format_args!("Unit {name} could not be found."));
        return ExitCode::from(5);
    }
    match verb {
        "enable" | "disable" => enable(name, verb == "enable", Some(&file)),
        "is-enabled" => {
            say::line(enabled(name));
            return ExitCode::from(u8::from(enabled(name) != "enabled"));
        }
        "show" => say::line(format_args!("LoadState=loaded\nUnitFileState={}", enabled(name))),
        _ => {}
    }
    ExitCode::SUCCESS
}

fn show(properties: &[&str], bare: bool, value: impl Fn(&str) -> Option<String>) -> ExitCode {
    const ALL: &[&str] = &[
        "LoadState",
        "ActiveState",
        "SubState",
        "UnitFileState",
        "MainPID",
        "NRestarts",
        "ExecMainStatus",
        "Result",
    ];
    for name in if properties.is_empty() { ALL } else { properties } {
        let value = value(name).unwrap_or_default();
        if bare { say::line(value) } else { say::line(format_args!("{name}={value}")) }
    }
    ExitCode::SUCCESS
}

fn wanted(service: &str) -> PathBuf {
    PathBuf::from(format!("/etc/systemd/system/multi-user.target.wants/{service}.service"))
}

fn enabled(service: &str) -> &'static str {
    if wanted(service).symlink_metadata().is_ok() { "enabled" } else { "disabled" }
}

fn enable(service: &str, on: bool, file: Option<&PathBuf>) {
    let link = wanted(service);
    let _ = fs::remove_file(&link);
    if let (true, Some(file), Some(folder)) = (on, file, link.parent()) {
        let _ = fs::create_dir_all(folder);
        let _ = symlink(file, &link);
    }
}

/// Starts the supervisor, unless one runs, and returns when it has started the service.
fn start(service: &str) -> ExitCode {
    if state::read(service).contains_key("Supervisor") {
        return ExitCode::SUCCESS;
    }
    let _ = fs::remove_file(state::stop_file(service));
    let Ok(program) = std::env::current_exe() else { return ExitCode::FAILURE };
    let spawned = Command::new(program)
        .arg0("systemd-supervise")
        .arg(service)
        .current_dir("/")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let Ok(mut child) = spawned else { return ExitCode::FAILURE };
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(5) {
        if state::read(service).get("Supervisor").is_some_and(|pid| *pid == child.id().to_string()) {
            return ExitCode::SUCCESS;
        }
        if child.try_wait().ok().flatten().is_some() {
            return ExitCode::FAILURE;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    ExitCode::FAILURE
}

/// Has the supervisor stop the service and end, and waits for that.
fn stop(service: &str) -> ExitCode {
    let stop = state::stop_file(service);
    let Some(pid) = state::read(service).remove("Supervisor") else { return ExitCode::SUCCESS };
    if fs::write(&stop, "").is_err() {
        return ExitCode::FAILURE;
    }
    while state::alive(&pid) {
        std::thread::sleep(Duration::from_millis(2));
    }
    let _ = fs::remove_file(stop);
    ExitCode::SUCCESS
}
