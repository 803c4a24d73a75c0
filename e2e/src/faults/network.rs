//! Addresses, names, proxies.

use super::fault::{Fault, fault};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "advertise-address-elsewhere",
        "the address to advertise is not this machine's",
        |s| {
            s.init("localAPIEndpoint: {advertiseAddress: 10.88.0.77}");
            Ok(())
        },
        &["10.88.0.77", "not an address of this machine", "10.88.0.2"],
        &["--apiserver-advertise-address 10.88.0.2"],
    ),
    fault(
        "endpoint-unresolvable",
        "controlPlaneEndpoint is a name that resolves to nothing",
        |s| {
            s.cluster("controlPlaneEndpoint: cp.example.invalid:6443");
            Ok(())
        },
        &["cp.example.invalid", "resolve"],
        &["/etc/hosts|DNS"],
    )
    .ends(&[0, 3, 4]),
    fault(
        "endpoint-elsewhere",
        "controlPlaneEndpoint is an address at which nobody answers: the load balancer is not there",
        |s| {
            s.cluster("controlPlaneEndpoint: 10.88.0.99:6443");
            Ok(())
        },
        &["10.88.0.99:6443", "controlPlaneEndpoint|control-plane endpoint|control plane's endpoint"],
        &["load balancer|controlPlaneEndpoint"],
    )
    .ends(&[0, 3, 4]),
    fault(
        "endpoint-port-closed",
        "controlPlaneEndpoint names this machine, at a port that nobody forwards",
        |s| {
            s.cluster("controlPlaneEndpoint: 10.88.0.2:8443");
            Ok(())
        },
        &["10.88.0.2:8443", "controlPlaneEndpoint|control-plane endpoint|control plane's endpoint"],
        &["load balancer|controlPlaneEndpoint|port"],
    )
    .ends(&[0, 3, 4]),
    fault(
        "proxy-in-the-way",
        "the environment names a proxy and no exceptions for the cluster",
        |s| {
            s.environment.push(("HTTPS_PROXY", "http://10.88.0.250:3128".to_owned()));
            Ok(())
        },
        &["proxy", "10.88.0.250:3128"],
        &["NO_PROXY="],
    )
    .ends(&[0, 4]),
    fault(
        "subnets-overlap",
        "the networks of Pods and Services overlap",
        |s| {
            s.cluster("networking: {podSubnet: 10.96.0.0/12, serviceSubnet: 10.96.0.0/16}");
            Ok(())
        },
        &["10.96.0.0/12", "10.96.0.0/16", "overlap"],
        &["podSubnet|serviceSubnet"],
    )
    .ends(&[0, 2, 3]),
    fault(
        "node-name-invalid",
        "the node's name is not one that Kubernetes takes",
        |s| {
            s.init("nodeRegistration: {name: Node_1}");
            Ok(())
        },
        &["Node_1|node_1", "name"],
        &["name"],
    )
    .ends(&[2, 3]),
];
