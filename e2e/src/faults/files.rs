//! Files and folders of the machine: absent, of another kind, closed.

use std::fs;
use std::os::unix::fs::symlink;

use super::fault::{Fault, fault};
use super::scene::{Scene, own, put};
use crate::command::check;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "audit-policy-missing",
        "kube-apiserver's audit policy is mounted, and not there",
        |s| {
            api_server_file(s, "audit-policy-file", "/etc/kubernetes/audit/policy.yaml", "File");
            Ok(())
        },
        &["/etc/kubernetes/audit/policy.yaml", "not there"],
        &["put", "extraVolumes|extraArgs"],
    ),
    fault(
        "audit-policy-missing-ignored",
        "the same, with the check ignored",
        |s| {
            s.ignored.push("HostPathFile");
            api_server_file(s, "audit-policy-file", "/etc/kubernetes/audit/policy.yaml", "File");
            Ok(())
        },
        &[
            "kube-apiserver",
            "/etc/kubernetes/audit/policy.yaml",
            "not a file|not there|does not exist|is not|no such",
        ],
        &["put", "extraVolumes|extraArgs|/etc/kubernetes/audit/policy.yaml"],
    ),
    fault(
        "audit-policy-not-mounted",
        "kube-apiserver's audit policy is there, and no volume shows it to the container",
        |s| {
            let file = own(
                "policy.yaml",
                "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n",
            )?;
            s.extra_arg("apiServer", "audit-policy-file", &file);
            Ok(())
        },
        &["/etc/fault/policy.yaml", "no volume|not mounted|no such file"],
        &["extraVolumes"],
    ),
    fault(
        "encryption-key-short",
        "a key of the encryption configuration has 16 bytes, where secretbox wants 32",
        |s| {
            let file = own(
                "encryption.yaml",
                "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  \
                 - secretbox: {keys: [{name: a, secret: MDEyMzQ1Njc4OTAxMjM0NQ==}]}\n  - identity: {}\n",
            )?;
            api_server_file(s, "encryption-provider-config", &file, "File");
            Ok(())
        },
        &["/etc/fault/encryption.yaml:6", "16 bytes"],
        &["/etc/fault/encryption.yaml|urandom"],
    ),
    fault(
        "audit-policy-level",
        "kube-apiserver's audit policy has a level in lower case",
        |s| {
            let file =
                own("policy.yaml", "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: metadata\n")?;
            api_server_file(s, "audit-policy-file", &file, "File");
            Ok(())
        },
        &["/etc/fault/policy.yaml:4", "Metadata"],
        &["/etc/fault/policy.yaml"],
    ),
    fault(
        "oidc-ca-missing",
        "kube-apiserver's OIDC CA is not there",
        |s| {
            s.cluster(
                "apiServer:\n  extraArgs:\n  - {name: oidc-issuer-url, value: 'https://issuer.example.com'}\n  \
                 - {name: oidc-client-id, value: k}\n  - {name: oidc-ca-file, value: /etc/kubernetes/pki/oidc-ca.crt}",
            );
            Ok(())
        },
        &["/etc/kubernetes/pki/oidc-ca.crt", "not there|no such file"],
        &["put|copy"],
    ),
    fault(
        "webhook-config-missing",
        "kube-apiserver's webhook configuration is not there",
        |s| {
            api_server_file(
                s,
                "authentication-token-webhook-config-file",
                "/etc/webhook/config.yaml",
                "File",
            );
            Ok(())
        },
        &["/etc/webhook/config.yaml", "not there"],
        &["put", "extraVolumes|extraArgs"],
    ),
    fault(
        "volume-of-another-kind",
        "a volume of type File is a folder on this machine",
        |s| {
            fs::create_dir_all("/etc/ssl/company.pem")?;
            s.cluster("apiServer: {extraVolumes: [{name: own, hostPath: /etc/ssl/company.pem, mountPath: /x, pathType: File}]}");
            Ok(())
        },
        &["/etc/ssl/company.pem", "not a File|directory"],
        &["hostPath|pathType"],
    ),
    fault(
        "manifests-is-a-file",
        "where the folder of static Pods belongs stands a file",
        |_| put("/etc/kubernetes/manifests", "x\n"),
        &["/etc/kubernetes/manifests", "not a directory|is a file|a file is"],
        &["mv /etc/kubernetes/manifests|rm /etc/kubernetes/manifests"],
    ),
    fault(
        "kubernetes-is-a-file",
        "where /etc/kubernetes belongs stands a file",
        |_| put("/etc/kubernetes", "x\n"),
        &["/etc/kubernetes", "not a directory|is a file|a file is"],
        &["mv /etc/kubernetes|rm /etc/kubernetes"],
    ),
    fault(
        "manifests-link-into-nothing",
        "the folder of static Pods is a link to a folder that is not there",
        |_| {
            fs::create_dir_all("/etc/kubernetes")?;
            Ok(symlink("/srv/none/manifests", "/etc/kubernetes/manifests")?)
        },
        &["/etc/kubernetes/manifests", "link"],
        &["mkdir -p /srv/none/manifests|rm /etc/kubernetes/manifests"],
    ),
    fault(
        "manifest-foreign",
        "where kube-apiserver's manifest goes stands another Pod's",
        |_| put("/etc/kubernetes/manifests/kube-apiserver.yaml", &pod("web", "nginx")),
        &["/etc/kubernetes/manifests/kube-apiserver.yaml", "another Pod"],
        &["mv|rm"],
    ),
    fault(
        "manifest-backup",
        "a copy of an older manifest lies beside: kubelet takes every file of the folder",
        |s| {
            s.phase(&["certs", "all"])?;
            s.phase(&["kubeconfig", "all"])?;
            s.phase(&["control-plane", "apiserver"])?;
            let file = "/etc/kubernetes/manifests/kube-apiserver.yaml";
            let text = fs::read_to_string(file)?.replace("--secure-port=6443", "--secure-port=6444");
            put("/etc/kubernetes/manifests/kube-apiserver.yaml.bak", &text)?;
            Ok(fs::remove_file(file)?)
        },
        &["/etc/kubernetes/manifests/kube-apiserver.yaml.bak", "kube-apiserver"],
        &["mv /etc/kubernetes/manifests/kube-apiserver.yaml.bak"],
    ),
    fault(
        "kubernetes-read-only",
        "/etc/kubernetes is read-only",
        |_| {
            fs::create_dir_all("/etc/kubernetes")?;
            check("mount", &["-t", "tmpfs", "-o", "ro", "tmpfs", "/etc/kubernetes"]).map(drop)
        },
        &["/etc/kubernetes", "read-only"],
        &["remount,rw"],
    ),
    fault(
        "kubelet-folder-read-only",
        "/var/lib/kubelet is read-only",
        |_| super::scene::mount(&["-t", "tmpfs", "-o", "ro", "tmpfs"], "/var/lib/kubelet"),
        &["/var/lib/kubelet", "read-only"],
        &["remount,rw"],
    ),
    fault(
        "kubernetes-immutable",
        "a file of an earlier run can't be replaced: where kubelet's flags go stands a folder",
        |_| {
            fs::create_dir_all("/var/lib/kubelet/kubeadm-flags.env/x")?;
            Ok(())
        },
        &["/var/lib/kubelet/kubeadm-flags.env", "folder|directory"],
        &["mv /var/lib/kubelet/kubeadm-flags.env|rm -r /var/lib/kubelet/kubeadm-flags.env"],
    ),
    fault(
        "admin-conf-broken",
        "admin.conf is there, and is not a kubeconfig",
        |s| {
            s.phase(&["certs", "ca"])?;
            put("/etc/kubernetes/admin.conf", "apiVersion: v1\nkind: Config\nclusters: [\n")
        },
        &["/etc/kubernetes/admin.conf"],
        &["mv /etc/kubernetes/admin.conf|rm /etc/kubernetes/admin.conf"],
    ),
    fault(
        "scheduler-conf-of-another-ca",
        "scheduler.conf is there, of another cluster",
        |s| foreign_kubeconfig(s, "scheduler.conf", "scheduler"),
        &["scheduler.conf", "CA|another cluster"],
        &["mv|rm|kubestrap reset"],
    ),
    fault(
        "controller-manager-conf-server",
        "controller-manager.conf is there, and names another server",
        |s| {
            s.phase(&["certs", "ca"])?;
            s.phase(&["kubeconfig", "controller-manager"])?;
            let file = "/etc/kubernetes/controller-manager.conf";
            let text = fs::read_to_string(file)?.replace("10.88.0.2:6443", "10.88.0.77:6443");
            put(file, &text)
        },
        &["controller-manager.conf", "10.88.0.77"],
        &["mv|rm|server"],
    )
    .ends(&[0, 3, 4]),
];

/// Gives kube-apiserver a flag that names a file, with its volume; the file is not made.
fn api_server_file(s: &mut Scene, flag: &str, file: &str, kind: &str) {
    s.cluster(&format!(
        "apiServer:\n  extraArgs: [{{name: {flag}, value: {file}}}]\n  \
         extraVolumes: [{{name: own, hostPath: {file}, mountPath: {file}, pathType: {kind}, readOnly: true}}]"
    ));
}

/// A kubeconfig whose CA is not the cluster's.
fn foreign_kubeconfig(s: &Scene, file: &str, phase: &str) -> anyhow::Result<()> {
    s.phase(&["certs", "ca"])?;
    s.phase(&["kubeconfig", phase])?;
    let path = format!("/etc/kubernetes/{file}");
    let text = fs::read_to_string(&path)?;
    fs::remove_dir_all("/etc/kubernetes")?;
    s.phase(&["certs", "ca"])?;
    put(&path, &text)
}

fn pod(name: &str, image: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n  - {{name: {name}, image: {image}}}\n"
    )
}
