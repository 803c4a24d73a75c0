//! A real sandbox, started and removed: every Pod begins with one, and it fails first on a misconfigured runtime.

use super::containerd;
use super::sandbox_rules::RULES;
use crate::config::{NodeSettings, Settings};
use crate::finding::Finding;
use crate::host::cri::{CgroupDriver, CriCause, CriError, KnownRuntime};
use crate::host::machine::{Machine, RuntimeFacts, Said};

/// A slice that every machine under systemd has.
const SLICE: &str = "system.slice";

/// The image that the runtime makes sandboxes from, where it or its configuration tells.
fn image(node: &NodeSettings, machine: &dyn Machine, facts: &RuntimeFacts) -> Option<String> {
    let configured = || {
        let is_containerd = facts.version.name == "containerd";
        // The key of version 2 of its configuration, and that of version 3.
        let keys = ["sandbox_image", "sandbox"].into_iter().filter(|_| is_containerd);
        keys.filter_map(|key| containerd::setting(node, machine, key))
            .map(|(_, value)| value)
            .find(|v| v.contains('/'))
    };
    facts.status.sandbox_image().or_else(configured)
}

/// The sandbox image is there, or can be had.
pub(crate) fn check_image(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let Ok(facts) = machine.runtime() else { return vec![] };
    let Some(image) = image(&settings.node, machine, &facts) else { return vec![] };
    let ours = settings.pause_image();
    let known = KnownRuntime::of_socket(&settings.node.registration.cri_socket);
    if facts.holds(&image) {
        if image == ours {
            return vec![];
        }
        let what = format!(
            "the runtime's sandbox image is {image}, and Kubernetes {} uses {ours}",
            settings.cluster.version
        );
        return vec![Finding::info(what).cause("this works: sandboxes use the runtime's own")];
    }
    let Err(error) = machine.container_runtime().pull_once(&image) else { return vec![] };
    let fix = if facts.holds(&ours) {
        format!(
            "let the runtime take {ours}, which is here: {}, then restart the runtime",
            setting_for(&ours, settings, machine)
        )
    } else {
        format!(
            "bring it here: `crictl pull {image}`, or `kubestrap config images import FILE.tar`; or name another as {} in {}",
            known.sandbox_image, known.config
        )
    };
    vec![
        Finding::error(format!("the runtime's sandbox image {image} is missing and can't be pulled"))
            .evidence(words(&error))
            .cause("no Pod can start without it")
            .fix(fix),
    ]
}

/// How the runtime's configuration names the image; containerd's, in the form that it has.
fn setting_for(image: &str, settings: &Settings, machine: &dyn Machine) -> String {
    let known = KnownRuntime::of_socket(&settings.node.registration.cri_socket);
    match known.service {
        "containerd" => {}
        "crio" => return format!("`pause_image = \"{image}\"` below `[crio.image]` in {}", known.config),
        _ => return format!("{image} as {}", known.sandbox_image),
    }
    let found = ["sandbox", "sandbox_image"].into_iter().find_map(|key| {
        let (line, _) = containerd::setting(&settings.node, machine, key)?;
        Some(format!("`{key} = \"{image}\"` in line {} of {}", line.number, line.path))
    });
    let path = containerd::path(&settings.node, machine);
    found.unwrap_or_else(|| format!("`sandbox_image = \"{image}\"` in {path}"))
}

/// A sandbox starts, and goes away again.
pub(crate) fn check(node: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let Ok(facts) = machine.runtime() else { return vec![] };
    if facts.status.runtime_ready().is_some_and(|c| !c.status) {
        return vec![];
    }
    // With systemd as driver a slice must be named; what the driver is, not every runtime tells.
    let parents: &[&str] = match facts.cgroup_driver {
        Ok(Some(CgroupDriver::Systemd)) => &[SLICE],
        Ok(Some(CgroupDriver::Cgroupfs)) => &[""],
        Ok(None) | Err(_) => &["", SLICE],
    };
    let mut error = None;
    for parent in parents {
        match machine.container_runtime().start_sandbox(parent) {
            Ok(()) => return vec![],
            Err(e) => {
                let slice = words(&e).to_lowercase().contains("slice");
                error = Some(e);
                if !slice {
                    break;
                }
            }
        }
    }
    let Some(error) = error else { return vec![] };
    let known = KnownRuntime::of_socket(&node.registration.cri_socket);
    let said = words(&error);
    let rule = RULES.iter().find(|rule| rule.fits(&said));
    // That is what SandboxImage tells, with its name.
    if rule.is_some_and(|r| r.about_image) && image(node, machine, &facts).is_some_and(|i| !facts.holds(&i)) {
        return vec![];
    }
    let finding = match error.call {
        "StopPodSandbox" | "RemovePodSandbox" => {
            Finding::warning("the container runtime can't remove a sandbox that it started")
        }
        _ => Finding::error("the container runtime can't start a sandbox, so no Pod can run"),
    };
    let mut finding = finding.evidence(format!("{}: {said}", error.call));
    if said.contains("runc did not terminate successfully") {
        // Its words are lost on the way: it can be asked itself.
        let own = match machine.run("runc", &["--version"]) {
            Ok(Said { success: true, .. }) => None,
            Ok(said) => said.stderr.trim().lines().last().map(str::to_owned),
            Err(error) => Some(error),
        };
        finding = finding.evidences(own.map(|own| format!("`runc --version`: {own}")));
    }
    vec![match rule {
        Some(rule) => finding.cause(rule.cause).fix(rule.fix_for(known)),
        None => finding.fix(format!("`journalctl -u {} -n 50` shows more", known.service)),
    }]
}

/// The runtime's own words, without the socket and the call before them.
fn words(error: &CriError) -> String {
    match &error.cause {
        CriCause::Rpc { message, .. } => message.clone(),
        cause => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, cri_error, image, settings};
    use tonic::Code;

    fn refused(call: &'static str, message: &str) -> CriError {
        cri_error(call, CriCause::Rpc { code: Code::Unknown, message: message.into() })
    }

    fn failing(message: &str) -> FakeMachine {
        FakeMachine::with(|m| {
            m.sandbox.insert(SLICE.into(), refused("RunPodSandbox", message));
        })
    }

    #[test]
    fn runtime_errors_are_quoted_and_explained() {
        let s = settings("");
        for (message, cause) in [
            (
                "failed to start sandbox \"x\": failed to get sandbox image \"r/pause:3.8\": not found",
                "pause",
            ),
            (
                "failed to create containerd task: runc create failed: unable to start container process: can't set oom_score_adj: permission denied",
                "CAP_SYS_RESOURCE",
            ),
            (
                "OCI runtime create failed: runc create failed: unable to start container process: can't get final child's PID from pipe: EOF",
                "CAP_SYS_RESOURCE",
            ),
            (
                "runc create failed: systemd not running on this host, cannot use systemd cgroups manager",
                "systemd cgroup driver",
            ),
            ("exec: \"runc\": executable file not found in $PATH", "runc"),
            ("write /x: no space left on device", "full"),
            // CRI-O 1.36.3's.
            ("container create failed: unknown version specified\n", "too old"),
            (
                "container create failed: write to `/proc/self/oom_score_adj`: Permission denied\n",
                "CAP_SYS_RESOURCE",
            ),
            ("fork/exec /usr/bin/conmon: no such file or directory", "conmon"),
            (
                "failed to pin namespaces [0x138c2f262600 0x138c2f262630]:  fork/exec /usr/bin/pinns: no such file or directory",
                "pinns",
            ),
            ("exit status 1", "missing or damaged"),
            (
                "container create failed: crun: error while loading shared libraries: libyajl.so.2: cannot open shared object file\n",
                "libraries",
            ),
            (
                "failed to add conmon to systemd sandbox cgroup: start transient unit \"crio-conmon-a5454f5a.scope\": dial unix /run/systemd/private: connect: no such file or directory",
                "systemd cgroup driver",
            ),
            (
                "container create failed: cgroups in hybrid mode not supported, drop all controllers from cgroupv2\n",
                "side by side",
            ),
            (
                "creating pod sandbox with name \"k8s_kubestrap-preflight_default_675-1795892747127427482_0\": no space left on device",
                "full",
            ),
            ("expected cgroupsPath to be of format \"slice:prefix:name\"", "drivers"),
            ("failed to mount rootfs component: invalid argument", "snapshotter"),
        ] {
            let found = failing(message).finding("Sandbox", &s);
            assert_eq!(found.severity, Severity::Error);
            assert!(found.evidence[0].contains(message) && found.cause.unwrap().contains(cause), "{message}");
        }
        let found = failing("something new").finding("Sandbox", &s);
        assert!(found.cause.is_none() && found.fix.is_some());
    }

    #[test]
    fn advice_names_the_runtime_s_own_settings() {
        let s = settings(
            "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nnodeRegistration: {criSocket: 'unix:///var/run/crio/crio.sock'}\n",
        );
        let machine = failing(
            "start transient unit \"crio-conmon-1.scope\": dial unix /run/systemd/private: connect: no such file or directory",
        );
        let fix = machine.finding("Sandbox", &s).fix.unwrap();
        assert!(
            fix.contains("`cgroup_manager = \"cgroupfs\"`") && fix.contains("/etc/crio/crio.conf.d"),
            "{fix}"
        );
        let fix = failing("something new").finding("Sandbox", &s).fix.unwrap();
        assert_eq!(fix, "`journalctl -u crio -n 50` shows more");
    }

    #[test]
    fn unreported_cgroup_driver_is_tried_both_ways() {
        let mut machine = FakeMachine::with(|m| {
            m.runtime.as_mut().unwrap().cgroup_driver = Ok(None);
            m.sandbox
                .insert(String::new(), refused("RunPodSandbox", "got \"/x\" instead of slice:prefix:name"));
        });
        assert!(machine.check("Sandbox", &settings("")).is_empty());
        machine.sandbox.insert(SLICE.into(), refused("RunPodSandbox", "no slice"));
        machine.finding("Sandbox", &settings(""));
    }

    #[test]
    fn sandbox_that_cannot_be_removed_is_a_warning() {
        let machine = FakeMachine::with(|m| {
            m.sandbox.insert(SLICE.into(), refused("RemovePodSandbox", "busy"));
        });
        assert_eq!(machine.finding("Sandbox", &settings("")).severity, Severity::Warning);
    }

    #[test]
    fn sandbox_image_that_cannot_be_pulled_is_reported_once() {
        let s = settings("");
        let mut machine = failing("failed to get sandbox image \"r/pause:3.8\": failed to pull image");
        machine.file("/etc/containerd/config.toml", "[x]\n  sandbox_image = \"r/pause:3.8\"\n");
        machine.pull = Err(refused("PullImage", "dial tcp: lookup r: no such host"));
        let found = machine.finding("SandboxImage", &s);
        assert_eq!(found.severity, Severity::Error);
        assert!(found.evidence[0].contains("no such host"));
        assert!(
            found
                .fix
                .unwrap()
                .contains("`sandbox_image = \"registry.k8s.io/pause:3.10.2\"` in line 2 of /etc")
        );
        assert!(machine.check("Sandbox", &s).is_empty(), "SandboxImage tells it");
        machine.pull = Ok(());
        assert!(machine.check("SandboxImage", &s).is_empty());
        machine.runtime.as_mut().unwrap().images.push(image("r/pause:3.8", true));
        assert_eq!(machine.finding("SandboxImage", &s).severity, Severity::Info);
        assert!(FakeMachine::healthy().check("SandboxImage", &s).is_empty());
    }
}
