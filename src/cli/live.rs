//! A run of init in earnest: the machine, the cluster behind admin.conf, and the result.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::runtime::{Builder, Handle};

use super::flags::InitFlags;
use super::init::keys_needed;
use crate::cluster::{Access, Cluster, ClusterError, KubeCluster, KubeconfigFile, LazyCluster};
use crate::config::Settings;
use crate::health::LiveWatch;
use crate::host::RealHost;
use crate::output::{Printer, closing};
use crate::phases::runner::{self, Selection};
use crate::phases::{self, Failure, InitContext, InitOptions, PhaseError, RuntimePull, Seams};
use crate::pki::KeyPool;

/// Runs the selected phases on this machine, and tells what came of it: for machines, and for people.
pub(super) fn run(
    settings: Settings,
    flags: &InitFlags,
    selection: &Selection,
    options: InitOptions,
    out: &Printer,
) -> Result<(Value, String), PhaseError> {
    let start = Instant::now();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let host = RealHost::new();
    let keys = KeyPool::start(settings.algorithm, keys_needed(&settings, &host, selection));
    let cluster = cluster(&settings, flags.kubeconfig.clone(), runtime.handle().clone());
    let socket = settings.init.node_registration.cri_socket.clone();
    let seams = Seams {
        host: Box::new(host),
        cluster,
        machine: super::init::machine(&settings)?,
        images: Box::new(RuntimePull { socket, area: "preflight" }),
        watch: Box::new(LiveWatch::default()),
    };
    let mut context = InitContext::new(settings, seams, out.clone(), options, keys);
    let ran = runner::run(&phases::init(), selection, &mut context, out)?;
    phases::await_removal(&*context.machine, out);
    let seconds = |d: std::time::Duration| (d.as_secs_f64() * 1000.0).round() / 1000.0;
    let durations: serde_json::Map<String, Value> =
        ran.iter().map(|r| (r.id.clone(), json!(seconds(r.took)))).collect();
    let mut data = json!({ "ok": true, "seconds": seconds(start.elapsed()), "phases": durations });
    let mut text = String::new();
    let mut more = serde_json::Map::new();
    let uploaded = context.options.upload_certs && ran.iter().any(|r| r.id == "upload-certs");
    if let Some(closing) = &context.closing {
        more.extend(closing.data());
        text = closing.text().map_err(|e| PhaseError::new(Failure::Failed, e))?;
    } else if let Some(key) = context.certificate_key.as_deref().filter(|_| uploaded) {
        // Without the closing message, nobody else tells the key that was just made.
        let key = closing::shown(key, !context.options.skip_certificate_key_print);
        more.insert("certificateKey".into(), json!(key));
        text = format!("{key}\n");
    }
    if let Some(fields) = data.as_object_mut() {
        fields.extend(more);
    }
    Ok((data, text))
}

/// The cluster, reached when it is first needed: by this node's own API server as its administrator, or as the
/// user's own kubeconfig says.
fn cluster(settings: &Settings, kubeconfig: Option<PathBuf>, runtime: Handle) -> Box<dyn Cluster> {
    let admin = settings.paths.kubeconfig("admin.conf");
    let super_admin = settings.paths.kubeconfig("super-admin.conf");
    let own = kubeconfig.filter(|path| *path != admin);
    let server = format!("https://{}", settings.local_endpoint());
    let limit = settings.timeouts.kubernetes_api;
    Box::new(LazyCluster::new(move || {
        let access = Access { runtime: &runtime, server: own.is_none().then_some(server.as_str()), limit };
        let path = own.as_ref().unwrap_or(&admin);
        let text = read(path)?;
        let file = KubeconfigFile { path: &path.to_string_lossy(), text: &text };
        if own.is_some() {
            return KubeCluster::new(&access, file);
        }
        let super_text = if super_admin.exists() { Some(read(&super_admin)?) } else { None };
        let super_path = super_admin.to_string_lossy();
        let super_file = super_text.as_deref().map(|text| KubeconfigFile { path: &super_path, text });
        KubeCluster::as_admin(&access, file, super_file)
    }))
}

fn read(path: &Path) -> Result<String, ClusterError> {
    std::fs::read_to_string(path).map_err(|e| ClusterError::Kubeconfig {
        file: path.to_string_lossy().into_owned(),
        reason: e.to_string(),
    })
}
