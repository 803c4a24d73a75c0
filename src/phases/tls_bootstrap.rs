//! kubelet's TLS bootstrap: kubelet requests its client certificate with a bootstrap token, and writes kubelet.conf.

use std::path::Path;
use std::time::Instant;

use super::attention::{Attention, rest, unhealthy};
use super::signing_requests::Requests;
use super::watched::watched_kubelet;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::FileMode;
use crate::kubeconfig::Kubeconfig;
use crate::pki::Bundle;
use crate::workflow::{Run, Verb};

/// The kubeconfig with which kubelet requests its certificate.
const BOOTSTRAP: &str = "bootstrap-kubelet.conf";
/// kubelet's own kubeconfig.
const KUBELET: &str = "kubelet.conf";

/// Writes the bootstrap kubeconfig, unless kubelet has its own already, and the cluster's CA for kubelet's server.
///
/// # Errors
/// When a file can't be written, or another cluster's is in the way.
pub(crate) fn prepare(
    run: &mut Run,
    bootstrap: &Kubeconfig,
    ca: &Bundle,
    ca_path: &Path,
) -> Result<(), Error> {
    run.set_area("kubelet-start");
    if own_kubeconfig(run).is_none() {
        let path = run.settings.node.paths.kubeconfig(BOOTSTRAP);
        run.act(Verb::Write, format!("\"{BOOTSTRAP}\" kubeconfig file"));
        let mut bootstrap = bootstrap.clone();
        bootstrap.rename_cluster(&run.settings.cluster.config.cluster_name);
        run.write(&path, bootstrap.to_yaml()?.as_bytes(), FileMode::SECRET)?;
    }
    if !run.host.exists(ca_path) {
        run.write(ca_path, ca.to_pem().as_bytes(), FileMode::CERTIFICATE)?;
    }
    Ok(())
}

/// kubelet's kubeconfig, if it has one with a user.
fn own_kubeconfig(run: &Run) -> Option<Kubeconfig> {
    let text = run.host.read(&run.settings.node.paths.kubeconfig(KUBELET)).ok().flatten()?;
    let kubeconfig = Kubeconfig::parse(&String::from_utf8_lossy(&text)).ok()?;
    let user = kubeconfig.current_user()?;
    let file = &user.client_certificate;
    let usable =
        !user.client_certificate_data.is_empty() || (!file.is_empty() && run.host.exists(file.as_ref()));
    usable.then_some(kubeconfig)
}

/// Waits until kubelet is healthy and has its kubeconfig. On a control-plane node kubelet then uses the API server
/// `local` (a URL), once it is restarted: true where that is left to do.
///
/// # Errors
/// When kubelet does not become healthy or gets no certificate; with the cause, as far as it is known.
pub(crate) fn wait(run: &mut Run, local: Option<&str>) -> Result<bool, Error> {
    run.set_area("kubelet-wait");
    run.act(Verb::Wait, "for the kubelet to perform the TLS Bootstrap");
    if !run.watch.waits() {
        return show(run, local).map(|()| false);
    }
    let start = Instant::now();
    let mut view = run.live_view();
    let mut attention = Attention::new(run);
    let mut requests = Requests::default();
    run.watch.begin(&watched_kubelet(&run.settings)).map_err(|e| Error::new(ExitStatus::Failed, e))?;
    let mut kubelet_since = start;
    loop {
        let asked = Instant::now();
        let snapshot = run.watch.snapshot();
        let why = snapshot.kubelet.clone();
        view.show("kubelet", if why.is_none() { "healthy" } else { "starting" }, why.is_none());
        if let Some(kubeconfig) = own_kubeconfig(run).filter(|_| why.is_none()) {
            view.show("kubelet's certificate", "issued", true);
            view.close();
            return finish(run, kubeconfig, local);
        }
        let timeouts = run.settings.node.timeouts;
        if why.is_some() {
            if let Some(causes) = attention.hopeless(run, &snapshot) {
                view.close();
                return Err(unhealthy(run, "kubelet can't become healthy", causes));
            }
            if kubelet_since.elapsed() > timeouts.kubelet {
                view.close();
                let causes = attention.causes(run, &snapshot);
                let what = format!(
                    "The kubelet is not running or not healthy after {} s",
                    timeouts.kubelet.as_secs()
                );
                return Err(unhealthy(run, &what, causes));
            }
        } else {
            kubelet_since = Instant::now();
            requests.ask(run);
            view.show("kubelet's certificate", requests.words(), false);
            let late = start.elapsed() > timeouts.tls_bootstrap;
            if let Some(finding) = requests.refusal(late).or_else(|| requests.refused(run)) {
                view.close();
                return Err(unhealthy(run, "kubelet gets no client certificate", vec![finding]));
            }
            if late {
                view.close();
                let causes = attention.causes(run, &snapshot);
                let what = format!("kubelet has no kubeconfig after {} s", timeouts.tls_bootstrap.as_secs());
                return Err(unhealthy(run, &what, causes));
            }
        }
        rest(asked.elapsed());
    }
}

/// In a dry run no kubelet makes its kubeconfig: the bootstrap kubeconfig shows in its place which API server it names.
fn show(run: &mut Run, local: Option<&str>) -> Result<(), Error> {
    let path = run.settings.node.paths.kubeconfig(BOOTSTRAP);
    let (Some(local), Some(text)) = (local, run.host.read(&path)?) else { return Ok(()) };
    let Ok(mut kubeconfig) = Kubeconfig::parse(&String::from_utf8_lossy(&text)) else { return Ok(()) };
    if let Some(cluster) = kubeconfig.current_cluster_mut() {
        local.clone_into(&mut cluster.server);
    }
    run.write(&path, kubeconfig.to_yaml()?.as_bytes(), FileMode::SECRET)?;
    Ok(())
}

/// Removes the bootstrap kubeconfig, and points kubelet to the API server of its own node.
fn finish(run: &mut Run, mut kubeconfig: Kubeconfig, local: Option<&str>) -> Result<bool, Error> {
    let bootstrap = run.settings.node.paths.kubeconfig(BOOTSTRAP);
    run.remove(&bootstrap)?;
    if let (Some(local), Some(cluster)) = (local, kubeconfig.current_cluster_mut())
        && cluster.server != local
    {
        local.clone_into(&mut cluster.server);
        let path = run.settings.node.paths.kubeconfig(KUBELET);
        run.act(Verb::Update, format!("\"{KUBELET}\" to use the API server of this node"));
        run.write(&path, kubeconfig.to_yaml()?.as_bytes(), FileMode::SECRET)?;
        return Ok(true);
    }
    Ok(false)
}
