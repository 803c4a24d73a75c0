//! `diagnose`: why the control plane of this machine is not healthy.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::configuration::read_input;
use super::reach;
use crate::config::{Overrides, Paths, Settings};
use crate::diagnose::{Evidence, Place, diagnose, gather};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::{Finding, Severity};
use crate::health::{LiveWatch, Stage, Watch};
use crate::host::{self, FileMode, Host, RealHost};
use crate::node::identity;
use crate::output::{Format, Printer, escape, finding_text};
use crate::phases::watched;
use crate::preflight::{self, Options, Subject};
use crate::workflow::machine;
use crate::yaml;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// The configuration file that the control plane was made with.
    pub(crate) config: Option<String>,
    /// The runtime's CRI socket, if not the one that kubelet uses.
    pub(crate) cri_socket: Option<String>,
    /// The Node's name, if not the one in kubelet.conf.
    pub(crate) node_name: Option<String>,
    /// A file to keep the evidence in.
    pub(crate) save: Option<PathBuf>,
    /// Evidence that was kept elsewhere, to be judged in place of this machine.
    pub(crate) from: Option<String>,
}

/// How long the cluster may take to tell whether it has the Node.
const PATIENCE: Duration = Duration::from_secs(3);
/// How far back kubelet's log counts.
const PAST: Duration = Duration::from_secs(3600);

/// Looks, and tells.
///
/// # Errors
/// When it can't look.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    if let Some(file) = &request.from {
        let usage = |e| Error::new(ExitStatus::Usage, e);
        let text = read_input(file).map_err(usage)?;
        let evidence: Evidence = yaml::from_template(&text).map_err(|e| usage(format!("{file}: {e}")))?;
        let found = diagnose(&evidence, &Place::of_defaults(), None);
        return tell(&evidence, found.into_iter().map(|d| d.finding).collect(), out);
    }
    let host = RealHost::new();
    let settings = request.settings(&host, out)?;
    let mut watch = LiveWatch::default();
    watch.begin(&watched(&settings, &host)?).map_err(|e| Error::new(ExitStatus::Failed, e))?;
    let since = host::ago(PAST);
    let evidence = gather(&watch.snapshot(), &host, since);
    if let Some(file) = &request.save {
        host.write(file, yaml::to_string(&evidence)?.as_bytes(), FileMode::SECRET)?;
        out.log("diagnose", format!("Saved the evidence to {}", file.display()));
    }
    let machine = machine(&settings)?;
    let found = diagnose(&evidence, &Place::of(&settings), Some(&*machine));
    let mut findings: Vec<Finding> = found.into_iter().map(|d| d.finding).collect();
    // What kubelet logged of its first attempts is over once the Node exists.
    if findings.iter().any(is_about_registration) && is_registered(&settings, &host) {
        findings.retain(|f| !is_about_registration(f));
    }
    if !evidence.healthy() {
        // What would keep a new control plane from coming up may be what brought this one down.
        let report = preflight::run_checks(&Subject::init(&settings), machine, &Options::default());
        findings.extend(report.findings.into_iter().filter(|f| f.severity == Severity::Error));
    }
    tell(&evidence, findings, out)
}

impl Request {
    /// What the machine itself says about its node, unless the user knows better.
    fn settings(&self, host: &RealHost, out: &Printer) -> Result<Settings, Error> {
        let mut loaded = reach::load(self.config.as_deref(), out)?;
        let paths = Paths::new("/etc/kubernetes/pki", None);
        // What can't be read is not known; that is no reason to look no further.
        let known_socket = identity::cri_socket(&paths, host).ok().flatten();
        let known_name = identity::node_name(&paths, host).ok().flatten();
        let registration = &mut loaded.init.node_registration;
        if let Some(socket) = self.cri_socket.clone().or(known_socket) {
            registration.cri_socket = socket;
        } else if registration.cri_socket.is_empty() {
            registration.cri_socket = host::gather().cri_sockets.first().cloned().unwrap_or_default();
        }
        let endpoint = &mut loaded.init.local_api_endpoint;
        if endpoint.advertise_address.is_empty() {
            // A machine that lost its default route has a control plane all the same.
            let advertised = identity::api_server_endpoint(&paths.manifests, host).ok().flatten();
            endpoint.advertise_address = advertised.map(|at| at.ip().to_string()).unwrap_or_default();
        }
        let node_name = self.node_name.clone().or(known_name);
        reach::resolve(loaded, &Overrides { node_name, ..Overrides::default() }, out)
    }
}

fn is_about_registration(finding: &Finding) -> bool {
    finding.check == "NodeNotRegistered"
}

/// Whether the cluster has this Node, as far as it can be asked.
fn is_registered(settings: &Settings, host: &dyn Host) -> bool {
    let paths = &settings.node.paths;
    let kubeconfigs = ["admin.conf", "kubelet.conf"].map(|name| paths.kubeconfig(name));
    kubeconfigs.iter().filter(|path| host.exists(path)).any(|path| {
        let Ok(reached) = reach::connect(path, PATIENCE) else { return false };
        matches!(reached.cluster.get_once("Node", "", settings.node_name(), PATIENCE), Ok(Some(_)))
    })
}

/// How everything stands, and what was found.
fn tell(evidence: &Evidence, findings: Vec<Finding>, out: &Printer) -> Result<ExitStatus, Error> {
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
        out.result(json!(null), &text(evidence, &findings));
    }
    Ok(if healthy { ExitStatus::Done } else { ExitStatus::Unhealthy })
}

/// The same for people.
fn text(evidence: &Evidence, findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut row =
        |name: &str, state: &str| text.push_str(&format!("{name:<24} {}\n", escape::field(state, "    ")));
    row("kubelet", evidence.kubelet.health.as_deref().unwrap_or("healthy"));
    if let Some(why) = &evidence.runtime {
        row("container runtime", why);
    }
    for (component, state) in &evidence.components {
        let code = state.exit_code.map(|c| format!(", last exit code {c}")).unwrap_or_default();
        let more = match state.stage {
            Stage::Healthy => String::new(),
            _ => format!(" (starts: {}{code})", state.starts),
        };
        row(component.name(), &format!("{}{more}", state.stage.words()));
    }
    for finding in findings {
        text.push_str(&format!("\n{}\n", finding_text(finding)));
    }
    if !evidence.healthy() && findings.is_empty() {
        text.push_str(&RealHost::new().advice(
            "\nNo known cause explains it: look at `journalctl -xeu kubelet` and `crictl ps -a` next.\n",
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::escape::testing::{has_forged_line, hostile};

    proptest! {
        #[test]
        fn what_the_machine_says_forges_no_line(text in hostile(), word in "(address already in use|no such file or directory|unknown flag: |invalid argument|permission denied|)") {
            let log = vec![text.clone(), format!("E1128 {word} {text}"), format!("{text} {word}")];
            let component = json!({
                "stage": "exited", "health": text, "starts": 3, "exitCode": 1, "reason": text, "log": log,
            });
            let evidence = json!({
                "kubelet": { "health": text, "active": false, "log": log },
                "runtime": text,
                "components": { "kube-apiserver": component, "etcd": component },
            });
            let evidence: Evidence = serde_json::from_value(evidence).unwrap();
            let found = diagnose(&evidence, &Place::of_defaults(), None);
            let findings: Vec<Finding> = found.into_iter().map(|d| d.finding).collect();
            let shown = super::text(&evidence, &findings);
            prop_assert!(!has_forged_line(&shown), "{shown:?}");
        }
    }
}
