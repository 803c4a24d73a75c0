//! Clusters that can't be read, or would not take the upgrade.

use super::{FAULT, Fault, PUT_BACK};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "expired-admin-conf",
        before: "cp -a /etc/kubernetes/admin.conf kept.conf
            openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -subj /O=kubeadm:cluster-admins/CN=kubernetes-admin -out r
            openssl x509 -req -in r -CA /etc/kubernetes/pki/ca.crt -CAkey /etc/kubernetes/pki/ca.key -days -1 -extfile <(echo extendedKeyUsage=clientAuth) -out c
            kubectl config set-credentials kubernetes-admin --embed-certs --client-certificate c --client-key k",
        after: "cp -a kept.conf /etc/kubernetes/admin.conf",
        code: 1,
        says: &["401|expired"],
        ..FAULT
    },
    Fault {
        name: "admin-conf-of-a-clock-that-was-ahead",
        before: "cp -a /etc/kubernetes/admin.conf kept.conf
            openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -subj /O=kubeadm:cluster-admins/CN=kubernetes-admin -out r
            printf '[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index\nserial=serial\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n[p]\norganizationName=supplied\ncommonName=supplied\n[e]\nextendedKeyUsage=clientAuth\n' > ca.conf
            touch index && echo 01 > serial
            openssl ca -batch -notext -config ca.conf -cert /etc/kubernetes/pki/ca.crt -keyfile /etc/kubernetes/pki/ca.key -in r -out c -startdate 20400101000000Z -enddate 20410101000000Z
            kubectl config set-credentials kubernetes-admin --embed-certs --client-certificate c --client-key k",
        after: "cp -a kept.conf /etc/kubernetes/admin.conf",
        code: 1,
        says: &["not valid yet|clock"],
        ..FAULT
    },
    Fault {
        name: "api-server-is-down",
        before: "mv /etc/kubernetes/manifests/kube-apiserver.yaml .
            while pidof kube-apiserver; do sleep 0.2; done",
        after: "mv kube-apiserver.yaml /etc/kubernetes/manifests/
            until kubectl get --raw /readyz; do sleep 0.5; done",
        code: 1,
        says: &["6443", "refused|nothing listens"],
        ..FAULT
    },
    Fault {
        name: "kubeadm-config-missing",
        before: "kubectl -n kube-system get configmap kubeadm-config -o json > kept.json
            kubectl -n kube-system delete configmap kubeadm-config",
        after: PUT_BACK,
        code: 1,
        says: &["kubeadm-config not found", "upload-config"],
        ..FAULT
    },
    Fault {
        name: "kubeadm-config-unreadable",
        before: "kubectl -n kube-system get configmap kubeadm-config -o json > kept.json
            kubectl -n kube-system patch configmap kubeadm-config --type merge -p '{\"data\":{\"ClusterConfiguration\":\"a: [\"}}'",
        after: PUT_BACK,
        code: 1,
        says: &["can't be used", "kubectl -n kube-system edit configmap"],
        ..FAULT
    },
    Fault {
        name: "flag-unknown-in-the-configuration",
        before: "kubectl -n kube-system get configmap kubeadm-config -o json > kept.json
            sed 's/scheduler: {}/scheduler: {extraArgs: [{name: no-such-flag, value: a}]}/' kept.json | kubectl replace -f -",
        after: PUT_BACK,
        says: &["no-such-flag", "scheduler.extraArgs"],
        ..FAULT
    },
    Fault {
        name: "gate-unknown-to-kubelet",
        before: "kubectl -n kube-system get configmap kubelet-config -o json > kubelet.json
            sed 's/\\\\nkind: KubeletConfiguration/\\\\nfeatureGates: {NoSuchGate: true}&/' kubelet.json | kubectl replace -f -",
        after: "sed -i '/\"resourceVersion\"/d' kubelet.json && kubectl replace -f kubelet.json",
        says: &["NoSuchGate"],
        ..FAULT
    },
    Fault {
        name: "webhook-refuses-kube-proxy",
        before: "GROUP=apps RESOURCE=daemonsets WEBHOOK",
        after: "kubectl delete validatingwebhookconfiguration e2e-fault",
        says: &["kube-proxy", "fault.e2e.example.org", "exempt the namespace kube-system"],
        ..FAULT
    },
    Fault {
        name: "kube-proxy-missing",
        before: "kubectl -n kube-system get configmap/kube-proxy daemonset/kube-proxy -o json > proxy.json
            kubectl -n kube-system delete configmap/kube-proxy daemonset/kube-proxy",
        after: "sed -i '/\"resourceVersion\"/d' proxy.json && kubectl create -f proxy.json",
        command: "kubestrap upgrade plan TARGET",
        code: 0,
        says: &["kube-proxy is not installed", "--skip-phases addon/kube-proxy"],
        ..FAULT
    },
    Fault {
        name: "webhook-refuses-pods",
        before: "GROUP= RESOURCE=pods WEBHOOK",
        after: "kubectl delete validatingwebhookconfiguration e2e-fault",
        says: &["Job upgrade-health-check", "fault.e2e.example.org|no Node can take the Job"],
        ..FAULT
    },
    Fault {
        name: "node-missing",
        before: "kubectl delete node e2e-node",
        after: "systemctl restart kubelet
            until kubectl get node e2e-node; do sleep 0.5; done
            kubestrap init phase mark-control-plane --config /etc/kubestrap.yaml",
        says: &["no Node e2e-node", "mark-control-plane"],
        ..FAULT
    },
];
