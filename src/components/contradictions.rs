//! Settings that are right one by one, and contradict each other or what kubestrap makes.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Pod;

use super::Subject;
use super::command::Command;
use super::kubelet::{self, Kubelet};
use super::verdict::Verdict;
use crate::config::defaults::{DNS_DOMAIN, SERVICE_SUBNET};
use crate::config::{Paths, names};
use crate::manifest::Component;

pub(super) fn judge(subject: &Subject<'_>, commands: &[Command], kubelet: &Kubelet<'_>) -> Vec<Verdict> {
    let mut verdicts = of_kubelet(subject, kubelet);
    verdicts.extend(pods_of_a_node(commands, kubelet));
    for (component, pod) in &subject.pods {
        verdicts.extend(not_mounted(*component, pod, subject));
        verdicts.extend(relative(*component, subject));
    }
    verdicts
}

/// Fields of kubelet that have to fit the cluster.
fn of_kubelet(subject: &Subject<'_>, kubelet: &Kubelet<'_>) -> Vec<Verdict> {
    let k = &kubelet.fields;
    let networking = &subject.cluster.networking;
    let mut verdicts = vec![];
    let manifests = Paths::new("", None).manifests;
    if !k.static_pod_path.is_empty() && manifests != std::path::Path::new(&k.static_pod_path) {
        let why = format!(
            "kubelet would not find the control plane, whose manifests are in {}",
            manifests.display()
        );
        verdicts.push(unfit(kubelet, "staticPodPath", why));
    }
    let domain = if networking.dns_domain.is_empty() { DNS_DOMAIN } else { networking.dns_domain.as_str() };
    if !k.cluster_domain.is_empty() && k.cluster_domain.trim_end_matches('.') != domain {
        let why = format!(
            "Pods would look for names in {:?}, and CoreDNS answers for {domain:?} (`networking.dnsDomain`)",
            k.cluster_domain
        );
        verdicts.push(unfit(kubelet, "clusterDomain", why).warning());
    }
    let subnets =
        if networking.service_subnet.is_empty() { SERVICE_SUBNET } else { &networking.service_subnet };
    let subnets: Vec<_> = subnets.split(',').filter_map(|subnet| names::cidr(subnet.trim())).collect();
    for (i, item) in k.cluster_dns.iter().flatten().enumerate() {
        let Some(address) = names::ip(item) else { continue };
        // A cache on each node listens at a link-local address.
        if !subnets.is_empty() && !is_link_local(address) && !subnets.iter().any(|net| net.contains(&address))
        {
            let why = format!(
                "{item} is outside `networking.serviceSubnet`, {}: the DNS Service can't have that address",
                subnets.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
            );
            verdicts.push(unfit(kubelet, &format!("clusterDNS.{i}"), why).warning());
        }
    }
    if !["", "cgroupfs", "systemd"].contains(&k.cgroup_driver.as_str()) {
        let why =
            format!("{:?} is not known, and taken for cgroupfs: write systemd or cgroupfs", k.cgroup_driver);
        verdicts.push(unfit(kubelet, "cgroupDriver", why).warning());
    }
    verdicts
}

/// A field of kubelet's configuration that does not fit, or the flag that sets it.
fn unfit(kubelet: &Kubelet<'_>, field: &str, why: String) -> Verdict {
    let (kind, path, flag) = kubelet.place(field);
    let message = match flag {
        Some(flag) => format!("kubelet `--{flag}`: {why}"),
        None => format!("{field}: {why}"),
    };
    let verdict = Verdict::error("contradiction", kind, path, message);
    if flag.is_none() { verdict.under(kubelet::CHECK) } else { verdict }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// More Pods than a node has addresses for.
fn pods_of_a_node(commands: &[Command], kubelet: &Kubelet<'_>) -> Option<Verdict> {
    let command = commands.iter().find(|command| command.is_true("allocate-node-cidrs"))?;
    let most = Some(kubelet.fields.max_pods).filter(|most| *most > 0)?;
    let subnet = command.value("cluster-cidr")?.split(',').find_map(|net| names::cidr(net.trim()))?;
    let (flag, usual) = if subnet.addr().is_ipv6() {
        ("node-cidr-mask-size-ipv6", 64)
    } else {
        ("node-cidr-mask-size-ipv4", 24)
    };
    let mask = command
        .value(flag)
        .or(command.value("node-cidr-mask-size"))
        .map_or(Some(usual), |v| v.parse().ok())?;
    let host_bits = u32::from(subnet.max_prefix_len()).checked_sub(mask)?;
    // The first and the last address are no Pod's.
    let addresses = 1_i64.checked_shl(host_bits).filter(|_| host_bits < 62)? - 2;
    let why =
        format!("a node has {addresses} addresses, a /{mask} of the Pod subnet (`{flag}`), for {most} Pods");
    (i64::from(most) > addresses).then(|| unfit(kubelet, "maxPods", why).warning())
}

/// Files that our own flags name, and that a user's volume of the same name as ours, or a patch, took away.
fn not_mounted(component: Component, pod: &Pod, subject: &Subject<'_>) -> Option<Verdict> {
    let container = pod.spec.as_ref()?.containers.first()?;
    let mounts = container.volume_mounts.as_deref().unwrap_or_default();
    let words = super::command_line(pod);
    let command = Command::new(super::Program::of(component), subject.minor, &words, subject.args(component));
    let lost = command.flags.iter().find(|given| {
        let names_a_file = ["file", "config"].iter().any(|end| given.name.ends_with(end));
        let path = std::path::Path::new(&given.value);
        names_a_file
            && path.is_absolute()
            && !command.is_users(given)
            && !mounts.iter().any(|mount| path.starts_with(&mount.mount_path))
    })?;
    let (base, volumes, _) = subject.extra(component);
    let ours = ["k8s-certs", "kubeconfig"];
    let taken = volumes.iter().position(|volume| ours.contains(&volume.name.as_str()));
    let (path, why) = match taken {
        Some(at) => {
            (format!("{base}.extraVolumes.{at}.name"), ": a volume of that name replaces kubestrap's own")
        }
        None => (base.to_owned(), ""),
    };
    let message = format!(
        "{}'s Pod: {}, which `--{}` names, is not mounted{why}",
        component.name(),
        lost.value,
        lost.name
    );
    let verdict = Verdict::error("contradiction", "ClusterConfiguration", path, message);
    Some(verdict.under("StaticPods").because("the container sees only what is mounted: it won't start"))
}

/// Volumes whose path the runtime would look for in a place of its own.
fn relative(component: Component, subject: &Subject<'_>) -> Vec<Verdict> {
    let (base, volumes, _) = subject.extra(component);
    let relative =
        volumes.iter().enumerate().filter(|(_, v)| !v.host_path.is_empty() && !v.host_path.starts_with('/'));
    relative
        .map(|(i, volume)| {
            let path = format!("{base}.extraVolumes.{i}.hostPath");
            let message = format!("{path}: {:?} is not an absolute path", volume.host_path);
            Verdict::error("contradiction", "ClusterConfiguration", path, message)
                .under("StaticPods")
                .warning()
        })
        .collect()
}
