//! A worker's part: its kubelet comes to trust what the cluster trusts, and gets a client certificate of the CA that signs
//! now.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::files::{
    client_certificate_file, is_below, text_of, warn_of_serving, write_kubeconfig, write_kubelet_client,
};
use super::{announce, prepare};
use crate::certs::rotation::Stage;
use crate::cluster::{Apply, ClusterObject};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::FileMode;
use crate::phases::signing_requests::denial;
use crate::pki::{Bundle, Certificate, CertificateSpec, KeyAlgorithm, PrivateKey, certificate_request};
use crate::workflow::{Run, Verb};

/// How long a certificate signing request may take: it is approved and signed within moments.
const PATIENCE: Duration = Duration::from_secs(60);
const PERIOD: Duration = Duration::from_millis(500);

/// What became of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Synced {
    /// Something was changed.
    pub(crate) changed: bool,
    /// The cluster still trusts an old CA too.
    pub(crate) lasting: bool,
}

/// Brings this worker to what the cluster trusts and signs with now.
///
/// # Errors
/// When the cluster does not tell, or does not sign.
pub(crate) fn sync(run: &mut Run) -> Result<Synced, Error> {
    let failed = |message: String| Error::new(ExitStatus::Failed, message);
    let trusted = trusted(run)?;
    let kubelet_conf = run.settings.node.paths.kubeconfig("kubelet.conf");
    let ca_file = run.certificate_path("ca.crt");
    let before = (run.host.read(&kubelet_conf)?, run.host.read(&ca_file)?);
    let Some(text) = &before.0 else {
        return Err(failed(format!("{} does not exist: this machine is not a node", kubelet_conf.display())));
    };
    run.act(
        Verb::Write,
        format!("the cluster's CAs to {} and {}", kubelet_conf.display(), ca_file.display()),
    );
    write_kubeconfig(run, &kubelet_conf, &trusted)?;
    run.host.write(&ca_file, trusted.to_pem().as_bytes(), FileMode::CERTIFICATE)?;
    let file = client_certificate_file(text).ok_or_else(|| {
        failed(format!(
            "{} embeds its client certificate\n  fix: have it name /var/lib/kubelet/pki/kubelet-client-current.pem, which kubelet renews",
            kubelet_conf.display()
        ))
    })?;
    let old = run.host.read(&file)?.unwrap_or_default();
    let old = Certificate::from_pem(&old).map_err(|e| failed(format!("{}: {e}", file.display())))?;
    let signer = &trusted.certificate;
    let renewed = !is_below(&old, signer, run.started);
    if renewed {
        run.act(Verb::Renew, "kubelet's client certificate");
        warn_of_serving(run);
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
        if let Some(certificate) = request(run, &old, &key)? {
            if !is_below(&certificate, signer, run.started) {
                return Err(failed(
                    "kubelet's new client certificate is still signed by the old CA\n  cause: not every control-plane node has switched to the new CA\n  fix: run `kubestrap certs rotate-ca` on those (`kubestrap certs rotate-ca status` names them), and then here again".into(),
                ));
            }
            write_kubelet_client(&*run.host, &file, &certificate, &key)?;
        }
    }
    let after = (run.host.read(&kubelet_conf)?, run.host.read(&ca_file)?);
    let changed = renewed || after != before;
    if changed && let Some(init) = run.host.init_system() {
        run.act(Verb::Restart, "kubelet");
        init.restart("kubelet")?;
    }
    let lasting = !trusted.intermediates.is_empty();
    let stage = if lasting { Stage::Switched } else { Stage::Finished };
    announce::announce(run, &prepare::id(signer), stage)?;
    Ok(Synced { changed, lasting })
}

/// What the cluster trusts: the ConfigMap that Pods of this node are given.
fn trusted(run: &mut Run) -> Result<Bundle, Error> {
    let wrong = |why: String| {
        let message = format!(
            "ConfigMap kube-system/kube-root-ca.crt, which holds the cluster's CAs, can't be read: {why}\n  cause: a node may read it while a Pod of kube-system that is given it runs there, such as kube-proxy's\n  fix: copy /etc/kubernetes/pki/ca.crt from a control-plane node, put it into kubelet.conf as certificate-authority-data, and restart kubelet"
        );
        Error::new(ExitStatus::Failed, message)
    };
    let map =
        run.cluster.get("ConfigMap", "kube-system", "kube-root-ca.crt").map_err(|e| wrong(e.to_string()))?;
    let map = map.ok_or_else(|| wrong("it does not exist".into()))?;
    Bundle::from_pem(text_of(&map, "/data/ca.crt").as_bytes()).map_err(|e| wrong(e.to_string()))
}

/// Has kube-controller-manager sign a client certificate like `old` for a new key; none in a dry run.
fn request(run: &mut Run, old: &Certificate, key: &PrivateKey) -> Result<Option<Certificate>, Error> {
    let failed = |message: String| Error::new(ExitStatus::Failed, message);
    let spec = CertificateSpec::renewal(old, run.started, run.started)?;
    let name = format!("kubestrap-{}-{}", run.settings.node_name(), run.started.unix_timestamp());
    let value = json!({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": { "name": name },
        "spec": {
            "request": STANDARD.encode(certificate_request(&spec, key)?),
            "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            "usages": ["digital signature", "client auth"],
        },
    });
    run.cluster.apply(vec![ClusterObject { value, mode: Apply::CreateOnly, secret: false }])?;
    let start = Instant::now();
    while run.watch.waits() {
        let request = run.cluster.get("CertificateSigningRequest", "", &name)?.unwrap_or_default();
        let issued = text_of(&request, "/status/certificate");
        if !issued.is_empty() {
            let pem = STANDARD.decode(issued).unwrap_or_default();
            let certificate = Certificate::from_pem(&pem);
            return Ok(Some(certificate.map_err(|e| failed(format!("the issued certificate: {e}")))?));
        }
        if let Some(why) = denial(&request) {
            return Err(failed(format!(
                "CertificateSigningRequest {name} was denied: {why}\n  fix: find out who denied it (`kubectl describe csr {name}`), and run this again"
            )));
        }
        if start.elapsed() > PATIENCE {
            return Err(failed(format!(
                "CertificateSigningRequest {name} is not signed after {} s\n  cause: kube-controller-manager approves and signs requests of nodes for themselves, if ClusterRoleBinding kubeadm:node-autoapprove-certificate-rotation exists\n  fix: see `kubectl describe csr {name}`, and run this again",
                PATIENCE.as_secs()
            )));
        }
        std::thread::sleep(PERIOD);
    }
    Ok(None)
}
