//! What the components say about their configuration, before they run: names, kinds and values of flags,
//! KubeletConfiguration, KubeProxyConfiguration, feature gates, and the static Pods as a whole.
//!
//! Pure: settings in, [`Verdict`]s out. `config validate` reports them with file, line and column; preflight reports the
//! same under names that can be ignored. Rules are rows, or short functions beside the name of the source they follow; an
//! error is only what the real component refuses.

mod command;
mod contradictions;
mod files;
mod gates;
mod gone;
mod kind;
mod kube_proxy;
mod kubelet;
mod pod;
mod ports;
mod program;
mod rule;
mod rules;
mod verdict;

use k8s_openapi::api::core::v1::{EnvVar, Pod, Taint};

use crate::config::Settings;
use crate::config::kube_proxy::KubeProxyConfiguration;
use crate::config::kubelet::KubeletConfiguration;
use crate::config::v1beta4::{
    Arg, ClusterConfiguration, ControlPlaneComponent, HostPathMount, NodeRegistrationOptions,
};
use crate::manifest::{self, Component, PkiFacts};
use command::Command;
pub(crate) use files::{ApiServerFiles, Row as FileRow};
use program::{Known, Program};
use rule::Judge;
pub(crate) use verdict::Verdict;

/// How a node registers, in one kind of document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registration<'a> {
    /// The kind.
    pub(crate) kind: &'static str,
    /// kubelet's flags.
    pub(crate) kubelet_args: &'a [Arg],
    /// The node's taints.
    pub(crate) taints: &'a [Taint],
}

impl Registration<'_> {
    /// Whether it is the node whose control plane the configuration describes.
    fn is_of_this_node(&self) -> bool {
        self.kind == "InitConfiguration"
    }
}

/// What is judged.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    /// The cluster.
    pub(crate) cluster: &'a ClusterConfiguration,
    /// The nodes.
    pub(crate) registrations: Vec<Registration<'a>>,
    /// kubelet's configuration.
    pub(crate) kubelet: Option<&'a KubeletConfiguration>,
    /// kube-proxy's configuration.
    pub(crate) kube_proxy: Option<&'a KubeProxyConfiguration>,
    /// The minor of the components.
    pub(crate) minor: u64,
    /// Their patch, where the whole version is known.
    pub(crate) patch: Option<u64>,
    /// The minor of kubelet.
    pub(crate) kubelet_minor: u64,
    /// The tag of etcd's image.
    pub(crate) etcd_tag: String,
    /// The static Pods with the user's flags and patches; without them the user's flags alone are judged.
    pub(crate) pods: Vec<(Component, Pod)>,
    /// Whether the address to advertise is only a stand-in for a machine's.
    pub(crate) made_up_address: bool,
    /// The same of the node's name.
    pub(crate) made_up_name: bool,
}

impl<'a> Subject<'a> {
    /// The settings of a node, with its static Pods.
    pub(crate) fn of(settings: &'a Settings) -> Self {
        let cluster = &settings.cluster;
        let external = cluster.config.etcd.external.is_some();
        let wanted = Component::ALL.into_iter().filter(|c| *c != Component::Etcd || !external);
        let pods = wanted.filter_map(|component| {
            Some((component, manifest::render(component, settings, PkiFacts::default()).ok()?))
        });
        Self {
            cluster: &cluster.config,
            registrations: vec![Registration {
                kind: "InitConfiguration",
                kubelet_args: &settings.node.registration.kubelet_extra_args,
                taints: settings.node.registration.taints.as_deref().unwrap_or_default(),
            }],
            kubelet: cluster.kubelet.as_ref(),
            kube_proxy: cluster.kube_proxy.as_ref(),
            minor: cluster.version.minor(),
            patch: Some(cluster.version.patch()),
            kubelet_minor: cluster.version.minor(),
            etcd_tag: settings.etcd_tag(),
            pods: pods.collect(),
            made_up_address: false,
            made_up_name: false,
        }
    }

    /// A configuration that no settings could be made of: flags and the kubelet's part alone.
    pub(crate) fn without_pods(
        cluster: &'a ClusterConfiguration,
        registration: &'a NodeRegistrationOptions,
        minor: u64,
    ) -> Self {
        let tag = cluster.etcd.local.as_ref().map_or("", |local| &local.image_tag);
        Self {
            cluster,
            registrations: vec![Registration {
                kind: "InitConfiguration",
                kubelet_args: &registration.kubelet_extra_args,
                taints: registration.taints.as_deref().unwrap_or_default(),
            }],
            kubelet: None,
            kube_proxy: None,
            minor,
            patch: None,
            kubelet_minor: minor,
            etcd_tag: tag.to_owned(),
            pods: vec![],
            made_up_address: true,
            made_up_name: true,
        }
    }

    /// The user's flags of a component.
    pub(crate) fn args(&self, component: Component) -> &'a [Arg] {
        match component {
            Component::ApiServer => &self.cluster.api_server.extra_args,
            Component::ControllerManager => &self.cluster.controller_manager.extra_args,
            Component::Scheduler => &self.cluster.scheduler.extra_args,
            Component::Etcd => self.cluster.etcd.local.as_ref().map_or(&[], |local| &local.extra_args),
        }
    }

    /// Whether the lists of flags tell all that a component which Kubernetes ships would say of the user's flags when it
    /// parses them.
    pub(crate) fn knows_flags(&self, component: Component) -> bool {
        let (program, extra) = (Program::of(component), self.args(component));
        let minor = match component {
            Component::Etcd => rules::etcd::minor(&self.etcd_tag, self.minor),
            _ => Some(self.minor),
        };
        let Some(minor) = minor.filter(|_| RECORDED.contains(&self.minor)) else { return extra.is_empty() };
        // Which version it takes for its own, only the component knows.
        let is_known = |arg: &Arg| {
            let known = program.knows(&program.spelled(&arg.name), minor);
            matches!(known, Known::Yes(flag) if flag.kind != "version")
        };
        extra.iter().all(is_known)
    }

    /// Where the configuration has a component's flags.
    pub(crate) fn place_of_args(&self, component: Component) -> String {
        format!("{}.extraArgs", self.extra(component).0)
    }

    /// The volumes and environment that the user adds to a component's Pod, and their path.
    fn extra(&self, component: Component) -> (&'static str, &'a [HostPathMount], &'a [EnvVar]) {
        let of = |path, c: &'a ControlPlaneComponent| (path, &*c.extra_volumes, &*c.extra_envs);
        match component {
            Component::ApiServer => {
                let server = &self.cluster.api_server;
                ("apiServer", &server.extra_volumes, &server.extra_envs)
            }
            Component::ControllerManager => of("controllerManager", &self.cluster.controller_manager),
            Component::Scheduler => of("scheduler", &self.cluster.scheduler),
            Component::Etcd => {
                let envs = self.cluster.etcd.local.as_ref().map_or(&[][..], |local| &local.extra_envs);
                ("etcd.local", &[], envs)
            }
        }
    }
}

/// What a taint can do.
const TAINT_EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// The minors whose components are known.
const KNOWN: std::ops::RangeInclusive<u64> = 33..=37;

/// Those whose flags are recorded from the components themselves.
const RECORDED: std::ops::RangeInclusive<u64> = 33..=36;

/// Judges all of it; nothing of a minor that is not known.
pub(crate) fn judge(subject: &Subject<'_>) -> Vec<Verdict> {
    let mut verdicts = vec![];
    if !KNOWN.contains(&subject.minor) {
        return verdicts;
    }
    let mut commands = vec![];
    for component in Component::ALL {
        let extra = subject.args(component);
        let program = Program::of(component);
        let pod = subject.pods.iter().find(|(c, _)| *c == component).map(|(_, pod)| pod);
        let command = match pod {
            Some(pod) => Command::new(program, subject.minor, &command_line(pod), extra),
            None => Command::of_args(program, subject.minor, extra),
        };
        verdicts.extend(flags(&command, subject));
        if let Some(pod) = pod {
            verdicts.extend(static_pod(component, pod, subject));
            commands.push(command);
        }
    }
    let args = subject.registrations.iter().find(|registration| registration.is_of_this_node());
    let args = args.map_or(&[][..], |registration| registration.kubelet_args);
    let command = Command::of_args(Program::Kubelet, subject.kubelet_minor, args);
    let kubelet = kubelet::Kubelet::new(&command, subject.kubelet);
    verdicts.extend(ports::judge(subject, &commands, &kubelet));
    verdicts.extend(commands.iter().filter_map(|command| ports::probed(command, subject)));
    verdicts.extend(contradictions::judge(subject, &commands, &kubelet));
    for registration in &subject.registrations {
        let command = Command::of_args(Program::Kubelet, subject.kubelet_minor, registration.kubelet_args);
        let of_kind = |verdict: Verdict| Verdict { kind: registration.kind, ..verdict };
        // A JoinConfiguration alone does not tell the cluster's KubeletConfiguration.
        let known = registration.is_of_this_node();
        let configuration = subject.kubelet.filter(|_| known);
        let of_fields = kubelet::judge_flags(&command, configuration, known);
        verdicts.extend(flags(&command, subject).into_iter().chain(of_fields).map(of_kind));
        verdicts.extend(taints(registration));
    }
    if let Some(configuration) = subject.kubelet {
        verdicts.extend(kubelet::judge(configuration, subject.kubelet_minor));
    }
    if let Some(configuration) = subject.kube_proxy {
        verdicts.extend(kube_proxy::judge(configuration, subject.minor));
    }
    verdicts
}

/// kubelet's configuration with these flags, which win over it.
pub(crate) fn with_kubelet_flags(
    configuration: Option<&KubeletConfiguration>,
    args: &[Arg],
) -> KubeletConfiguration {
    let command = Command::of_args(Program::Kubelet, *KNOWN.end(), args);
    kubelet::Kubelet::new(&command, configuration).fields
}

/// Judges flags of kubelet that are in no configuration: each verdict with the place of its flag among them.
pub(crate) fn judge_kubelet_flags(args: &[Arg], minor: u64) -> Vec<(Option<usize>, Verdict)> {
    let command = Command::of_args(Program::Kubelet, minor, args);
    let mut judge = Judge::new(&command);
    of_kubelet(&mut judge);
    let index = |verdict: &Verdict| verdict.path.split('.').find_map(|step| step.parse().ok());
    judge.verdicts.into_iter().map(|verdict| (index(&verdict), verdict)).collect()
}

fn of_kubelet(judge: &mut Judge<'_>) {
    rule::names_and_kinds(judge, judge.command.minor, true);
    rule::words(judge, rules::common::WORDS);
    rule::ranges(judge, rules::kubelet::RANGES);
    rules::common::feature_gates(judge);
    rules::common::logging(judge);
    rules::common::http2(judge);
    rules::common::client(judge);
    rules::kubelet::rules(judge);
}

/// The flags of a Pod's first container.
fn command_line(pod: &Pod) -> Vec<String> {
    let container = pod.spec.as_ref().and_then(|spec| spec.containers.first());
    let words = container.map(|c| c.command.iter().flatten().skip(1).chain(c.args.iter().flatten()));
    words.into_iter().flatten().filter(|word| word.starts_with("--")).cloned().collect()
}

fn flags(command: &Command, subject: &Subject<'_>) -> Vec<Verdict> {
    let mut judge = Judge::new(command);
    if command.program == Program::Kubelet {
        of_kubelet(&mut judge);
        return judge.verdicts;
    }
    let etcd = command.program == Program::Etcd;
    let etcd_minor = rules::etcd::minor(&subject.etcd_tag, subject.minor);
    // An etcd of the user's, by a tag that does not tell its version, may have other flags.
    let minor = if etcd { etcd_minor } else { Some(command.minor) };
    rule::names_and_kinds(&mut judge, minor.unwrap_or(6), minor.is_some());
    let of_etcd =
        if etcd_minor == Some(5) { rules::etcd::WORDS_OF_3_5 } else { rules::etcd::WORDS_SINCE_3_6 };
    for words in [rules::common::WORDS, rules::apiserver::WORDS, rules::etcd::WORDS, of_etcd] {
        rule::words(&mut judge, words);
    }
    for ranges in [
        rules::common::RANGES,
        rules::apiserver::RANGES,
        rules::controller_manager::RANGES,
        rules::etcd::RANGES,
    ] {
        rule::ranges(&mut judge, ranges);
    }
    if !etcd {
        rules::common::feature_gates(&mut judge);
        rules::common::leader_election(&mut judge);
        rules::common::request_headers(&mut judge);
        rules::common::logging(&mut judge);
        rules::common::hidden_metrics(&mut judge);
        rules::common::http2(&mut judge);
        rules::common::emulation(&mut judge);
        rules::common::client(&mut judge);
        rules::common::serving_pair(&mut judge);
    }
    rule::version_and_help(&mut judge, subject.patch);
    match command.program {
        Program::ApiServer => {
            rules::apiserver::rules(&mut judge, subject.made_up_address);
            rules::admission::plugins(&mut judge);
            rules::runtime_config::groups(&mut judge);
            rules::oidc::flags(&mut judge);
        }
        Program::ControllerManager => rules::controller_manager::rules(&mut judge),
        Program::Etcd => {
            let data_dir = subject.cluster.etcd.local.as_ref().map_or("", |local| &local.data_dir);
            let data_dir = if data_dir.is_empty() { "/var/lib/etcd" } else { data_dir };
            if subject.etcd_tag.starts_with("3.7.") {
                rules::etcd::experimental_is_gone(&mut judge);
            }
            let made_up = subject.made_up_address || subject.made_up_name;
            rules::etcd::rules(&mut judge, &subject.etcd_tag, data_dir, made_up);
        }
        Program::Kubelet | Program::Scheduler => {}
    }
    judge.verdicts
}

fn static_pod(component: Component, pod: &Pod, subject: &Subject<'_>) -> Vec<Verdict> {
    let found = pod::judge(pod, subject.kubelet_minor).into_iter().map(|(path, why)| {
        let place = place_in_configuration(component, pod, &path, subject);
        let message = format!("{}'s Pod: {path}: {why}", component.name());
        Verdict::error("static-pod", "ClusterConfiguration", place, message)
            .under("StaticPods")
            .because("kubelet leaves such a manifest aside, with a line in its log")
    });
    found.collect()
}

/// Where in the configuration a part of a Pod comes from, as far as that can be told.
fn place_in_configuration(component: Component, pod: &Pod, path: &str, subject: &Subject<'_>) -> String {
    let (base, extra_volumes, extra_envs) = subject.extra(component);
    let steps: Vec<&str> = path.split('.').collect();
    let index = |at: usize| steps.get(at).and_then(|step| step.parse::<usize>().ok());
    let spec = pod.spec.as_ref();
    let container = spec.and_then(|spec| spec.containers.first());
    let volume = match steps.as_slice() {
        ["spec", "volumes", ..] => {
            spec.and_then(|s| s.volumes.as_ref()?.get(index(2)?)).map(|volume| volume.name.as_str())
        }
        ["spec", "containers", "0", "volumeMounts", ..] => {
            container.and_then(|c| c.volume_mounts.as_ref()?.get(index(4)?)).map(|mount| mount.name.as_str())
        }
        _ => None,
    };
    if let Some(at) = volume.and_then(|name| extra_volumes.iter().position(|v| v.name == name)) {
        let field = match steps.last() {
            Some(&"mountPath") => ".mountPath",
            Some(&"type") => ".pathType",
            Some(&"path") => ".hostPath",
            Some(&"name") => ".name",
            _ => "",
        };
        return format!("{base}.extraVolumes.{at}{field}");
    }
    if let ["spec", "containers", "0", "env", ..] = steps.as_slice() {
        let env = container.and_then(|c| c.env.as_ref()?.get(index(4)?));
        if let Some(at) = env.and_then(|env| extra_envs.iter().rposition(|e| e.name == env.name)) {
            return format!("{base}.extraEnvs.{at}");
        }
    }
    base.to_owned()
}

/// A Node's taints, by the API server's rules.
fn taints(registration: &Registration<'_>) -> Vec<Verdict> {
    let mut verdicts = vec![];
    for (i, taint) in registration.taints.iter().enumerate() {
        let path = format!("nodeRegistration.taints.{i}");
        let mut refuse = |field: &str, why: String| {
            let message = format!("{path}.{field}: {why}");
            let verdict = Verdict::error("taint", registration.kind, format!("{path}.{field}"), message);
            verdicts.push(verdict.under("Taints").because("the API server refuses such a Node"));
        };
        if !rules::kubelet::qualified(&taint.key) {
            refuse("key", format!("{:?} is not a valid key of a taint", taint.key));
        }
        if let Some(value) = taint.value.as_deref().filter(|v| !v.is_empty() && !rules::kubelet::name(v)) {
            refuse("value", format!("{value:?} is not a valid value of a taint"));
        }
        if !TAINT_EFFECTS.contains(&taint.effect.as_str()) {
            refuse("effect", format!("{:?} must be NoSchedule, PreferNoSchedule or NoExecute", taint.effect));
        }
    }
    verdicts
}

#[cfg(test)]
mod tests;
