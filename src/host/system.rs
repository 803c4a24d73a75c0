//! The machine's processors, memory, swap, kernel and cgroups.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

/// A swap area in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SwapArea {
    /// The device or file.
    pub path: PathBuf,
    /// `partition` or `file`.
    pub kind: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The cgroup controllers of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cgroups {
    /// 1 or 2; a hybrid is 1, as for kubelet. 0 where nothing is mounted.
    pub version: u8,
    /// The controllers that are enabled.
    pub controllers: Vec<String>,
}

/// How the kernel was configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KernelConfig {
    /// Its file.
    pub path: PathBuf,
    /// Options without `CONFIG_`, and their values: mostly `y` or `m`.
    pub options: BTreeMap<String, String>,
}

/// The operating system and the processor's kind as Go and container images name them, such as `linux/amd64`.
pub(crate) fn platform() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{}/{architecture}", std::env::consts::OS)
}

/// How many processors we may run on (as Go's `NumCPU`, which kubeadm asks).
pub(crate) fn cpus() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    allowed_cpus(&status).unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn allowed_cpus(status: &str) -> Option<usize> {
    let mask = status.lines().find_map(|l| l.strip_prefix("Cpus_allowed:"))?;
    let ones = mask.chars().filter_map(|c| c.to_digit(16)).map(|d| d.count_ones() as usize).sum();
    (ones > 0).then_some(ones)
}

/// When the machine was booted, in nanoseconds since 1970 (`btime` of proc_stat(5)), by its present clock.
pub(crate) fn booted_at_ns() -> Option<i64> {
    parse_boot_time(&fs::read_to_string("/proc/stat").ok()?)
}

fn parse_boot_time(stat: &str) -> Option<i64> {
    let seconds: i64 = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    seconds.checked_mul(1_000_000_000)
}

/// Bytes of memory.
pub(crate) fn memory() -> u64 {
    let info = rustix::system::sysinfo();
    // The fields' type is that of C's `unsigned long`.
    #[allow(clippy::useless_conversion)]
    u64::from(info.totalram).saturating_mul(u64::from(info.mem_unit))
}

/// Swap areas in use.
///
/// # Errors
/// What the system says.
pub(crate) fn swaps() -> io::Result<Vec<SwapArea>> {
    match fs::read_to_string("/proc/swaps") {
        Ok(table) => Ok(parse_swaps(&table)),
        // A kernel without swap.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(vec![]),
        Err(error) => Err(error),
    }
}

fn parse_swaps(table: &str) -> Vec<SwapArea> {
    let line = |line: &str| {
        let mut f = line.split_whitespace();
        let (path, kind) = (f.next()?, f.next()?);
        // proc(5): blanks in names are written `\040`.
        let path = path.replace("\\040", " ").into();
        let kib: u64 = f.next().and_then(|n| n.parse().ok()).unwrap_or_default();
        Some(SwapArea { path, kind: kind.to_owned(), bytes: kib * 1024 })
    };
    table.lines().skip(1).filter_map(line).collect()
}

/// The kernel's release, such as `6.12.48+deb13-amd64`.
pub(crate) fn kernel_release() -> String {
    rustix::system::uname().release().to_string_lossy().into_owned()
}

/// The kernel's configuration, from the first place that has it, of those kubeadm looks at.
pub(crate) fn kernel_config() -> Option<KernelConfig> {
    let release = kernel_release();
    let plain = [
        format!("/boot/config-{release}"),
        format!("/usr/src/linux-{release}/.config"),
        "/usr/src/linux/.config".to_owned(),
        format!("/usr/lib/modules/{release}/config"),
        format!("/usr/lib/ostree-boot/config-{release}"),
        format!("/usr/lib/kernel/config-{release}"),
        format!("/usr/src/linux-headers-{release}/.config"),
        format!("/lib/modules/{release}/build/.config"),
    ];
    let packed = Path::new("/proc/config.gz");
    if let Ok(file) = fs::File::open(packed) {
        let mut text = vec![];
        // If it can't be unpacked completely, the other places are tried.
        if GzDecoder::new(file).read_to_end(&mut text).is_ok() {
            return Some(KernelConfig {
                path: packed.to_owned(),
                options: parse_config(&String::from_utf8_lossy(&text)),
            });
        }
    }
    plain.into_iter().find_map(|path| {
        let text = fs::read_to_string(&path).ok()?;
        Some(KernelConfig { path: path.into(), options: parse_config(&text) })
    })
}

fn parse_config(text: &str) -> BTreeMap<String, String> {
    let line = |line: &str| {
        let (name, value) = line.trim().strip_prefix("CONFIG_")?.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// The cgroups of the machine. Version 2 is what has a cgroup2 file system at `/sys/fs/cgroup` itself.
///
/// # Errors
/// What the system says.
pub(crate) fn cgroups() -> io::Result<Cgroups> {
    /// statfs(2)'s magic number of cgroup2.
    const CGROUP2_SUPER_MAGIC: i64 = 0x6367_7270;
    let root = Path::new("/sys/fs/cgroup");
    // The field's type depends on the architecture.
    #[allow(clippy::useless_conversion)]
    let magic = rustix::fs::statfs(root).ok().and_then(|s| i64::try_from(s.f_type).ok());
    if magic == Some(CGROUP2_SUPER_MAGIC) {
        let text = fs::read_to_string(root.join("cgroup.controllers"))?;
        let mut controllers: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        // In version 2 these two are no controllers: devices go by BPF, every cgroup can be frozen.
        controllers.extend(["devices".to_owned(), "freezer".to_owned()]);
        return Ok(Cgroups { version: 2, controllers });
    }
    let controllers = match fs::read_to_string("/proc/cgroups") {
        Ok(table) => parse_cgroups(&table),
        // A kernel without cgroup v1.
        Err(error) if error.kind() == io::ErrorKind::NotFound => vec![],
        Err(error) => return Err(error),
    };
    Ok(Cgroups { version: u8::from(root.exists() && !controllers.is_empty()), controllers })
}

/// The enabled ones of `/proc/cgroups`.
fn parse_cgroups(table: &str) -> Vec<String> {
    let line = |line: &str| {
        let f: Vec<&str> = line.split_whitespace().collect();
        (*f.get(3)? == "1").then(|| f.first().map(|n| (*n).to_owned()))?
    };
    table.lines().filter(|l| !l.starts_with('#')).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_tables_are_parsed() {
        assert_eq!(allowed_cpus("Name:\tx\nCpus_allowed:\tff,00000003\nCpus_allowed_list:\t0\n"), Some(10));
        assert_eq!(allowed_cpus("Name:\tx\n"), None);
        assert_eq!(
            parse_boot_time("cpu 1 2\nbtime 1764383200\nprocesses 9\n"),
            Some(1_764_383_200_000_000_000)
        );
        assert_eq!(parse_boot_time("cpu 1 2\n"), None);
        let swaps = parse_swaps(
            "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/swap\\040file   file\t\t2097148\t\t0\t\t-2\n",
        );
        let want = SwapArea { path: "/swap file".into(), kind: "file".into(), bytes: 2_147_479_552 };
        assert_eq!(swaps, [want]);
        let cgroups =
            parse_cgroups("#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t5\t1\nmemory\t0\t1\t0\n");
        assert_eq!(cgroups, ["cpu"]);
        let config = parse_config("# CONFIG_A is not set\nCONFIG_NET_NS=y\nCONFIG_OVERLAY_FS=m\n");
        assert_eq!(config.get("OVERLAY_FS").map(String::as_str), Some("m"));
        assert!(!config.contains_key("A"));
    }
}
