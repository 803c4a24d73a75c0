//! Processes of this machine, from `/proc` (proc(5)).

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A running process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its id.
    pub pid: u32,
    /// Its name as the kernel has it, at most 15 bytes.
    pub name: String,
    /// Its command line; empty for a kernel thread or a zombie.
    pub command: Vec<String>,
    /// The systemd service that it belongs to, such as `nginx.service`.
    pub unit: Option<String>,
    /// It sees the same files as we do: it is not in a container. True where we may not look.
    pub on_host: bool,
}

impl Process {
    /// Whether it runs `program`: by the file name of its command, or the kernel's name for it.
    pub(crate) fn is(&self, program: &str) -> bool {
        let first = self.command.first().map_or("", String::as_str);
        first.rsplit('/').next() == Some(program)
            || (self.command.is_empty() && self.name == program.get(..15).unwrap_or(program))
    }

    /// Whether it has ended and waits for its parent: it has no command line any more.
    pub(crate) fn is_zombie(&self) -> bool {
        self.command.is_empty()
    }

    /// Its command line as one text, truncated if it is long.
    pub(crate) fn command_line(&self) -> String {
        const LONGEST: usize = 120;
        let line = if self.command.is_empty() { self.name.clone() } else { self.command.join(" ") };
        match line.char_indices().nth(LONGEST) {
            Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
            None => line,
        }
    }

    /// The value of its flag `name`, written `--name=value` or `--name value`.
    pub(crate) fn flag(&self, name: &str) -> Option<&str> {
        let mut words = self.command.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix('-') else { continue };
            let flag = flag.strip_prefix('-').unwrap_or(flag);
            match flag.split_once('=') {
                Some((n, value)) if n == name => return Some(value),
                None if flag == name => return words.next(),
                _ => {}
            }
        }
        None
    }
}

/// When a process started, to a hundredth of a second; none if it is gone.
pub(crate) fn started(pid: u32) -> Option<SystemTime> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let up = Duration::new(boot.tv_sec.try_into().ok()?, boot.tv_nsec.try_into().ok()?);
    SystemTime::now().checked_sub(up.checked_sub(since_boot(&stat)?)?)
}

/// Field 22 of `/proc/PID/stat`, in ticks, of which Linux shows a hundred a second on every architecture we run on
/// (`USER_HZ`). The name before it may hold spaces and brackets.
fn since_boot(stat: &str) -> Option<Duration> {
    let ticks: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    Some(Duration::from_millis(ticks.checked_mul(10)?))
}

/// All processes that have a command line, by pid.
pub(crate) fn processes() -> Vec<Process> {
    let own = fs::read_link("/proc/self/ns/mnt").ok();
    let mut found: Vec<Process> = pids()
        .into_iter()
        .filter_map(|pid| process(pid, own.as_deref()))
        .filter(|p| !p.is_zombie())
        .collect();
    found.sort_by_key(|p| p.pid);
    found
}

/// One process; none if it is gone.
pub(crate) fn by_pid(pid: u32) -> Option<Process> {
    process(pid, fs::read_link("/proc/self/ns/mnt").ok().as_deref())
}

/// The ids of all processes.
pub(super) fn pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect()
}

fn process(pid: u32, own_mounts: Option<&Path>) -> Option<Process> {
    let dir = Path::new("/proc").join(pid.to_string());
    let command = fs::read(dir.join("cmdline")).ok()?;
    // A thread of the kernel, or a process that has ended.
    if command.is_empty() {
        return None;
    }
    let words = command.split(|b| *b == 0).map(|w| String::from_utf8_lossy(w).into_owned());
    let mut command: Vec<String> = words.collect();
    while command.last().is_some_and(String::is_empty) {
        command.pop();
    }
    let theirs = fs::read_link(dir.join("ns/mnt")).ok();
    Some(Process {
        pid,
        name: fs::read_to_string(dir.join("comm")).unwrap_or_default().trim().to_owned(),
        command,
        unit: fs::read_to_string(dir.join("cgroup")).ok().and_then(|text| unit(&text)),
        on_host: theirs.as_deref().is_none_or(|ns| own_mounts.is_none_or(|own| own == ns)),
    })
}

/// The innermost `.service` of `/proc/PID/cgroup`.
fn unit(cgroup: &str) -> Option<String> {
    cgroup.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        path.rsplit('/').find(|part| part.ends_with(".service")).map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &[&str]) -> Process {
        Process { command: command.iter().map(|w| (*w).to_owned()).collect(), ..Process::default() }
    }

    #[test]
    fn flags_are_found_in_both_forms() {
        let p = of(&["/usr/bin/containerd", "-c", "/a.toml", "--state=/s"]);
        assert_eq!((p.flag("c"), p.flag("state"), p.flag("config")), (Some("/a.toml"), Some("/s"), None));
        assert!(p.is("containerd") && !p.is("containerd-shim"));
    }

    #[test]
    fn unit_is_the_innermost_service() {
        assert_eq!(unit("0::/system.slice/nginx.service\n").as_deref(), Some("nginx.service"));
        let v1 = "4:memory:/\n1:name=systemd:/user.slice/user-0.slice/user@0.service/app.slice/x.service\n";
        assert_eq!(unit(v1).as_deref(), Some("x.service"));
        assert_eq!(unit("0::/init.scope\n"), None);
    }

    #[test]
    fn own_process_is_listed() {
        let me = processes().into_iter().find(|p| p.pid == std::process::id()).unwrap();
        assert!(me.on_host && me.command_line().contains("kubestrap"), "{me:?}");
    }

    #[test]
    fn start_time_is_before_that_of_a_child() {
        let mut child = std::process::Command::new("sleep").arg("10").spawn().unwrap();
        let (own, theirs) = (started(std::process::id()).unwrap(), started(child.id()).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(own <= theirs && theirs.elapsed().unwrap() < Duration::from_secs(5));
        let stat = "1 (a) b) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 250 9 9";
        assert_eq!(since_boot(stat), Some(Duration::from_millis(2500)));
    }

    #[test]
    fn long_command_lines_are_truncated_between_characters() {
        let line = of(&[&"é".repeat(500)]).command_line();
        assert_eq!(line.chars().count(), 121);
    }
}
