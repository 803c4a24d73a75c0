//! How the service stands: a file of systemd's property names, shared by `systemctl` and the supervisor.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use rustix::process::Pid;

/// Properties by name: `ActiveState`, `SubState`, `MainPID`, `NRestarts`, `ExecMainStatus`, `Result`, and the
/// supervisor's own process as `Supervisor`.
pub(super) type Properties = BTreeMap<String, String>;

fn folder(service: &str) -> PathBuf {
    PathBuf::from("/run/e2e-units").join(service)
}

/// The file that asks the supervisor to end.
pub(super) fn stop_file(service: &str) -> PathBuf {
    folder(service).join("stop")
}

/// The properties of `service`. Without a living supervisor it is inactive, whatever the file says.
pub(super) fn read(service: &str) -> Properties {
    let text = fs::read_to_string(folder(service).join("state")).unwrap_or_default();
    let mut properties: Properties =
        text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let alive = properties.get("Supervisor").is_some_and(|pid| alive(pid));
    if !alive {
        let failed = properties.get("ActiveState").is_some_and(|s| s == "failed");
        let (active, sub) = if failed { ("failed", "failed") } else { ("inactive", "dead") };
        properties.insert("ActiveState".to_owned(), active.to_owned());
        properties.insert("SubState".to_owned(), sub.to_owned());
        properties.insert("MainPID".to_owned(), "0".to_owned());
        properties.remove("Supervisor");
    }
    properties
}

/// Writes them, all at once.
///
/// # Errors
/// When that fails.
pub(super) fn write(service: &str, properties: &Properties) -> std::io::Result<()> {
    let folder = folder(service);
    fs::create_dir_all(&folder)?;
    let text: String = properties.iter().map(|(k, v)| format!("{k}={v}\n")).collect();
    fs::write(folder.join("state.new"), text)?;
    fs::rename(folder.join("state.new"), folder.join("state"))
}

/// Whether the process `pid` runs: one that has ended and waits to be taken in does not.
pub(super) fn alive(pid: &str) -> bool {
    let stat = fs::read_to_string(PathBuf::from("/proc").join(pid).join("stat")).unwrap_or_default();
    // The name before it is in parentheses, and may hold any character.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Whether a program of this name runs in the machine.
pub(super) fn runs(program: &str) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.into_iter().any(|entry| {
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        name.trim_end() == program && entry.file_name().to_str().is_some_and(alive)
    })
}

/// The process id that `text` is.
pub(super) fn process(text: &str) -> Option<Pid> {
    text.parse().ok().and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_that_waits_to_be_taken_in_is_not_alive() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id().to_string();
        assert!(alive(&pid));
        child.kill().unwrap();
        while alive(&pid) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        child.wait().unwrap();
        assert!(!alive(&pid));
    }
}
