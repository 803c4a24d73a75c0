//! Files of the machine that the configuration has components use.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Pod;

use crate::components::ApiServerFiles;
use crate::config::Settings;
use crate::config::v1beta4::{Arg, HostPathMount};
use crate::finding::Finding;
use crate::host::machine::{Machine, PathKind};
use crate::manifest::{Component, PkiFacts, render};

/// A component, its place in the configuration, and its volumes and flags there.
pub(super) type Of<'a> = (Component, &'static str, &'a [HostPathMount], &'a [Arg]);

pub(super) fn components(settings: &Settings) -> [Of<'_>; 4] {
    let cluster = &settings.cluster.config;
    let etcd = cluster.etcd.local.as_ref().map_or(&[][..], |local| &local.extra_args);
    [
        (
            Component::ApiServer,
            "apiServer",
            &cluster.api_server.extra_volumes,
            &cluster.api_server.extra_args,
        ),
        (
            Component::ControllerManager,
            "controllerManager",
            &cluster.controller_manager.extra_volumes,
            &cluster.controller_manager.extra_args,
        ),
        (Component::Scheduler, "scheduler", &cluster.scheduler.extra_volumes, &cluster.scheduler.extra_args),
        (Component::Etcd, "etcd.local", &[], etcd),
    ]
}

/// Files that flags name and that no volume mounts, each with the place and the name of the flag.
pub(crate) fn unmounted(settings: &Settings) -> Vec<(&'static str, &str, Finding)> {
    let mut findings = vec![];
    for (component, place, _, args) in components(settings) {
        if let Ok(pod) = render(component, settings, PkiFacts::default()) {
            let args = args.iter().filter(|arg| names_a_file(arg));
            let lost = args.filter(|arg| on_host(&pod, Path::new(&arg.value)).is_none());
            findings.extend(lost.map(|arg| (place, arg.name.as_str(), not_mounted(component, place, arg))));
        }
    }
    findings
}

pub(crate) fn check(settings: &Settings, machine: &dyn Machine, joins: bool) -> Vec<Finding> {
    // Other control planes of the cluster have the same files.
    let copy = |finding: Finding, path: &Path| match path.parent() {
        Some(parent) if joins => finding.fix(format!(
            "copy it from a control-plane node of the cluster: `scp -rp root@CONTROL-PLANE:{} {}/`",
            path.display(),
            parent.display()
        )),
        _ => finding,
    };
    let mut findings = vec![];
    for (component, place, volumes, args) in components(settings) {
        let mut missing: Vec<&Path> = vec![];
        for v in volumes {
            let path = Path::new(&v.host_path);
            let Some(finding) = volume(settings, machine, component, place, v) else { continue };
            let is_there = machine.kind(path).is_some();
            findings.push(if is_there { finding } else { copy(finding, path) });
            missing.extend((!is_there).then_some(path));
        }
        if args.iter().any(names_a_file)
            && let Ok(pod) = render(component, settings, PkiFacts::default())
        {
            let flags = args.iter().filter(|a| names_a_file(a));
            for arg in flags {
                let host = on_host(&pod, Path::new(&arg.value)).map(|(host, _)| host);
                // With its folder the file is missing, too.
                if host.as_ref().is_some_and(|host| missing.iter().any(|dir| host.starts_with(dir))) {
                    continue;
                }
                let Some(finding) = flag(settings, machine, component, place, &pod, arg) else { continue };
                findings.push(match &host {
                    Some(host) => copy(finding, host),
                    None => finding,
                });
            }
        }
    }
    findings.extend(of_kubelet(settings, machine));
    findings
}

/// A volume that must be there: kubelet starts no Pod whose volume is missing or of another kind.
fn volume(
    settings: &Settings,
    machine: &dyn Machine,
    component: Component,
    place: &str,
    volume: &HostPathMount,
) -> Option<Finding> {
    let wanted = match volume.path_type.as_str() {
        "File" => PathKind::File,
        "Directory" => PathKind::Dir,
        "Socket" => PathKind::Socket,
        "CharDevice" => PathKind::CharDevice,
        "BlockDevice" => PathKind::BlockDevice,
        _ => return None,
    };
    let path = Path::new(&volume.host_path);
    let what = match machine.kind(path) {
        Some(kind) if kind == wanted => return None,
        None if is_made_by_init(settings, path) => return None,
        Some(kind) => format!("{} is not a {} but a {}", volume.host_path, volume.path_type, in_words(kind)),
        None => format!("{} is not there", volume.host_path),
    };
    Some(
        Finding::error(format!("{what}, and {}'s volume `{}` needs it", component.name(), volume.name))
            .cause(format!("kubelet would not start {} without it", component.name()))
            .fix(format!("put it there, or correct hostPath or pathType in {place}.extraVolumes")),
    )
}

/// A file that a flag names, as the container will see it.
fn flag(
    settings: &Settings,
    machine: &dyn Machine,
    component: Component,
    place: &str,
    pod: &Pod,
    arg: &Arg,
) -> Option<Finding> {
    let (name, value) = (component.name(), &arg.value);
    let Some((host, may_be_made)) = on_host(pod, Path::new(value)) else {
        return Some(not_mounted(component, place, arg));
    };
    if may_be_made || is_made_by_init(settings, &host) || machine.kind(&host).is_some() {
        return None;
    }
    Some(
        Finding::error(format!("{name}'s flag `{}` names {}, which is not there", arg.name, host.display()))
            .cause(format!("{name} exits when it can't read it"))
            .fix(format!("put the file there, or correct {place}.extraArgs")),
    )
}

fn not_mounted(component: Component, place: &str, arg: &Arg) -> Finding {
    let (name, value) = (component.name(), &arg.value);
    let what = format!("{name}'s flag `{}` names {value}, which no volume mounts", arg.name);
    // An image brings certificates or a script at most.
    let (finding, unless) = if component == Component::ApiServer && ApiServerFiles::are_named_by(&arg.name) {
        (Finding::error(what), "")
    } else {
        (Finding::warning(what), "unless its image brings that file, ")
    };
    finding
            .cause(format!("the container sees only what is mounted: {unless}it won't start"))
            .fix(format!(
                "add to {place}.extraVolumes: {{name: {}, hostPath: {value}, mountPath: {value}, pathType: File, readOnly: true}}",
                arg.name
            ))
}

/// Flags whose value is a file to read, by how all of them are named: `audit-policy-file`, `cloud-config`,
/// `etcd-cafile`, `authentication-kubeconfig`.
fn names_a_file(arg: &Arg) -> bool {
    let name = arg.name.replace('_', "-");
    arg.value.starts_with('/') && (name.ends_with("file") || name.ends_with("config"))
}

/// Where a path of the container lies on the machine, and whether kubelet makes a missing one; none if it is not
/// mounted from there.
pub(super) fn on_host(pod: &Pod, path: &Path) -> Option<(PathBuf, bool)> {
    let spec = pod.spec.as_ref()?;
    let mounts = spec.containers.first()?.volume_mounts.as_deref().unwrap_or_default();
    let under = mounts.iter().filter(|m| path.starts_with(&m.mount_path));
    let mount = under.max_by_key(|m| m.mount_path.len())?;
    let volume = spec.volumes.as_ref()?.iter().find(|v| v.name == mount.name)?;
    let host = volume.host_path.as_ref()?;
    let rest = path.strip_prefix(&mount.mount_path).ok()?;
    let whole = rest.as_os_str().is_empty();
    let may_be_made = whole && host.type_.as_deref() == Some("FileOrCreate");
    Some((if whole { PathBuf::from(&host.path) } else { Path::new(&host.path).join(rest) }, may_be_made))
}

/// Whether init itself will put it there.
fn is_made_by_init(settings: &Settings, path: &Path) -> bool {
    let paths = &settings.node.paths;
    path.starts_with(&paths.certificates)
        || path.starts_with(&paths.manifests)
        || (path.parent() == Some(&*paths.kubeconfig_dir) && path.extension().is_some_and(|e| e == "conf"))
        || settings.node.profile.is_some_and(|profile| {
            profile.files(&settings.cluster.config).iter().any(|file| Path::new(file.path).starts_with(path))
        })
}

/// kubelet runs on the machine itself: its flags name files as they are.
fn of_kubelet(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let args = settings.node.registration.kubelet_extra_args.iter().filter(|a| names_a_file(a));
    let missing = args.filter(|a| {
        let path = Path::new(&a.value);
        machine.kind(path).is_none()
            && !is_made_by_init(settings, path)
            && !path.starts_with(&settings.node.paths.kubelet)
    });
    missing
        .map(|a| {
            Finding::warning(format!("kubelet's flag `{}` names {}, which is not there", a.name, a.value))
                .fix("put the file there, or correct nodeRegistration.kubeletExtraArgs")
        })
        .collect()
}

fn in_words(kind: PathKind) -> &'static str {
    match kind {
        PathKind::File => "file",
        PathKind::Dir => "directory",
        PathKind::Socket => "socket",
        PathKind::BlockDevice => "block device",
        PathKind::CharDevice => "character device",
        PathKind::Other => "thing of another kind",
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Profile;
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, settings, severities};

    const ROW: &str = "HostPathFile";

    #[test]
    fn volumes_that_must_be_there() {
        let of = |kind: &str, path: &str| {
            settings(&format!(
                "apiServer: {{extraVolumes: [{{name: v, hostPath: {path}, mountPath: /m, pathType: {kind}}}]}}\n"
            ))
        };
        let machine = FakeMachine::with(|m| m.file("/etc/k/there", "x"));
        assert!(machine.check(ROW, &of("File", "/etc/k/there")).is_empty());
        assert!(machine.check(ROW, &of("FileOrCreate", "/etc/k/missing")).is_empty());
        assert!(machine.check(ROW, &of("File", "/etc/kubernetes/pki/sa.pub")).is_empty(), "init makes it");
        assert!(
            machine.finding(ROW, &of("File", "/etc/k/missing")).what.contains("/etc/k/missing is not there")
        );
        assert!(
            machine
                .finding(ROW, &of("Directory", "/etc/k/there"))
                .what
                .contains("not a Directory but a file")
        );
    }

    #[test]
    fn files_that_flags_name_are_looked_for_where_they_are_mounted_from() {
        let of = |value: &str, volumes: &str| {
            settings(&format!(
                "apiServer:\n  extraArgs: [{{name: audit-policy-file, value: {value}}}, {{name: audit-log-path, value: /nowhere/log}}]\n  extraVolumes: [{volumes}]\n"
            ))
        };
        let machine = FakeMachine::with(|m| m.file("/srv/audit/policy.yaml", "x"));
        let severity = |value, volumes| severities(&machine.check(ROW, &of(value, volumes)));
        let dir = "{name: a, hostPath: /srv/audit, mountPath: /etc/audit, pathType: DirectoryOrCreate}";
        assert_eq!(severity("/etc/audit/policy.yaml", dir), []);
        assert_eq!(severity("/etc/audit/other.yaml", dir), [Severity::Error]);
        assert_eq!(severity("/etc/auditor/policy.yaml", dir), [Severity::Error]);
        assert_eq!(severity("/etc/kubernetes/pki/x.yaml", ""), [], "our own volume");
        let created = "{name: a, hostPath: /srv/new, mountPath: /etc/new, pathType: FileOrCreate}";
        assert_eq!(severity("/etc/new", created), []);
        let found = machine.finding(ROW, &of("/etc/p.yaml", ""));
        assert!(found.fix.unwrap().contains("hostPath: /etc/p.yaml, mountPath: /etc/p.yaml"));
    }

    #[test]
    fn joining_control_plane_is_told_where_a_missing_folder_can_be_copied_from() {
        let settings = settings(
            "apiServer:\n  extraArgs: [{name: audit-policy-file, value: /etc/k/a.yaml}]\n  extraVolumes: [{name: k, hostPath: /etc/k, mountPath: /etc/k, pathType: Directory}]\n",
        );
        let machine = FakeMachine::healthy();
        let fixes = |joins| -> Vec<String> {
            super::check(&settings, &machine, joins).into_iter().filter_map(|finding| finding.fix).collect()
        };
        assert_eq!(
            fixes(true),
            ["copy it from a control-plane node of the cluster: `scp -rp root@CONTROL-PLANE:/etc/k /etc/`"]
        );
        assert_eq!(fixes(false).len(), 1, "the folder alone is told");
        assert!(fixes(false)[0].contains("extraVolumes"));
    }

    #[test]
    fn files_of_a_profile_are_made_by_init() {
        let cluster = crate::config::load("profile", &Profile::Cis.documents()).unwrap().cluster;
        let text = serde_json::to_string(&cluster.api_server).unwrap();
        let mut settings = settings(&format!("apiServer: {text}\n"));
        let machine = FakeMachine::healthy();
        assert_eq!(machine.check(ROW, &settings).len(), 1);
        settings.node.profile = Some(Profile::Cis);
        assert_eq!(machine.check(ROW, &settings), []);
    }

    #[test]
    fn kubelet_s_files() {
        let config = "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nnodeRegistration: {kubeletExtraArgs: [{name: image-credential-provider-config, value: /etc/c.yaml}, {name: config, value: /var/lib/kubelet/config.yaml}]}\n";
        assert_eq!(severities(&FakeMachine::healthy().check(ROW, &settings(config))), [Severity::Warning]);
    }
}
