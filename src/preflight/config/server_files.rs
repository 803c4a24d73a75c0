//! Files that kube-apiserver reads when it starts, as they lie on this machine, judged as it will judge them.

use std::path::Path;

use crate::components::{ApiServerFiles, FileRow, Subject};
use crate::config::Settings;
use crate::finding::{Finding, Severity};
use crate::host::machine::Machine;
use crate::manifest::Component;
use crate::preflight::config::{components, host_files};

pub(crate) fn check(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let subject = components::subject(settings, machine);
    judge(&subject, &|path| machine.read(path).ok())
        .into_iter()
        .map(|fault| {
            let what = format!("kube-apiserver's file {}: {}", fault.place, fault.message);
            match fault.severity {
                Severity::Error => {
                    Finding::error(what).cause("kube-apiserver exits at once when it reads this")
                }
                _ => Finding::warning(what),
            }
            .fix(format!("correct {}", fault.place))
        })
        .collect()
}

/// A fault and where it stands: `/etc/kubernetes/audit.yaml:3:5`.
pub(crate) struct Fault {
    pub(crate) severity: Severity,
    pub(crate) place: String,
    pub(crate) message: String,
}

/// Judges the files that can be read by their path on the machine. Those that can't are looked for elsewhere.
pub(crate) fn judge(subject: &Subject<'_>, read: &dyn Fn(&Path) -> Option<Vec<u8>>) -> Vec<Fault> {
    let Some((_, pod)) = subject.pods.iter().find(|(component, _)| *component == Component::ApiServer) else {
        return vec![];
    };
    let files = ApiServerFiles::of(subject);
    let mut open: Vec<(Option<FileRow>, String)> =
        files.named().map(|(row, path)| (Some(row), path.to_owned())).collect();
    let mut faults = vec![];
    while let Some((row, path)) = open.pop() {
        let Some((host, _)) = host_files::on_host(pod, Path::new(&path)) else { continue };
        let (Some(row), Some(text)) = (row, read(&host)) else { continue };
        let Ok(text) = String::from_utf8(text) else {
            let message = "this is not text: it is not UTF-8".to_owned();
            faults.push(Fault { severity: Severity::Error, place: host.display().to_string(), message });
            continue;
        };
        let judged = files.judge(row, &text);
        faults.extend(judged.faults.into_iter().map(|fault| Fault {
            severity: fault.severity,
            place: place(&host, fault.position),
            message: fault.message,
        }));
        for named in judged.named {
            // A relative one lies beside the file that names it.
            let beside = Path::new(&path).parent().unwrap_or(Path::new("/")).join(&named.path);
            let there = host_files::on_host(pod, &beside).is_some_and(|(host, _)| read(&host).is_some());
            if !there {
                let message = format!(
                    "{} is not there for kube-apiserver: put it on the machine, and mount it with apiServer.extraVolumes",
                    beside.display()
                );
                faults.push(Fault {
                    severity: Severity::Error,
                    place: place(&host, Some(named.position)),
                    message,
                });
            } else if named.row.is_some() {
                open.push((named.row, beside.display().to_string()));
            }
        }
    }
    faults
}

fn place(file: &Path, position: Option<crate::yaml::Position>) -> String {
    match position {
        Some(position) => format!("{}:{position}", file.display()),
        None => file.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Profile;
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, settings, severities};

    const ROW: &str = "ApiServerFiles";
    const VOLUME: &str = "extraVolumes: [{name: k, hostPath: /srv/k, mountPath: /etc/k, readOnly: true}]";

    fn config(flag: &str, file: &str) -> crate::config::Settings {
        settings(&format!("apiServer:\n  extraArgs: [{{name: {flag}, value: {file}}}]\n  {VOLUME}\n"))
    }

    #[test]
    fn files_are_read_where_they_are_mounted_from() {
        let of = |text: &str| {
            let machine = FakeMachine::with(|m| m.file("/srv/k/audit.yaml", text));
            machine.check(ROW, &config("audit-policy-file", "/etc/k/audit.yaml"))
        };
        assert_eq!(of("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"), []);
        let found = of("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: All\n");
        assert_eq!(severities(&found), [Severity::Error]);
        assert!(
            found[0].what.starts_with("kube-apiserver's file /srv/k/audit.yaml:4:10: `rules.0.level`"),
            "{found:?}"
        );
        let found = of("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, verb: [a]}]\n");
        assert_eq!(severities(&found), [Severity::Warning]);
        let missing = FakeMachine::healthy();
        assert_eq!(
            missing.check(ROW, &config("audit-policy-file", "/etc/k/audit.yaml")),
            [],
            "told elsewhere"
        );
        assert_eq!(missing.check(ROW, &settings("")), []);
    }

    #[test]
    fn cis_profile_is_accepted() {
        for version in ["v1.33.13", "v1.34.9", "v1.35.6", "v1.36.2"] {
            let loaded = crate::config::load("profile", &Profile::Cis.documents()).unwrap();
            let cluster = serde_json::to_string(&loaded.cluster.api_server).unwrap();
            let kubelet = Profile::Cis.documents().split("---\n").last().unwrap().to_owned();
            let text = format!("kubernetesVersion: {version}\napiServer: {cluster}\n---\n{kubelet}");
            let settings = settings(&text);
            let machine = FakeMachine::with(|m| {
                for file in Profile::Cis.files(&settings.cluster.config) {
                    m.file(file.path, file.make().unwrap().as_bytes());
                }
            });
            for row in [ROW, "HostPathFile", "ExtraArgs", "KubeletConfiguration", "StaticPods"] {
                assert_eq!(machine.check(row, &settings), [], "{row} {version}");
            }
        }
    }

    #[test]
    fn files_that_files_name_are_followed() {
        let admission = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- {name: PodSecurity, path: pss.yaml}\n- {name: ImagePolicyWebhook, path: /etc/k/none.yaml}\n";
        let machine = FakeMachine::with(|m| {
            m.file("/srv/k/a.yaml", admission);
            m.file("/srv/k/pss.yaml", "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\ndefaults: {enforce: none}\n");
        });
        let found = machine.check(ROW, &config("admission-control-config-file", "/etc/k/a.yaml"));
        let told: Vec<&str> = found.iter().map(|f| f.what.as_str()).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("/srv/k/a.yaml:5:"), "{told:?}");
        assert!(told[1].contains("/srv/k/pss.yaml:3:21"), "{told:?}");
    }
}
