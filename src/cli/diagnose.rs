//! `diagnose`: why the control plane of this machine is not healthy.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use serde_json::json;

use super::{Output, as_result, reach};
use crate::commands::configuration::read_input;
use crate::config::Overrides;
use crate::config::Settings;
use crate::diagnose::{Evidence, Place, diagnose, gather};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::{Finding, Severity};
use crate::health::{LiveWatch, Watch};
use crate::host::{self, FileMode, Host, RealHost};
use crate::kubeconfig::Kubeconfig;
use crate::output::{Format, Printer, finding_text};
use crate::phases::watched;
use crate::preflight::{self, Options, Subject};
use crate::workflow::machine;
use crate::yaml;

/// How far back kubelet's log counts.
const PAST: Duration = Duration::from_secs(3600);

#[derive(Args, Debug)]
#[command(
    after_help = "Exit code 0: all is healthy; 4: something is not, and what is known of it is told.\n\nExamples:\n  kubestrap diagnose\n  kubestrap diagnose --save evidence.yaml    (to send to somebody)\n  kubestrap diagnose --from evidence.yaml"
)]
pub(super) struct Diagnose {
    /// Configuration file that the control plane was made with (default: what lies on the machine)
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// The runtime's CRI socket (default: the one that kubelet uses)
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
    /// The Node's name (default: the one in kubelet.conf)
    #[arg(long, value_name = "NAME")]
    node_name: Option<String>,
    /// Keep what was seen in a file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Judge what was seen elsewhere, kept by --save; nothing of this machine is looked at
    #[arg(long, value_name = "FILE", conflicts_with_all = ["save", "config", "cri_socket", "node_name"])]
    from: Option<String>,
    /// How results are printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Diagnose {
    /// Looks, and tells.
    pub(super) fn run(&self) -> Result<(), Error> {
        let out = self.output.printer();
        let result = self.run_on(&out);
        as_result(&out, result)
    }

    fn run_on(&self, out: &Printer) -> Result<(), Error> {
        if let Some(file) = &self.from {
            let usage = |e| Error::new(ExitStatus::Usage, e);
            let text = read_input(file).map_err(usage)?;
            let evidence: Evidence = yaml::from_template(&text).map_err(|e| usage(format!("{file}: {e}")))?;
            let found = diagnose(&evidence, &Place::of_defaults(), None);
            return tell(&evidence, found.into_iter().map(|d| d.finding).collect(), out);
        }
        let host = RealHost::new();
        let settings = self.settings(&host, out)?;
        let mut watch = LiveWatch::default();
        watch.begin(&watched(&settings, &host)?).map_err(|e| Error::new(ExitStatus::Failed, e))?;
        let since = SystemTime::now().checked_sub(PAST).unwrap_or(SystemTime::UNIX_EPOCH);
        let evidence = gather(&watch.snapshot(), &host, since);
        if let Some(file) = &self.save {
            host.write(file, yaml::to_string(&evidence)?.as_bytes(), FileMode::SECRET)?;
            out.log("diagnose", format!("What was seen is in {}", file.display()));
        }
        let machine = machine(&settings)?;
        let found = diagnose(&evidence, &Place::of(&settings), Some(&*machine));
        let mut findings: Vec<Finding> = found.into_iter().map(|d| d.finding).collect();
        if !evidence.healthy() {
            // What would keep a new control plane from coming up may be what brought this one down.
            let report = preflight::run_checks(&Subject::init(&settings), machine, &Options::default());
            findings.extend(report.findings.into_iter().filter(|f| f.severity == Severity::Error));
        }
        tell(&evidence, findings, out)
    }

    /// What the machine itself says about its node, unless the user knows better.
    fn settings(&self, host: &RealHost, out: &Printer) -> Result<Settings, Error> {
        let mut loaded = reach::load(self.config.as_deref(), out)?;
        let registration = &mut loaded.init.node_registration;
        if let Some(socket) = self.cri_socket.clone().or_else(|| kubelet_socket(host)) {
            registration.cri_socket = socket;
        } else if registration.cri_socket.is_empty() {
            registration.cri_socket = host::gather().cri_sockets.first().cloned().unwrap_or_default();
        }
        let node_name = self.node_name.clone().or_else(|| node_of_kubelet(host));
        reach::resolve(loaded, &Overrides { node_name, ..Overrides::default() }, out)
    }
}

/// The name under which kubelet registers: that of its user in kubelet.conf.
fn node_of_kubelet(host: &dyn Host) -> Option<String> {
    let text = host.read(Path::new("/etc/kubernetes/kubelet.conf")).ok()??;
    let kubeconfig = Kubeconfig::parse(&String::from_utf8_lossy(&text)).ok()?;
    let user = &kubeconfig.contexts.first()?.context.user;
    user.strip_prefix("system:node:").map(str::to_owned)
}

/// The socket in kubelet's own configuration of this node, which kubeadm and kubestrap write since 1.35, or else in
/// its flags.
fn kubelet_socket(host: &dyn Host) -> Option<String> {
    let read = |path: &str| {
        let text = host.read(Path::new(path)).ok().flatten()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    };
    let instance = read("/var/lib/kubelet/instance-config.yaml").and_then(|text| {
        let value = yaml::parse_values(&text).ok()?.into_iter().next()?;
        value.get("containerRuntimeEndpoint")?.as_str().map(str::to_owned)
    });
    let flag = || {
        let flags = read("/var/lib/kubelet/kubeadm-flags.env")?;
        let (_, rest) = flags.split_once("--container-runtime-endpoint=")?;
        rest.split(|c: char| c.is_whitespace() || c == '"').next().map(str::to_owned)
    };
    instance.or_else(flag)
}

/// How everything stands, and what was found.
fn tell(evidence: &Evidence, findings: Vec<Finding>, out: &Printer) -> Result<(), Error> {
    let healthy = evidence.healthy();
    if out.format() == Format::Json {
        let components: serde_json::Map<String, serde_json::Value> = evidence
            .components
            .iter()
            .map(|(c, e)| {
                let state = json!({ "stage": e.stage, "health": e.health, "starts": e.starts, "exitCode": e.exit_code, "reason": e.reason });
                (c.name().to_owned(), state)
            })
            .collect();
        let kubelet = json!({ "healthy": evidence.kubelet.health.is_none(), "health": evidence.kubelet.health, "active": evidence.kubelet.active });
        let code = if healthy { 0 } else { ExitStatus::Unhealthy.code() };
        out.result(
            json!({ "ok": healthy, "exitCode": code, "kubelet": kubelet, "runtime": evidence.runtime, "components": components, "findings": findings }),
            "",
        );
    } else {
        let mut text = String::new();
        let mut row = |name: &str, state: &str| text.push_str(&format!("{name:<24} {state}\n"));
        row("kubelet", evidence.kubelet.health.as_deref().unwrap_or("healthy"));
        if let Some(why) = &evidence.runtime {
            row("container runtime", why);
        }
        for (component, state) in &evidence.components {
            let code = state.exit_code.map(|c| format!(", last exit code {c}")).unwrap_or_default();
            let more = match state.stage {
                crate::health::Stage::Healthy => String::new(),
                _ => format!(" (starts: {}{code})", state.starts),
            };
            row(component.name(), &format!("{}{more}", state.stage.words()));
        }
        for finding in &findings {
            text.push_str(&format!("\n{}\n", finding_text(finding)));
        }
        if !healthy && findings.is_empty() {
            text.push_str("\nNothing that is known explains it: `journalctl -xeu kubelet` and `crictl ps -a` are next.\n");
        }
        out.result(json!(null), &text);
    }
    if healthy { Ok(()) } else { Err(Error::new(ExitStatus::Unhealthy, "")) }
}
