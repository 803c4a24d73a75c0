//! `backup`: everything of this node that sets the cluster up again, as one encrypted archive; and what is in one.

mod key;
mod show;

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::etcd::{Target, snapshot};
use super::this_machine::{self, require_root};
use crate::backup::{self, ClusterFacts, Collected, Manifest, NodeFacts, collect};
use crate::certs::utc;
use crate::cluster::stored::{self, Stored};
use crate::cluster::{self, Cluster};
use crate::config::settings::CONTROL_PLANE_LABEL;
use crate::config::{Paths, Settings};
use crate::error::Error;
use crate::etcd::snapshot::Facts;
use crate::exit_status::ExitStatus;
use crate::hex::hex;
use crate::host::{Host, Lock, RealHost};
use crate::manifest::Component;
use crate::node::StaticPod;
use crate::output::Printer;
use crate::pki::Bundle;
use crate::yaml;

pub(crate) use key::KeySource;
pub(crate) use show::{list, verify};

const AREA: &str = "backup";
/// How long the API server may take to tell the configuration.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// What to back up, and where to.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The archive, or an existing folder.
    pub(crate) path: PathBuf,
    /// What it is encrypted with.
    pub(crate) key: KeySource,
    /// The folder of static Pod manifests.
    pub(crate) manifests: PathBuf,
}

/// Makes an archive.
///
/// # Errors
/// When this is not a control-plane node, etcd gives no snapshot, or the archive can't be written.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let host = RealHost::new();
    require_root(&host)?;
    let lock = request.key.lock()?;
    let now = OffsetDateTime::now_utc();
    let api_server = StaticPod::read(&request.manifests, Component::ApiServer, &host)?;
    let Some(api_server) = api_server else {
        let message = format!(
            "this machine runs no control plane: {} does not exist\n  fix: run this on a control-plane node",
            request.manifests.join(Component::ApiServer.file()).display()
        );
        return Err(Error::new(ExitStatus::Usage, message));
    };
    let settings = this_machine::settings(&host, out)?;
    let certificates =
        api_server.certificates_folder().unwrap_or_else(|| settings.node.paths.certificates.clone());
    let paths = Paths {
        certificates: certificates.clone(),
        manifests: request.manifests.clone(),
        ..settings.node.paths.clone()
    };
    let path = match request.path.is_dir() {
        true => request.path.join(backup::file_name(settings.node_name(), now)),
        false => request.path.clone(),
    };
    // The snapshot is a file of its own for a while: beside the archive, where there must be room anyway.
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let _lock = Lock::take(&[dir], "backup")?;
    backup::remove_unfinished(dir)?;
    let taken = take_snapshot(request, dir, &host, out)?;
    let data = taken.as_ref().map(|taken| taken.data.clone());
    let mut collected = collect(&paths, data.as_deref())?;
    let facts = configuration(&settings, &mut collected, out)?;
    if taken.is_none() {
        collected.left_out.push("etcd's data: etcd is external".into());
    }
    let ca = host.read(&certificates.join("ca.crt"))?.and_then(|pem| Bundle::from_pem(&pem).ok());
    let manifest = Manifest {
        format: 1,
        id: id()?,
        time: utc(now),
        program: format!("kubestrap {}", env!("CARGO_PKG_VERSION")),
        node: NodeFacts {
            name: settings.node_name().to_owned(),
            address: settings.node.advertise_address.to_string(),
            certificates,
        },
        cluster: ClusterFacts { ca: ca.map(|ca| ca.certificate.spki_sha256()).unwrap_or_default(), ..facts },
        snapshot: taken.as_ref().map(|taken| taken.facts.clone()),
        entries: vec![],
        left_out: collected.left_out.clone(),
        how_to_use: how_to_use(),
    };
    out.log(AREA, format!("Writing {} files to {}", collected.files.len() + 1, path.display()));
    let size = backup::write(
        &path,
        &lock,
        manifest.clone(),
        &collected,
        taken.as_ref().map(|taken| taken.path.as_path()),
    )?;
    for left in &manifest.left_out {
        out.log(AREA, format!("Not in the archive: {left}"));
    }
    out.log(
        AREA,
        format!(
            "Saved {}, encrypted: keep a copy of it and of its key away from this machine",
            super::etcd::size(size)
        ),
    );
    let data =
        json!({ "ok": true, "path": path, "size": size, "id": manifest.id, "leftOut": manifest.left_out });
    out.result(data, &format!("{}\n", path.display()));
    Ok(ExitStatus::Done)
}

/// A snapshot that was taken for an archive; its folder goes away with it.
struct Taken {
    path: PathBuf,
    facts: Facts,
    /// etcd's data directory.
    data: PathBuf,
    _dir: tempfile::TempDir,
}

fn take_snapshot(
    request: &Request,
    dir: &Path,
    host: &dyn Host,
    out: &Printer,
) -> Result<Option<Taken>, Error> {
    let Some(pod) = StaticPod::read(&request.manifests, Component::Etcd, host)? else {
        out.warn(AREA, "etcd is external: take a snapshot of it where it runs, the archive will have none");
        return Ok(None);
    };
    let data = pod.host_path("etcd-data").unwrap_or_else(|| "/var/lib/etcd".into());
    // Its mode is for its owner alone.
    let folder = tempfile::Builder::new().prefix(backup::UNFINISHED).tempdir_in(dir)?;
    let path = folder.path().join("snapshot.db");
    let target = Target { manifests: request.manifests.clone(), ..Target::default() };
    let save = snapshot::Save { target, path: Some(path.clone()), dir: folder.path().to_owned() };
    let (_, facts) = snapshot::take(&save, out)?;
    Ok(Some(Taken { path, facts, data, _dir: folder }))
}

/// Adds the configuration to what is collected, as the cluster stores it; without it where the API server does not
/// answer.
fn configuration(
    settings: &Settings,
    collected: &mut Collected,
    out: &Printer,
) -> Result<ClusterFacts, Error> {
    let mut cluster = cluster::of_node(settings, None, ANSWER_LIMIT, true)?;
    let stored = match stored::read(&mut *cluster) {
        Ok(stored) => stored,
        Err(error) => {
            out.warn(
                AREA,
                format!("the configuration of the cluster can't be read: {error}\n    the archive does not have it: `kubestrap restore` will need it with --config"),
            );
            collected.left_out.push("the configuration of the cluster: its API server did not answer".into());
            return Ok(ClusterFacts::default());
        }
    };
    collected.configuration(&document(settings, &mut *cluster, &stored)?);
    Ok(ClusterFacts {
        version: stored.loaded.cluster.kubernetes_version.clone(),
        ca: String::new(),
        generated_kubelet: stored.generated.kubelet,
        generated_kube_proxy: stored.generated.kube_proxy,
    })
}

/// The configuration as one file, which `--config` takes.
fn document(settings: &Settings, cluster: &mut dyn Cluster, stored: &Stored) -> Result<String, Error> {
    let taints = taints(cluster, settings.node_name());
    let init = json!({
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "localAPIEndpoint": {
            "advertiseAddress": settings.node.advertise_address.to_string(),
            "bindPort": settings.node.bind_port,
        },
        "nodeRegistration": {
            "name": settings.node_name(),
            "criSocket": settings.cri_socket(),
            "taints": taints,
        },
    });
    let mut documents = vec![yaml::to_string(&init)?, stored.text.clone()];
    for (name, key) in [("kubelet-config", "kubelet"), ("kube-proxy", "config.conf")] {
        let map = cluster.read("ConfigMap", "kube-system", name).ok().flatten();
        let text = map.as_ref().and_then(|map| map.get("data")?.get(key)?.as_str());
        documents.extend(text.map(str::to_owned));
    }
    let documents: Vec<String> = documents.iter().map(|text| format!("{}\n", text.trim_end())).collect();
    Ok(documents.join("---\n"))
}

/// The taints by which this Node is a control-plane node; kubeadm's where the Node is not known.
fn taints(cluster: &mut dyn Cluster, name: &str) -> Value {
    let usual = json!([{ "key": CONTROL_PLANE_LABEL, "effect": "NoSchedule" }]);
    let Ok(Some(node)) = cluster.read("Node", "", name) else { return usual };
    let taints = node.pointer("/spec/taints").and_then(Value::as_array).cloned().unwrap_or_default();
    // The others are set by controllers, for the time being.
    let lasting = |taint: &Value| taint.get("key").is_some_and(|key| key == CONTROL_PLANE_LABEL);
    Value::Array(taints.into_iter().filter(lasting).collect())
}

/// A name for an archive that no other has.
fn id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Error::new(ExitStatus::Failed, "the system gives no random numbers"))?;
    Ok(hex(&bytes))
}

fn how_to_use() -> Vec<String> {
    [
        "On a fresh machine with a container runtime and kubelet: `kubestrap restore ARCHIVE`, with --passphrase-file or --identity.",
        "What is in it: `kubestrap backup --list ARCHIVE`; whether it is undamaged: `kubestrap backup --verify ARCHIVE`.",
        "By hand: `age -d ARCHIVE | tar xz`; files/ holds the node's files at their paths, etcd-snapshot.db is for `etcdutl snapshot restore`, configuration.yaml for `kubeadm init --config`.",
    ]
    .map(str::to_owned)
    .into()
}
