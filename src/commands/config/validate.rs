//! `config validate`.

use std::path::Path;

use serde_json::json;

use super::read;
use crate::commands::configuration::unusable;
use crate::components::{self, Registration, Subject};
use crate::config::version::KubernetesVersion;
use crate::config::{self, Inspected, Problem};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::Severity;
use crate::output::{ObjectFormat, Printer};
use crate::preflight;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The file; `-` is standard input.
    pub(crate) config: String,
    /// The version to check it for, in place of the one that it names.
    pub(crate) version: Option<KubernetesVersion>,
    /// How to print the result.
    pub(crate) format: ObjectFormat,
    /// Do not warn about a deprecated API version.
    pub(crate) allow_deprecated_api: bool,
}

/// Checks a configuration file, and prints everything that is wrong with it.
///
/// # Errors
/// When something is wrong, or the file can't be read.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let text = read(&request.config)?;
    let (mut errors, mut warnings) = match config::inspect(&request.config, &text, request.version.as_ref()) {
        Ok(inspected) => request.judge(inspected),
        Err(error) => (error.problems, vec![]),
    };
    errors.sort_by_key(Problem::line_and_column);
    warnings.sort_by_key(Problem::line_and_column);
    if request.format == ObjectFormat::Text {
        for warning in &warnings {
            out.warn("config", warning.to_string());
        }
        if errors.is_empty() {
            out.data("ok\n");
        }
    } else {
        let described = |severity: &'static str| move |problem: &Problem| describe(problem, severity);
        let problems: Vec<_> =
            errors.iter().map(described("error")).chain(warnings.iter().map(described("warning"))).collect();
        let result = json!({ "file": request.config, "valid": errors.is_empty(), "problems": problems });
        out.data(&request.format.render(&result, |_| String::new())?);
    }
    if errors.is_empty() {
        return Ok(ExitStatus::Done);
    }
    if request.format == ObjectFormat::Text {
        return Err(unusable(&config::ConfigError { problems: errors }));
    }
    Err(Error::new(ExitStatus::Usage, format!("{} errors in {}", errors.len(), request.config)))
}

impl Request {
    /// What is wrong with a file, and what is odd.
    fn judge(&self, inspected: Inspected) -> (Vec<Problem>, Vec<Problem>) {
        let subject = subject(&inspected);
        let verdicts = components::judge(&subject);
        // Files that happen to be here, too: where they are not, `init` looks for them.
        let alone = inspected.settings.as_ref().map(preflight::judge_alone).unwrap_or_default();
        let files = preflight::judge_server_files(&subject, &|file| std::fs::read(file).ok());
        let quiet = self.allow_deprecated_api;
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
        let locator = &inspected.loaded.locator;
        let of_components = verdicts.into_iter().map(|verdict| {
            let place = locator.place(verdict.kind, &verdict.path);
            (verdict.severity, Problem::new(verdict.rule, place, verdict.message))
        });
        let of_checks = alone.into_iter().map(|odd| {
            let place = locator.place("ClusterConfiguration", &odd.path);
            (odd.finding.severity, Problem::new(odd.rule, place, odd.finding.what))
        });
        let mut add = |severity, problem, errors: &mut Vec<Problem>| {
            if severity == Severity::Error { errors.push(problem) } else { warnings.push(problem) }
        };
        for (severity, problem) in of_components.chain(of_checks) {
            if !errors.iter().any(|known| is_known_by(&problem, known)) {
                add(severity, problem, &mut errors);
            }
        }
        for fault in files {
            add(fault.severity, Problem::new("server-file", fault.place, fault.message), &mut errors);
        }
        (errors, warnings)
    }
}

/// Whether a verdict is about a value that could not be read, or breaks kubeadm's own rule. A verdict may point at a
/// flag's name, and what could not be read at its value.
fn is_known_by(verdict: &Problem, known: &Problem) -> bool {
    let line = |problem: &Problem| problem.line_and_column().map(|(line, _)| line);
    let same_line = known.rule == "type" && line(verdict) == line(known);
    line(known).is_some() && (same_line || verdict.place == known.place)
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
    subject.made_up_name = loaded.init.node_registration.name.is_empty();
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
    (!config::names::is_https(file) && !Path::new(path).exists()).then(|| path.to_owned())
}
