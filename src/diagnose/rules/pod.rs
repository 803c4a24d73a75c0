//! Why a component's Pod does not start: what kubelet logged about it.

use super::{ALL, rule};
use crate::diagnose::look::Look;
use crate::diagnose::rule::{Rule, Source};
use crate::health::Stage;

const UNTIL_SANDBOX: Source = Source::Pod(Stage::Sandbox);
const UNTIL_RUNNING: Source = Source::Pod(Stage::Running);
const UNTIL_HEALTHY: Source = Source::Pod(Stage::Healthy);

const PROGRAM_MISSING: &str = r#"exec: "?(?<program>[^\s":]+)"?: (?:stat \S+: no such file or directory|executable file not found in \$PATH)"#;
const PROGRAM_IS_MISSING: [&str; 3] = [
    "the image of {component} does not hold the program {program}",
    "the container's command names a program that is not in its image: a custom image, or a patch",
    "see the image and command in {manifest}, fix what they come from, then run again",
];
const WRONG_ARCHITECTURE: [&str; 3] = [
    "the program in the image of {component} is for another kind of processor (exec format error)",
    "the image was pulled or imported for another architecture than this machine's (`uname -m`)",
    "remove the image and pull the right one: `crictl rmi IMAGE`, then run again",
];

const IMAGE_PULL: [&str; 3] = [
    "the image {image} of {component} is not here and can't be pulled",
    "the registry can't be reached, does not have it, or wants credentials: {why}",
    "`kubestrap config images pull` with the same configuration reproduces it; without a registry, `kubestrap config images import FILE`; then run again",
];

pub(super) const RULES: &[Rule] = &[
    rule(
        "BadManifest",
        UNTIL_SANDBOX,
        r#"Could not process manifest file" err="(?<why>.*?)" path="#,
        [
            "kubelet can't use {manifest}: {why}",
            "the manifest is not a Pod that this kubelet accepts; patches and extra flags change what init writes",
            "fix the patch or the configuration that it comes from, then run again",
        ],
    ),
    rule(
        "PodTooLarge",
        UNTIL_SANDBOX,
        r#"(?i)fail(?:ed to)? admit pod.*\[\(res: (?<res>\w+), q: (?<short>\d+)\)|OutOf(?<what>cpu|memory|ephemeral-storage)"#,
        [
            "kubelet refuses to run {component}: it requests more {res}{what} than this machine has left",
            "a patch sets the Pod's requests, other Pods use the room, or kubelet's systemReserved and kubeReserved leave too little (missing: {short})",
            "lower what takes the {res}{what}: `resources.requests` of {component} in the patch, or systemReserved and kubeReserved in the KubeletConfiguration; or give the machine more; then run again",
        ],
    ),
    rule(
        "PodRefused",
        UNTIL_SANDBOX,
        r#"Failed to admit pod.*(?:message|err)="(?<why>.*?)"?$"#,
        [
            "kubelet refuses to run {component}: {why}",
            "the node can't take the Pod as it is: too little room, another Pod on its ports, or a node selector",
            "fix what it names, then run again",
        ],
    ),
    rule(
        "HostPath",
        UNTIL_RUNNING,
        r#"hostPath type check failed: (?<path>\S+) is not an? (?<kind>[\w ]+?)(?:"|$)"#,
        [
            "{component} can't start: {path}, which it mounts, is not a {kind} on this machine",
            "a volume of its Pod (extraVolumes, or a patch) names a path that is not there, or is something else",
            "put it there, or correct `pathType` and `hostPath`; then run again",
        ],
    ),
    rule(
        "VolumeFails",
        UNTIL_RUNNING,
        r#"MountVolume\.SetUp failed for volume "(?<volume>[^"]+)".*?(?: : |\): )(?<why>.*?)"?$"#,
        [
            "{component} can't start: its volume {volume} can't be mounted: {why}",
            "a volume of its Pod can't be set up",
            "fix extraVolumes or the patch, then run again",
        ],
    )
    .persisting(),
    rule(
        "SandboxImage",
        UNTIL_SANDBOX,
        r#"failed to (?:get|pull) sandbox image "?(?<image>[^\s":]+[^\s"]*)"?"#,
        [
            "no Pod can start: the runtime's sandbox image {image} is not here and can't be pulled",
            "every Pod begins with a sandbox made of this image, which the runtime's configuration names",
            "`crictl --runtime-endpoint {socket} pull {image}`, or bring it with `kubestrap config images import FILE`; or name another as {sandbox_image} in {runtime_config} and restart {runtime}",
        ],
    )
    .persisting(),
    rule(
        "RuncMissing",
        UNTIL_HEALTHY,
        r#"(?:exec: \\*"(?<program>runc|crun|containerd-shim-runc-v2)\\*": executable file not found|fork/exec (?<path>\S*(?:runc|crun|shim)\S*): (?<why>[^"]*))"#,
        [
            "no container can start: the runtime does not find {program}{path}",
            "the OCI runtime, or containerd's shim, is not installed or not executable",
            "install it (`apt-get install runc` or `crun`), then `systemctl restart {runtime}`",
        ],
    ),
    rule(
        "ResolvConf",
        Source::Node,
        r#"(?:sandbox|resolv).*open (?<path>/\S*resolv\S*\.conf): no such file"#,
        [
            "no Pod can start: {path}, which kubelet's resolvConf names, is not there",
            "kubelet copies it into every Pod; systemd-resolved creates the one in /run, where it runs",
            "set `resolvConf: /etc/resolv.conf` in a KubeletConfiguration, or start systemd-resolved; then run again",
        ],
    )
    .persisting(),
    rule(
        "SandboxFails",
        UNTIL_SANDBOX,
        r#"(?:Failed to create sandbox for pod|CreatePodSandbox for pod failed|RunPodSandbox from runtime service failed)" err="(?:rpc error: code = \w+ desc = )?(?<why>.*?)"? (?:pod|podSandbox)"#,
        [
            "no sandbox can be started for {component}: {why}",
            "the container runtime fails before Kubernetes' own programs come into play",
            "`journalctl -u {runtime} -n 50` says more; fix the runtime, then run again",
        ],
    )
    .persisting(),
    // A registry that says no, or that is not there, will not be otherwise in a moment.
    rule(
        "ImagePull",
        UNTIL_RUNNING,
        r#"(?:ErrImagePull|ImagePullBackOff|ErrImageNeverPull|InvalidImageName): .*?(?:pulling image|unpack image|resolve image|Container image|initializing source) "?(?:docker://)?(?<image>[^\s":]+:[^\s"]+?)"?[ :](?<why>.*?(?:not found|no such host|server misbehaving|connection refused|no route to host|unauthorized|denied|forbidden|Never).*?)"?$"#,
        IMAGE_PULL,
    ),
    rule("ImagePull", UNTIL_RUNNING, r#"(?:ErrImagePull|ImagePullBackOff|ErrImageNeverPull|InvalidImageName|ImageInspectError): .*?(?:pulling image|unpack image|resolve image|Container image|initializing source) "?(?:docker://)?(?<image>[^\s":]+:[^\s"]+?)"?[ :](?<why>.*?)"?$"#, IMAGE_PULL).persisting(),
    rule("ProgramMissing", Source::Exit, PROGRAM_MISSING, PROGRAM_IS_MISSING),
    rule("WrongArchitecture", Source::Ended(ALL), r"exec format error", WRONG_ARCHITECTURE),
    rule("WrongArchitecture", Source::Exit, r"exec format error", WRONG_ARCHITECTURE),
    rule("ProgramMissing", UNTIL_HEALTHY, PROGRAM_MISSING, PROGRAM_IS_MISSING),
    rule("WrongArchitecture", UNTIL_HEALTHY, r"exec format error", WRONG_ARCHITECTURE),
    rule(
        "OomScore",
        UNTIL_HEALTHY,
        r"oom_score_adj.{0,4}: (?i:permission denied)",
        [
            "no container can start: the runtime may not lower a process's OOM score (oom_score_adj)",
            "it lacks CAP_SYS_RESOURCE, as machines that are containers do",
            "give this machine CAP_SYS_RESOURCE; containerd can do without it: `restrict_oom_score_adj = true` in its CRI runtime configuration",
        ],
    ),
    rule(
        "OciRuntimeTooOld",
        UNTIL_HEALTHY,
        r"container create failed: unknown version specified",
        [
            "no container can start: crun is too old for this container runtime",
            "crun refuses the version of the OCI specification by which the runtime describes containers",
            "update crun (1.21 works with CRI-O 1.36, 1.8.1 does not), or set `default_runtime = \"runc\"` of `[crio.runtime]` in {runtime_config} and restart {runtime}",
        ],
    ),
    rule(
        "ContainerFails",
        UNTIL_HEALTHY,
        r#"(?:RunContainerError|CreateContainerError|CreateContainerConfigError|StartError): "?(?<why>.*?)"?(?:, failed to|\]?" pod=|$)"#,
        [
            "the container of {component} can't be started: {why}",
            "the runtime refuses it, before its program runs",
            "see {manifest}, fix the configuration or patch that it comes from, then run again",
        ],
    )
    .persisting(),
    rule(
        "OutOfMemory",
        Source::Exit,
        r"OOMKilled",
        [
            "{component} was killed: out of memory",
            "its memory limit is too small, or the machine has too little memory",
            "raise `resources.limits.memory` in the patch that sets it, or give the machine more memory (at least 2 GB); then run again",
        ],
    )
    .look(Look::Memory),
    rule(
        "ProbeFails",
        UNTIL_HEALTHY,
        r#"containerMessage="Container \S+ failed (?<probe>liveness|startup) probe, will be restarted|(?<kind>Liveness|Startup) probe failed"#,
        [
            "kubelet restarts {component} because its {probe}{kind} probe fails",
            "the probe asks at an address, port or path where the component does not answer",
            "compare the probe in {manifest} with the component's flags; fix the patch or flags, then run again",
        ],
    )
    .persisting(),
];
