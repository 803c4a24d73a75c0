//! Programs that kubelet needs.

use crate::finding::Finding;
use crate::host::machine::Machine;

/// kubeadm's list, and the Debian and Fedora packages that have them.
pub(crate) const PROGRAMS: [(&str, &str); 3] =
    [("losetup", "util-linux"), ("mount", "util-linux"), ("cp", "coreutils")];

pub(crate) fn check(machine: &dyn Machine, program: &str, package: &str) -> Vec<Finding> {
    if machine.program(program).is_some() {
        return vec![];
    }
    // Debian keeps this one apart.
    let debian = if program == "mount" { "mount" } else { package };
    vec![
        Finding::error(format!("the program `{program}` is not in PATH"))
            .cause("kubelet needs it to mount volumes and to copy files")
            .fix(format!("`apt-get install {debian}` or `dnf install {package}`")),
    ]
}

#[cfg(test)]
mod tests {
    use crate::preflight::fake::{FakeMachine, settings};

    #[test]
    fn missing_program_is_named_with_its_package() {
        let machine = FakeMachine::with(|m| m.programs.retain(|p| p != "losetup"));
        assert!(machine.finding("FileExisting-losetup", &settings("")).fix.unwrap().contains("util-linux"));
        assert!(machine.check("FileExisting-mount", &settings("")).is_empty());
    }
}
