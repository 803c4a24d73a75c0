//! A run of init in earnest: the machine, the cluster behind admin.conf, and the result.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Builder;

use super::flags::InitFlags;
use super::init::{check_patches, keys_needed};
use crate::cluster::{Access, Cluster, ClusterError, KubeCluster, KubeconfigFile, LazyCluster};
use crate::config::Settings;
use crate::health::LiveWatch;
use crate::host::{Lock, RealHost, remove_leftovers};
use crate::output::{Printer, closing};
use crate::phases::runner::{self, Selection};
use crate::phases::{self, Failure, InitContext, InitOptions, PhaseError, RuntimePull, Seams};
use crate::pki::KeyPool;
use crate::preflight::Before;

/// Runs the selected phases on this machine, and tells what came of it: for machines, and for people.
pub(super) fn run(
    settings: Settings,
    flags: &InitFlags,
    selection: &Selection,
    options: InitOptions,
    out: &Printer,
) -> Result<(Value, String), PhaseError> {
    let start = Instant::now();
    let host = RealHost::new();
    let _lock = lock(&settings, selection)?;
    for dir in settings.paths.folders() {
        // One who may not look into a folder has left nothing there.
        let _ = remove_leftovers(&dir);
    }
    let keys = KeyPool::start(settings.algorithm, keys_needed(&settings, &host, selection));
    let limit = settings.timeouts.kubernetes_api;
    let cluster = cluster(&settings, flags.kubeconfig.clone(), limit, false)?;
    let socket = settings.init.node_registration.cri_socket.clone();
    let machine = super::init::machine(&settings)?;
    let seams = Seams {
        host: Arc::new(host),
        cluster,
        checks: Box::new(Before(Arc::clone(&machine))),
        machine,
        images: Box::new(RuntimePull { socket, area: "preflight" }),
        watch: Box::new(LiveWatch::default()),
    };
    let mut context = InitContext::new(settings, seams, out.clone(), options, keys);
    check_patches(&context, selection)?;
    let ran = runner::run(&phases::init(), selection, &mut context, out);
    let restarted = context.await_restart();
    let ran = ran?;
    restarted?;
    phases::await_removal(&*context.machine, out);
    let seconds = |d: std::time::Duration| (d.as_secs_f64() * 1000.0).round() / 1000.0;
    let durations: serde_json::Map<String, Value> =
        ran.iter().map(|r| (r.id.clone(), json!(seconds(r.took)))).collect();
    let mut data = json!({ "ok": true, "changed": !context.changes.is_empty(), "seconds": seconds(start.elapsed()), "phases": durations });
    if selection.only.is_none() && context.changes.is_empty() {
        out.log("init", "Nothing to do: this control plane is as the configuration says, and healthy");
    }
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

/// Keeps others from changing what the selected phases change.
fn lock(settings: &Settings, selection: &Selection) -> Result<Lock, PhaseError> {
    let paths = &settings.paths;
    let only = selection.only.as_deref();
    let group = only.and_then(|id| id.split('/').next()).unwrap_or_default();
    // Certificates and kubeconfigs may be made in folders of one's own, several at once.
    let folders: &[&Path] = match group {
        "certs" => &[&paths.certificates],
        "kubeconfig" => &[&paths.certificates, &paths.kubeconfig_dir],
        _ => &[&paths.certificates, &paths.kubeconfig_dir, &paths.manifests],
    };
    let command = only.map_or("init".into(), |id| format!("init phase {id}"));
    Ok(Lock::take(folders, &command)?)
}

/// The cluster, reached when it is first needed: by this node's own API server as its administrator, or as the
/// user's own kubeconfig says. Requests that fail are repeated for `limit`; in a dry run the API server only says what
/// it would make of them. Its runtime lives for as long as it is used or being reached.
///
/// # Errors
/// When no thread can be had for the runtime.
pub(super) fn cluster(
    settings: &Settings,
    kubeconfig: Option<PathBuf>,
    limit: Duration,
    dry_run: bool,
) -> io::Result<Box<dyn Cluster>> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let admin = settings.paths.kubeconfig("admin.conf");
    let super_admin = settings.paths.kubeconfig("super-admin.conf");
    let own = kubeconfig.filter(|path| *path != admin);
    let server = format!("https://{}", settings.local_endpoint());
    Ok(Box::new(LazyCluster::new(move || {
        let access = Access {
            runtime: runtime.handle(),
            server: own.is_none().then_some(server.as_str()),
            limit,
            dry_run,
        };
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
    })))
}

fn read(path: &Path) -> Result<String, ClusterError> {
    std::fs::read_to_string(path).map_err(|e| ClusterError::Kubeconfig {
        file: path.to_string_lossy().into_owned(),
        reason: e.to_string(),
    })
}
