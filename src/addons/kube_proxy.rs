//! kube-proxy, which makes Services reachable on every node: its configuration and its objects in kubeadm's order.

use std::net::IpAddr;

use askama::Template;

use crate::cluster::{Apply, ClusterObject, ObjectError, component_config_hash};
use crate::config::Settings;
use crate::config::kube_proxy::KubeProxyConfiguration;
use crate::config::settings::NODE_BOOTSTRAP_GROUP;
use crate::kubeconfig::{Cluster, Context, Kubeconfig, NamedCluster, NamedContext, NamedUser, User};
use crate::yaml;

/// By which a patch file means its DaemonSet, in the versions that have such patches.
pub(crate) const PATCH_TARGET: &str = "kubeproxydaemonset";
/// Where its kubeconfig is mounted.
const KUBECONFIG: &str = "/var/lib/kube-proxy/kubeconfig.conf";
/// Where every container finds its ServiceAccount's credentials.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

#[derive(Template)]
#[template(path = "addons/kube-proxy.yml")]
struct Objects<'a> {
    s: &'a Settings,
    configuration: &'a str,
    kubeconfig: &'a str,
    hash: Option<String>,
    proxy_variables: Vec<(String, String)>,
    joining_nodes: &'a str,
}

/// Everything of the addon.
///
/// # Errors
/// When the configuration can't be written.
pub(crate) fn objects(settings: &Settings) -> Result<Vec<ClusterObject>, ObjectError> {
    let configuration = &yaml::to_string(&configuration(settings).to_value()?)?;
    let kubeconfig = &kubeconfig(settings).to_yaml()?;
    // Without a hash `kubeadm upgrade` leaves the user's own alone.
    let generated = settings.cluster.generated().kube_proxy;
    let hash = generated.then(|| component_config_hash([configuration.as_str(), kubeconfig.as_str()]));
    let mut proxy_variables = settings.node.facts.proxy_variables.clone();
    proxy_variables.sort();
    let template = Objects {
        s: settings,
        configuration,
        kubeconfig,
        hash,
        proxy_variables,
        joining_nodes: NODE_BOOTSTRAP_GROUP,
    };
    ClusterObject::render(&template, Apply::CreateOrUpdate)
}

/// The configuration with kubeadm's defaults where the user says nothing.
pub(crate) fn configuration(settings: &Settings) -> KubeProxyConfiguration {
    let mut c = settings.cluster.kube_proxy.clone().unwrap_or_default();
    for default in defaults(settings) {
        let field = (default.field)(&mut c);
        if field.is_empty() {
            *field = default.value;
        }
    }
    if settings.cluster.release.explicit_proxy_mode && c.mode.is_empty() {
        c.mode = "iptables".into();
    }
    c
}

/// Where the user's configuration says other than the rest of the cluster's would have it; it counts, and this is
/// worth a warning.
pub(crate) fn deviations(settings: &Settings) -> Vec<String> {
    let mut c = settings.cluster.kube_proxy.clone().unwrap_or_default();
    let differ = defaults(settings).into_iter().filter_map(|default| {
        let given = (default.field)(&mut c).clone();
        (!given.is_empty() && !default.value.is_empty() && given != default.value).then(|| {
            format!(
                "KubeProxyConfiguration.{} is {given:?}, though {} gives {:?}: {given:?} is used",
                default.name, default.source, default.value
            )
        })
    });
    differ.collect()
}

/// A field of text that has a default.
struct FieldDefault {
    name: &'static str,
    field: fn(&mut KubeProxyConfiguration) -> &mut String,
    value: String,
    source: &'static str,
}

fn defaults(settings: &Settings) -> [FieldDefault; 3] {
    let given = settings.cluster.kube_proxy.as_ref().and_then(|c| c.bind_address.parse::<IpAddr>().ok());
    let (address, source) = match given {
        Some(given) if settings.cluster.release.bind_address_of_any_family => (given, "its family"),
        _ => (settings.node.advertise_address, "the family of localAPIEndpoint.advertiseAddress"),
    };
    let any_address = if address.is_ipv6() { "::" } else { "0.0.0.0" };
    [
        FieldDefault {
            name: "bindAddress",
            field: |c| &mut c.bind_address,
            value: any_address.into(),
            source,
        },
        FieldDefault {
            name: "clusterCIDR",
            field: |c| &mut c.cluster_cidr,
            value: settings.cluster.config.networking.pod_subnet.clone(),
            source: "networking.podSubnet",
        },
        FieldDefault {
            name: "clientConnection.kubeconfig",
            field: |c| &mut c.client_connection.kubeconfig,
            value: KUBECONFIG.into(),
            source: "the ConfigMap kube-proxy",
        },
    ]
}

/// How kube-proxy reaches the API server: not by a Service, which it is there to set up.
fn kubeconfig(settings: &Settings) -> Kubeconfig {
    let name = || "default".to_owned();
    Kubeconfig {
        preferences: None,
        api_version: "v1".into(),
        kind: "Config".into(),
        clusters: vec![NamedCluster {
            name: name(),
            cluster: Cluster {
                server: format!("https://{}", settings.control_plane_endpoint()),
                certificate_authority: format!("{SERVICE_ACCOUNT}/ca.crt"),
                ..Cluster::default()
            },
        }],
        contexts: vec![NamedContext {
            name: name(),
            context: Context { cluster: name(), user: name(), namespace: name() },
        }],
        current_context: name(),
        users: vec![NamedUser {
            name: name(),
            user: User { token_file: format!("{SERVICE_ACCOUNT}/token"), ..User::default() },
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::settings;

    const PROXY: &str = "\n---\napiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

    #[test]
    fn what_the_user_says_counts_and_is_told_where_it_deviates() {
        let text = format!("{PROXY}bindAddress: 192.0.2.7\nclusterCIDR: 10.0.0.0/8\n");
        let settings = settings(&format!("networking: {{podSubnet: 10.244.0.0/16}}{text}"));
        let c = configuration(&settings);
        assert_eq!((c.bind_address.as_str(), c.cluster_cidr.as_str()), ("192.0.2.7", "10.0.0.0/8"));
        assert_eq!(c.client_connection.kubeconfig, KUBECONFIG);
        let told = deviations(&settings);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[1].contains("clusterCIDR") && told[1].contains("networking.podSubnet"), "{told:?}");
    }

    #[test]
    fn since_1_37_the_bind_address_may_be_of_either_family() {
        let told = |version: &str, address: &str| {
            let text = format!("kubernetesVersion: {version}{PROXY}bindAddress: '{address}'\n");
            deviations(&settings(&text)).join("")
        };
        assert!(told("v1.36.2", "::").contains("0.0.0.0"));
        assert_eq!(told("v1.37.0", "::"), "");
        assert_eq!(told("v1.37.0", "0.0.0.0"), "");
        assert!(told("v1.37.0", "fd00::7").contains("its family gives \"::\""));
    }

    #[test]
    fn the_mode_is_written_out_since_1_37() {
        let mode = |version: &str| configuration(&settings(&format!("kubernetesVersion: {version}"))).mode;
        assert_eq!((mode("v1.36.2").as_str(), mode("v1.37.0").as_str()), ("", "iptables"));
    }

    #[test]
    fn proxy_variables_reach_the_container() {
        let mut settings = settings("");
        settings.node.facts.proxy_variables =
            vec![("no_proxy".into(), "a,\"b\"".into()), ("HTTPS_PROXY".into(), "http://p:1".into())];
        let objects = objects(&settings).unwrap();
        let set = objects.iter().find(|o| o.kind() == "DaemonSet").unwrap();
        let env = &set.value["spec"]["template"]["spec"]["containers"][0]["env"];
        assert_eq!(env[1]["name"], "HTTPS_PROXY");
        assert_eq!(env[2]["value"], "a,\"b\"");
    }
}
