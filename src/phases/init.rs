//! The workflow of `init`: kubeadm's phases, in kubeadm's order. A few run ahead of their place: those that follow
//! another ([`Phase::follows`]), for kubelet and the first static Pods to start sooner.

use super::context::InitContext;
use super::phase::Phase;
use super::{
    addon, bootstrap_token, certs, control_plane, kubeconfig, kubelet_finalize, kubelet_start,
    mark_control_plane, preflight, show_join_command, upload_certs, upload_config, wait_control_plane,
};

/// The table. `init`, `init phase …`, `phase …`, `--skip-phases`, the help and the events all come from it.
pub fn phases() -> Vec<Phase<InitContext>> {
    vec![
        preflight::phase(),
        certs::phase(),
        kubeconfig::phase(),
        control_plane::etcd(),
        control_plane::phase(),
        kubelet_start::phase(),
        wait_control_plane::phase(),
        upload_config::phase(),
        upload_certs::phase(),
        mark_control_plane::phase(),
        bootstrap_token::phase(),
        kubelet_finalize::phase(),
        addon::phase(),
        show_join_command::phase(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phases::runner::{ids, in_order_of_running};

    #[test]
    fn the_ids_are_kubeadm_s() {
        let all = ids(&phases()).join(" ");
        assert_eq!(
            all,
            "preflight certs certs/ca certs/apiserver certs/apiserver-kubelet-client certs/front-proxy-ca certs/front-proxy-client \
             certs/etcd-ca certs/etcd-server certs/etcd-peer certs/etcd-healthcheck-client certs/apiserver-etcd-client certs/sa \
             kubeconfig kubeconfig/admin kubeconfig/super-admin kubeconfig/kubelet kubeconfig/controller-manager kubeconfig/scheduler \
             etcd etcd/local control-plane control-plane/apiserver control-plane/controller-manager control-plane/scheduler \
             kubelet-start wait-control-plane upload-config upload-config/kubeadm upload-config/kubelet upload-certs \
             mark-control-plane bootstrap-token kubelet-finalize kubelet-finalize/enable-client-cert-rotation \
             addon addon/coredns addon/kube-proxy show-join-command"
        );
    }
    #[test]
    fn kubelet_starts_with_the_first_that_it_needs_and_each_pod_comes_after_its_files() {
        let table = phases();
        let order: Vec<String> = in_order_of_running(&table).into_iter().map(|(id, _)| id).collect();
        let place = |id: &str| order.iter().position(|o| o == id).unwrap();
        assert_eq!(order[..4], ["preflight", "certs/ca", "kubeconfig/kubelet", "kubelet-start"]);
        let last_certificate = place("certs/sa");
        for (pod, needed) in [
            ("etcd/local", last_certificate),
            ("control-plane/apiserver", last_certificate),
            ("control-plane/controller-manager", place("kubeconfig/controller-manager")),
            ("control-plane/scheduler", place("kubeconfig/scheduler")),
        ] {
            assert!(needed < place(pod) && place(pod) < place("wait-control-plane"), "{pod}: {order:?}");
        }
    }
}
