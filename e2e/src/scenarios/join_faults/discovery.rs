//! A cluster that is not found, or is another one.

use super::fault::{FAULT, Fault, Object, without};

/// A join whose waiting for the cluster is given up after ten seconds.
macro_rules! impatient {
    ($endpoint:literal) => {
        &[("join.yaml", concat!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ntimeouts: {discovery: 10s, kubernetesAPICall: 10s}\ndiscovery: {bootstrapToken: {token: TOKEN, caCertHashes: ['HASH'], apiServerEndpoint: '",
            $endpoint, "'}}\n"
        ))]
    };
}
const IMPATIENT: &str = "join --config /e2e/logs/join.yaml";

/// `serve SAN FROM UNTIL` has kube-apiserver show a certificate like that; `serve_again` its own.
macro_rules! serve {
    ($use:literal) => {
        concat!(r#"
pki=/etc/kubernetes/pki
shown() { openssl s_client -connect 10.88.0.2:6443 </dev/null 2>/dev/null | openssl x509 -noout -serial; }
wait_for_it() { for i in $(seq 700); do [ "$(shown)" = "$(openssl x509 -noout -serial -in $pki/apiserver.crt)" ] && return; sleep 0.1; done; exit 1; }
serve() {
  own=$(mktemp -d); : > $own/index.txt; cp -p $pki/apiserver.crt /e2e/logs/own-apiserver.crt
  printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index.txt\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=p\nrand_serial=yes\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=%s\nextendedKeyUsage=serverAuth\n' $own $own "$1" > $own/config
  openssl req -new -key $pki/apiserver.key -subj /CN=kube-apiserver -out $own/request
  openssl ca -batch -config $own/config -extensions e -in $own/request -cert $pki/ca.crt -keyfile $pki/ca.key -startdate $2 -enddate $3 -notext -out $own/certificate
  cat $own/certificate > $pki/apiserver.crt; wait_for_it
}
serve_again() { cat /e2e/logs/own-apiserver.crt > $pki/apiserver.crt; wait_for_it; }
"#, $use)
    };
}
const SERVE_AGAIN: &str = serve!("serve_again");

/// The administrator's kubeconfig as a discovery file.
const ADMIN: &str = "cp /etc/kubernetes/admin.conf /e2e/logs/e2e-1/discovery.conf";

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "unknown-token",
        words: &[("TOKEN", "zzzzzz.0123456789abcdef")],
        says: &["not signed with the token \"zzzzzz\"", "expired", "token create --print-join-command"],
        ..FAULT
    },
    Fault {
        name: "expired-token",
        cluster: "kubestrap token create expire.0123456789abcdef --ttl 1s; sleep 3",
        words: &[("TOKEN", "expire.0123456789abcdef")],
        says: &["not signed with the token \"expire\"", "expired", "token create --print-join-command"],
        ..FAULT
    },
    Fault {
        name: "token-does-not-sign",
        cluster: "kubestrap token create nosign.0123456789abcdef --usages authentication",
        mend_cluster: "kubestrap token delete nosign",
        words: &[("TOKEN", "nosign.0123456789abcdef")],
        says: &["although the API server accepts the token", "usage `signing`", "kubestrap token list"],
        ..FAULT
    },
    Fault {
        name: "token-only-signs",
        cluster: "kubestrap token create noauth.0123456789abcdef\nk --namespace kube-system patch secret bootstrap-token-noauth --patch '{\"stringData\": {\"usage-bootstrap-authentication\": \"false\"}}'; sleep 2",
        mend_cluster: "kubestrap token delete noauth",
        words: &[("TOKEN", "noauth.0123456789abcdef")],
        says: &["does not accept the token \"noauth\"", "may not be used for authentication", "token create"],
        ..FAULT
    },
    Fault {
        name: "token-of-another-group",
        cluster: "kubestrap token create others.0123456789abcdef --groups system:bootstrappers:others; sleep 2",
        mend_cluster: "kubestrap token delete others",
        words: &[("TOKEN", "others.0123456789abcdef")],
        says: &[
            "may not read ConfigMap kube-system/kubeadm-config",
            "not of the group",
            "kubestrap token list",
        ],
        ..FAULT
    },
    Fault {
        name: "wrong-secret",
        words: &[("SECRET", "0123456789abcdef")],
        says: &["its secret is another one", "token create --print-join-command"],
        ..FAULT
    },
    Fault {
        name: "wrong-hash",
        words: &[("HASH", "sha256:abababababababababababababababababababababababababababababababab")],
        says: &["not the one that is pinned", "sha256:"],
        ..FAULT
    },
    Fault {
        name: "nothing-listens",
        line: IMPATIENT,
        files: impatient!("10.88.0.2:6444"),
        says: &["6444 refuses the connection: nothing listens", "fix: see on the control-plane node"],
        ..FAULT
    },
    Fault {
        name: "unresolved",
        line: IMPATIENT,
        files: impatient!("nowhere.invalid:6443"),
        says: &["\"nowhere.invalid\" does not resolve", "fix: "],
        ..FAULT
    },
    Fault {
        name: "packets-dropped",
        line: IMPATIENT,
        files: impatient!("10.99.0.1:6443"),
        cluster: "ip route add blackhole 10.99.0.1/32",
        mend_cluster: "ip route del blackhole 10.99.0.1/32",
        says: &[
            "10.99.0.1:6443 does not answer within",
            "a firewall or security group",
            "allow connections to",
        ],
        ..FAULT
    },
    Fault {
        name: "no-way-there",
        line: IMPATIENT,
        files: impatient!("10.99.0.2:6443"),
        cluster: "ip route add unreachable 10.99.0.2/32",
        mend_cluster: "ip route del unreachable 10.99.0.2/32",
        says: &["10.99.0.2:6443 can't be reached", "see this machine's network"],
        ..FAULT
    },
    Fault {
        name: "etcd-answers",
        words: &[(":6443", ":2379")],
        says: &["2379", "another service|client certificate", "default port 6443"],
        ..FAULT
    },
    Fault {
        name: "http-answers",
        words: &[(":6443", ":8001")],
        cluster: "setsid kubectl proxy --kubeconfig /etc/kubernetes/admin.conf --address 10.88.0.2 --port 8001 >/dev/null 2>&1 & echo $! > /e2e/logs/pid; sleep 1",
        mend_cluster: "kill $(cat /e2e/logs/pid)",
        says: &["8001 does not speak TLS", "the port is that of another service", "default port 6443"],
        ..FAULT
    },
    Fault {
        name: "web-server-answers",
        words: &[(":6443", ":8443")],
        cluster: "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /e2e/logs/web.key -subj /CN=web -out /e2e/logs/web.crt\n\
            setsid openssl s_server -accept 8443 -www -cert /e2e/logs/web.crt -key /e2e/logs/web.key >/dev/null 2>&1 & echo $! > /e2e/logs/pid; sleep 1",
        mend_cluster: "kill $(cat /e2e/logs/pid)",
        says: &["8443 answers, but not as a Kubernetes API server", "default port 6443"],
        ..FAULT
    },
    Fault {
        name: "no-cluster-info",
        objects: &[without("kube-public", "configmap", "cluster-info")],
        says: &["has no ConfigMap kube-public/cluster-info", "bootstrap-token"],
        ..FAULT
    },
    Fault {
        name: "cluster-info-not-public",
        objects: &[without("kube-public", "rolebinding", "kubeadm:bootstrap-signer-clusterinfo")],
        says: &["does not let anybody read", "bootstrap-token"],
        ..FAULT
    },
    Fault {
        name: "cluster-info-without-ca",
        objects: &[Object {
            namespace: "kube-public",
            kind: "configmap",
            name: "cluster-info",
            replaced: &[("certificate-authority-data", "certificate-authority-date")],
        }],
        cluster: "sleep 2",
        mend_cluster: "sleep 2",
        says: &["cluster-info of 10.88.0.2:6443 can't be used", "bootstrap-token"],
        ..FAULT
    },
    Fault {
        name: "cluster-info-names-another-server",
        line: IMPATIENT,
        files: impatient!("10.88.0.2:6443"),
        objects: &[Object {
            namespace: "kube-public",
            kind: "configmap",
            name: "cluster-info",
            replaced: &[("server: https://10.88.0.2:6443", "server: https://nowhere.invalid:6443")],
        }],
        cluster: "sleep 2",
        mend_cluster: "sleep 2",
        says: &[
            "https://nowhere.invalid:6443, can't be used from here",
            "cluster-info names it",
            "controlPlaneEndpoint",
        ],
        ..FAULT
    },
    Fault {
        name: "certificate-of-the-future",
        cluster: serve!("serve IP:10.88.0.2 20401231000000Z 20411231000000Z"),
        mend_cluster: SERVE_AGAIN,
        says: &["not valid|not yet valid", "2040", "fix: "],
        ..FAULT
    },
    Fault {
        name: "certificate-expired",
        cluster: serve!("serve IP:10.88.0.2 20200101000000Z 20210101000000Z"),
        mend_cluster: SERVE_AGAIN,
        says: &["expired", "2021", "certs renew"],
        ..FAULT
    },
    Fault {
        name: "certificate-without-the-name",
        cluster: serve!("serve DNS:elsewhere,IP:10.1.1.1 20200101000000Z 20401231000000Z"),
        mend_cluster: SERVE_AGAIN,
        says: &["is not for \"10.88.0.2\"", "elsewhere", "certSANs"],
        ..FAULT
    },
    Fault {
        name: "certificate-of-another-ca",
        cluster: serve!(
            "cp -p $pki/apiserver.crt /e2e/logs/own-apiserver.crt\n\
            openssl req -x509 -key $pki/apiserver.key -subj /CN=other -addext subjectAltName=IP:10.88.0.2 -out /e2e/logs/other.crt\n\
            cat /e2e/logs/other.crt > $pki/apiserver.crt; wait_for_it"
        ),
        mend_cluster: SERVE_AGAIN,
        says: &["is not signed by", "another cluster's API server|ends TLS"],
        ..FAULT
    },
    Fault {
        name: "file-with-an-expired-certificate",
        line: "join --discovery-file /e2e/logs/discovery.conf",
        cluster: "own=$(mktemp -d); : > $own/index.txt; cd $own\n\
            printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index.txt\\nnew_certs_dir=.\\ndefault_md=sha256\\npolicy=p\\nrand_serial=yes\\n[p]\\ncommonName=supplied\\n[e]\\nextendedKeyUsage=clientAuth\\n' > config\n\
            openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -subj /CN=joiner -out request\n\
            openssl ca -batch -config config -extensions e -in request -cert /etc/kubernetes/pki/ca.crt -keyfile /etc/kubernetes/pki/ca.key -startdate 20200101000000Z -enddate 20210101000000Z -notext -out certificate\n\
            cp /etc/kubernetes/admin.conf /e2e/logs/e2e-1/discovery.conf\n\
            kubectl --kubeconfig /e2e/logs/e2e-1/discovery.conf config set-credentials kubernetes-admin --embed-certs --client-certificate certificate --client-key key",
        says: &["does not accept the client certificate", "expired"],
        ..FAULT
    },
    Fault {
        name: "file-with-another-ca",
        line: "join --discovery-file /e2e/logs/discovery.conf",
        cluster: "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=other -out /e2e/logs/other-ca.crt\n\
            cp /etc/kubernetes/admin.conf /e2e/logs/e2e-1/discovery.conf\n\
            kubectl --kubeconfig /e2e/logs/e2e-1/discovery.conf config set-cluster kubernetes --embed-certs --certificate-authority /e2e/logs/other-ca.crt",
        says: &["is not signed by", "CN=other"],
        ..FAULT
    },
    Fault {
        name: "file-at-a-url-that-is-not-trusted",
        line: "join --discovery-file https://10.88.0.2:6443/discovery.conf",
        cluster: ADMIN,
        says: &["is not signed by a CA that this machine trusts", "certificate-authority-data"],
        ..FAULT
    },
];
