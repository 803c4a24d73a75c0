//! The workflow of `init`: kubeadm's phases, in kubeadm's order.

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
    use crate::phases::runner::ids;

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
}
