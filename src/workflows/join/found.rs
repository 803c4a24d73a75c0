//! Finding the cluster to join, and what its stored configuration says.

use std::net::IpAddr;
use std::path::PathBuf;

use serde_json::Value;

use super::assumed;
use super::search::Search;
use crate::cluster;
use crate::config::v1beta4::JoinConfiguration;
use crate::config::{ClusterSettings, Paths};
use crate::discovery;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::kubeconfig::Kubeconfig;
use crate::pki::Bundle;
use crate::pki::table::{CERTIFICATES, SERVICE_ACCOUNT};
use crate::preflight::{KubeletConf, trust_of};
use crate::workflow::Run;

/// How many keys a control-plane node generates: seven certificates and three kubeconfigs. Those that it finds here are
/// too many by so many.
pub(crate) const KEYS: usize = 10;

/// The cluster to join.
#[derive(Clone)]
pub(crate) struct Found {
    /// The way to it, with the credentials of the TLS bootstrap; a secret.
    pub(crate) kubeconfig: Kubeconfig,
    /// Its CA.
    pub(crate) ca: Bundle,
    /// It was not found: a dry run goes on as if there were one.
    pub(crate) assumed: bool,
}

/// Waits until the cluster is discovered, reads its stored configuration into the run's settings, and makes it the run's
/// cluster.
///
/// # Errors
/// When it can't be discovered, or what it has stored can't be used.
pub(super) fn find(run: &mut Run, join: &JoinConfiguration, search: Search) -> Result<Found, Error> {
    let discovered = match search.end(run)? {
        Ok(discovered) => discovered,
        Err(error) => {
            let dry = !run.watch.waits();
            if let (true, Some(found)) = (dry && error.cause.is_silence(), assumed::assume(run, join)?) {
                run.warn(format!(
                    "{}: continuing as for a cluster with kubeadm's defaults for Kubernetes {}",
                    error.cause, run.settings.cluster.version
                ));
                return Ok(found);
            }
            let status = if error.cause.is_usage() { ExitStatus::Usage } else { ExitStatus::Failed };
            return Err(Error::from_source(status, error));
        }
    };
    for warning in &discovered.warnings {
        run.warn(warning);
    }
    let ca = Bundle::from_pem(discovered.ca.as_bytes())?;
    let limit = run.settings.node.timeouts.kubernetes_api;
    let text = discovered.kubeconfig.to_yaml()?;
    let mut reached = cluster::of_kubeconfig_text("the discovered kubeconfig", &text, limit)?;
    run.log("Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...");
    let stored = discovery::read_configuration(&mut *reached, &discovered)?;
    let settings = ClusterSettings::of_stored(stored.loaded, stored.generated).map_err(|error| {
        Error::new(
            ExitStatus::Failed,
            format!("the configuration in ConfigMap kube-system/kubeadm-config can't be used:\n{error}"),
        )
    })?;
    run.settings.node.paths = Paths {
        certificates: PathBuf::from(&settings.config.certificates_dir),
        ..run.settings.node.paths.clone()
    };
    run.settings.cluster = settings;
    if join.control_plane.is_some() {
        run.generate_keys(KEYS);
    }
    run.join_cluster(reached);
    Ok(Found { kubeconfig: discovered.kubeconfig, ca, assumed: false })
}

impl Found {
    /// Checks that the cluster has room for a Node of this name.
    ///
    /// # Errors
    /// When another machine has the name.
    pub(super) fn check_node(&self, run: &mut Run) -> Result<(), Error> {
        let name = run.settings.node_name().to_owned();
        let Some(node) = run.cluster.get("Node", "", &name)? else { return Ok(()) };
        let here = run.machine.addresses().unwrap_or_default();
        let Some(state) = taken(&node, &here.iter().map(|a| a.ip).collect::<Vec<_>>()) else { return Ok(()) };
        // A node that joined already and runs the same command again.
        if self.is_this_machine(run) {
            return Ok(());
        }
        let machine = node.pointer("/status/nodeInfo/machineID").and_then(Value::as_str).unwrap_or_default();
        let addresses: Vec<&str> = node
            .pointer("/status/addresses")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|a| a.get("address").and_then(Value::as_str))
            .collect();
        Err(Error::new(
            ExitStatus::Preflight,
            format!(
                "a Node with name \"{name}\" and status \"{state}\" already exists in the cluster: it is another machine (machine id {machine}, addresses {})\n  fix: give this machine another name with `--node-name`, or remove the other one first with `kubectl delete node {name}`",
                addresses.join(", ")
            ),
        ))
    }

    /// Whether kubelet on this machine is already a Node of this cluster: its kubeconfig trusts the cluster's CA.
    fn is_this_machine(&self, run: &Run) -> bool {
        let path = run.settings.node.paths.kubeconfig("kubelet.conf");
        trust_of(&path, &*run.machine, Some(&self.ca)) == KubeletConf::Ours
    }

    /// Checks what a control-plane node needs of the cluster and of this machine.
    ///
    /// # Errors
    /// When the cluster has no stable endpoint, or shared certificates are missing or another cluster's.
    pub(super) fn check_control_plane(&self, run: &Run, join: &JoinConfiguration) -> Result<(), Error> {
        let refused = |message: String| Err(Error::new(ExitStatus::Preflight, message));
        let config = &run.settings.cluster.config;
        if config.control_plane_endpoint.is_empty() {
            return refused(
                "can't add a control-plane node: the cluster has no stable controlPlaneEndpoint address, under which all its API servers are reached\n  fix: set `controlPlaneEndpoint` in ConfigMap kube-system/kubeadm-config to a name or address that leads to them, and issue the API servers' certificates with that name (`kubestrap init phase certs apiserver --control-plane-endpoint NAME` on each control-plane node)".into(),
            );
        }
        let external_etcd = config.etcd.external.is_some();
        let exists = |file: &str| run.host.exists(&run.certificate_path(file));
        let has_key = join.control_plane.as_ref().is_some_and(|c| !c.certificate_key.is_empty());
        if !has_key {
            let cas = CERTIFICATES.iter().filter(|row| row.is_ca() && !(external_etcd && row.is_of_etcd()));
            let mut missing: Vec<String> =
                cas.map(|row| row.certificate_file()).filter(|f| !exists(f)).collect();
            missing.extend(
                [SERVICE_ACCOUNT.private_key, SERVICE_ACCOUNT.public_key]
                    .into_iter()
                    .filter(|f| !exists(f))
                    .map(str::to_owned),
            );
            if !missing.is_empty() {
                return refused(format!(
                    "can't add a control-plane node: the certificates that control-plane nodes share are missing in {}: {}\n  fix: upload them with `kubestrap init phase upload-certs --upload-certs` on a control-plane node and join with the `--certificate-key` that it prints, or copy them here",
                    run.settings.node.paths.certificates.display(),
                    missing.join(", ")
                ));
            }
        }
        if let Some(ca) = run.certificate("ca.crt")? {
            let same = self.ca.iter().any(|c| c.spki_sha256() == ca.certificate.spki_sha256());
            if !same {
                return refused(format!(
                    "{} is another cluster's CA: its public key is not that of the cluster to join\n  fix: revert what the other cluster left on this machine with `kubestrap reset`, or remove the file",
                    run.certificate_path("ca.crt").display()
                ));
            }
        }
        Ok(())
    }
}

/// The state of a Node that is another machine's: it is ready, which is kubeadm's rule, or its kubelet reports from an
/// address that is not `here`. One whose kubelet is silent may be a lost machine that this one replaces.
fn taken(node: &Value, here: &[IpAddr]) -> Option<&'static str> {
    let list = |pointer: &str| node.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let is = |value: &Value, key: &str, wanted: &str| value.get(key).is_some_and(|v| v == wanted);
    let ready = list("/status/conditions").find(|c| is(c, "type", "Ready"));
    if ready.is_some_and(|c| is(c, "status", "True")) {
        return Some("Ready");
    }
    let reports = ready.is_some_and(|c| is(c, "status", "False"));
    let internal = list("/status/addresses").filter(|a| is(a, "type", "InternalIP"));
    let mut addresses =
        internal.filter_map(|a| a.get("address")?.as_str()?.parse::<IpAddr>().ok()).peekable();
    let elsewhere = addresses.peek().is_some() && !addresses.any(|address| here.contains(&address));
    (reports && elsewhere).then_some("NotReady")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn node_is_taken_while_its_kubelet_reports_from_another_machine() {
        let here: Vec<IpAddr> = vec!["192.0.2.3".parse().unwrap()];
        let state = |ready: &str, address: &str| {
            let node = json!({"status": {
                "conditions": [{"type": "Ready", "status": ready}],
                "addresses": [{"type": "Hostname", "address": "n2"}, {"type": "InternalIP", "address": address}],
            }});
            taken(&node, &here)
        };
        assert_eq!(state("True", "192.0.2.9"), Some("Ready"));
        assert_eq!(state("True", "192.0.2.3"), Some("Ready"), "kubeadm's rule");
        assert_eq!(state("False", "192.0.2.9"), Some("NotReady"));
        assert_eq!(state("False", "192.0.2.3"), None, "this machine, after `reset`");
        assert_eq!(state("Unknown", "192.0.2.9"), None, "a lost machine is replaced");
        assert_eq!(taken(&json!({}), &here), None);
    }
}
