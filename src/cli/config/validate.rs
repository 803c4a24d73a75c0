//! `config validate`.

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::super::output_api::ObjectFormat;
use super::super::value::Boolean as _;
use super::{read, wrong};
use crate::components::{self, Registration, Subject};
use crate::config::version::KubernetesVersion;
use crate::config::{self, Inspected, Problem};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::Severity;
use crate::output::{Format, Printer};

/// Check a configuration file of any kind, and report everything that is wrong with it, each with its line and column
///
/// What kubeadm, kubelet, kube-proxy and the control plane's components would refuse is an error, as are unknown fields and
/// kinds. Nothing is asked of this machine, but whether the discovery file is there, nor of the internet.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap config validate --config kubeadm.yaml\n  kubestrap config validate --config kubeadm.yaml --kubernetes-version 1.35 -o json"
)]
pub(super) struct Validate {
    /// The file; `-` reads standard input
    #[arg(long, value_name = "FILE", required = true)]
    config: String,
    /// Check the file for this version, or minor, of Kubernetes instead of the one that it names
    #[arg(long, value_name = "VERSION", value_parser = version)]
    kubernetes_version: Option<KubernetesVersion>,
    /// How to print the result
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ObjectFormat,
    /// Do not warn about a deprecated API version
    #[arg(long, boolean())]
    allow_deprecated_api: Option<bool>,
    /// Accepted for kubeadm's sake: there is no experimental API version
    #[arg(long, boolean())]
    allow_experimental_api: Option<bool>,
}

/// A version, or a minor such as `1.35`.
fn version(text: &str) -> Result<KubernetesVersion, String> {
    let full = if text.matches('.').count() == 1 { format!("{text}.0") } else { text.to_owned() };
    let version: KubernetesVersion = full.parse().map_err(|error| format!("{error}"))?;
    config::Release::of(&version).map_err(|error| error.to_string())?;
    Ok(version)
}

impl Validate {
    /// Checks it.
    pub(super) fn run(&self) -> Result<(), Error> {
        let out = Printer::new(Format::Text);
        let text = read(&self.config)?;
        let (mut errors, mut warnings) =
            match config::inspect(&self.config, &text, self.kubernetes_version.as_ref()) {
                Ok(inspected) => self.judge(inspected),
                Err(error) => (error.problems, vec![]),
            };
        errors.sort_by_key(Problem::line_and_column);
        warnings.sort_by_key(Problem::line_and_column);
        if self.output == ObjectFormat::Text {
            for warning in &warnings {
                out.warn("config", warning.to_string());
            }
            if errors.is_empty() {
                out.data("ok\n");
            }
        } else {
            let described = |severity: &'static str| move |problem: &Problem| describe(problem, severity);
            let problems: Vec<_> = errors
                .iter()
                .map(described("error"))
                .chain(warnings.iter().map(described("warning")))
                .collect();
            let result = json!({ "file": self.config, "valid": errors.is_empty(), "problems": problems });
            out.data(&self.output.render(&result, |_| String::new())?);
        }
        if errors.is_empty() {
            return Ok(());
        }
        if self.output == ObjectFormat::Text {
            return Err(wrong(config::ConfigError { problems: errors }));
        }
        Err(Error::new(ExitStatus::Usage, format!("{} errors in {}", errors.len(), self.config)))
    }

    /// What is wrong with a file, and what is odd.
    fn judge(&self, inspected: Inspected) -> (Vec<Problem>, Vec<Problem>) {
        let verdicts = components::judge(&subject(&inspected));
        let quiet = self.allow_deprecated_api == Some(true);
        let (mut errors, mut warnings) = match inspected.complete {
            Ok(complete) => {
                let missing = missing_discovery_file(&complete).map(|file| {
                    let path = "discovery.file.kubeConfigPath";
                    let place = inspected.loaded.locator.place("JoinConfiguration", path);
                    Problem::new(
                        "file",
                        place,
                        format!("{path}: Invalid value: {file:?} is not on this machine"),
                    )
                });
                let odd = complete.warnings.into_iter().filter(|w| !(quiet && w.deprecation));
                (missing.into_iter().collect(), odd.map(|w| w.problem).collect::<Vec<_>>())
            }
            Err(error) => (error.problems, vec![]),
        };
        for verdict in verdicts {
            let place = inspected.loaded.locator.place(verdict.kind, &verdict.path);
            // A value that could not be read, or breaks kubeadm's own rule, is not judged again.
            if errors.iter().any(|known| known.place == place && known.line_and_column().is_some()) {
                continue;
            }
            let problem = Problem::new(verdict.rule, place, verdict.message);
            if verdict.severity == Severity::Error { errors.push(problem) } else { warnings.push(problem) }
        }
        (errors, warnings)
    }
}

/// What the components judge of a file.
fn subject(inspected: &Inspected) -> Subject<'_> {
    let loaded = &inspected.loaded;
    let mut subject = match &inspected.settings {
        Some(settings) => Subject::of(settings),
        None => Subject::without_pods(&loaded.cluster, &loaded.init.node_registration, inspected.minor),
    };
    // As given: what this minor's kubelet does not know yet is told, too.
    subject.kubelet = loaded.kubelet.as_ref();
    subject.kube_proxy = loaded.kube_proxy.as_ref();
    subject.made_up_address = loaded.init.local_api_endpoint.advertise_address.is_empty();
    subject.registrations.extend(inspected.join.as_ref().map(|join| Registration {
        kind: "JoinConfiguration",
        kubelet_args: &join.node_registration.kubelet_extra_args,
        taints: join.node_registration.taints.as_deref().unwrap_or_default(),
    }));
    subject
}

/// A problem for machines.
fn describe(problem: &Problem, severity: &str) -> serde_json::Value {
    let mut described = json!({ "severity": severity, "rule": problem.rule, "message": problem.message });
    if let Some(fields) = described.as_object_mut() {
        match problem.line_and_column() {
            Some((line, column)) => {
                let file = problem.place.rsplitn(3, ':').nth(2).unwrap_or_default();
                fields.insert("file".into(), json!(file));
                fields.insert("line".into(), json!(line));
                fields.insert("column".into(), json!(column));
            }
            None => {
                fields.insert("file".into(), json!(problem.place));
            }
        }
    }
    described
}

/// A discovery file that is named and not there.
fn missing_discovery_file(complete: &config::Complete) -> Option<String> {
    let file = &complete.others.join.as_ref()?.discovery.file.as_ref()?.kube_config_path;
    let path = file.strip_prefix("file://").unwrap_or(file);
    (!file.starts_with("https://") && !Path::new(path).exists()).then(|| path.to_owned())
}
