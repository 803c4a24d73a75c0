//! etcd's data, and an etcd that is not the cluster's own.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::fault::{Fault, fault};
use super::scene::{Scene, own, put};
use crate::command::check;
use crate::wait::eventually;

const DATA: &str = "/var/lib/etcd";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "etcd-data-of-another-cluster",
        "an earlier cluster left etcd's data, and its PKI is gone",
        |s| s.leave_behind(&[DATA]),
        &["/var/lib/etcd", "another cluster"],
        &["kubestrap reset", "mv /var/lib/etcd"],
    ),
    fault(
        "etcd-data-of-another-ca",
        "an earlier cluster left etcd's data, and the PKI is a new one",
        |s| {
            s.leave_behind(&[DATA])?;
            s.phase(&["certs", "all"])
        },
        &["/var/lib/etcd", "another cluster"],
        &["kubestrap reset", "mv /var/lib/etcd"],
    ),
    fault(
        "etcd-data-of-another-ca-ignored",
        "the same, with the check ignored: the old cluster's tokens and rules meet new certificates",
        |s| {
            s.ignored.push("PkiMatchesEtcd");
            s.leave_behind(&[DATA])?;
            s.phase(&["certs", "all"])
        },
        &["/var/lib/etcd", "another cluster"],
        &["kubestrap reset|mv /var/lib/etcd"],
    )
    .ends(&[0, 3, 4]),
    fault(
        "etcd-folder-holds-other-things",
        "etcd's folder holds files of something else",
        |_| put("/var/lib/etcd/backup.tar", "x"),
        &["/var/lib/etcd", "something else", "backup.tar"],
        &["mv /var/lib/etcd|etcd.local.dataDir"],
    ),
    fault(
        "etcd-folder-is-a-file",
        "where etcd's folder belongs stands a file",
        |_| put("/var/lib/etcd", "x"),
        &["/var/lib/etcd", "no folder|not a directory"],
        &["mv /var/lib/etcd"],
    ),
    fault(
        "etcd-wal-corrupt",
        "etcd's log is damaged, as after a power loss",
        |s| {
            earlier_etcd(s)?;
            for entry in fs::read_dir(format!("{DATA}/member/wal"))? {
                let path = entry?.path();
                if path.extension().is_some_and(|e| e == "wal") {
                    let mut content = fs::read(&path)?;
                    content.iter_mut().skip(40).take(400).for_each(|b| *b ^= 0xff);
                    fs::write(&path, content)?;
                }
            }
            Ok(())
        },
        &["etcd", "WAL|crc|corrupt|damaged|unmarshal"],
        &["restore|snapshot|backup|mv /var/lib/etcd|kubestrap reset"],
    ),
    fault(
        "etcd-database-corrupt",
        "etcd's database is cut off",
        |s| {
            earlier_etcd(s)?;
            Ok(fs::File::options().write(true).open(format!("{DATA}/member/snap/db"))?.set_len(5000)?)
        },
        &["etcd", "database|corrupt|damaged|snap/db"],
        &["restore|snapshot|backup|mv /var/lib/etcd|kubestrap reset"],
    ),
    fault(
        "etcd-database-garbage",
        "etcd's database holds something else",
        |s| {
            earlier_etcd(s)?;
            Ok(fs::write(format!("{DATA}/member/snap/db"), vec![b'x'; 65536])?)
        },
        &["etcd", "database|corrupt|damaged|snap/db|invalid"],
        &["restore|snapshot|backup|mv /var/lib/etcd|kubestrap reset"],
    ),
    fault(
        "etcd-data-locked",
        "another etcd, on other ports, works in the same folder",
        |s| {
            s.phase(&["certs", "all"])?;
            start_etcd(&[
                "--listen-client-urls=http://127.0.0.1:3379",
                "--advertise-client-urls=http://127.0.0.1:3379",
                "--listen-peer-urls=http://127.0.0.1:3380",
                "--initial-advertise-peer-urls=http://127.0.0.1:3380",
                "--initial-cluster=default=http://127.0.0.1:3380",
            ])?;
            eventually("etcd writes", Duration::from_secs(10), || {
                ensure!(Path::new("/var/lib/etcd/member/snap/db").exists(), "not yet");
                Ok(())
            })
        },
        &["etcd", "/var/lib/etcd|lock", "another|process|uses"],
        &["kill|systemctl|stop"],
    ),
    fault(
        "external-etcd-unreachable",
        "nobody listens where the external etcd should be",
        |s| {
            external(s, "http://127.0.0.1:22379");
            Ok(())
        },
        &["external etcd", "127.0.0.1:22379", "refused|can't be reached"],
        &["curl|etcd.external"],
    ),
    fault(
        "external-etcd-silent",
        "what listens where the external etcd should be never answers",
        |s| {
            s.hold("127.0.0.1:22379")?;
            external(s, "http://127.0.0.1:22379");
            Ok(())
        },
        &["external etcd", "127.0.0.1:22379", "answer|timed out|time"],
        &["curl|etcd.external"],
    ),
    fault(
        "external-etcd-files-missing",
        "the files to reach the external etcd with are not there",
        |s| {
            s.cluster("etcd: {external: {endpoints: ['https://127.0.0.1:22379'], caFile: /etc/e/ca.crt, certFile: /etc/e/c.crt, keyFile: /etc/e/c.key}}");
            Ok(())
        },
        &["etcd.external.caFile", "/etc/e/ca.crt", "does not exist"],
        &["copy it"],
    ),
    fault(
        "external-etcd-of-another-ca",
        "the external etcd's certificate is of another CA than caFile",
        |s| {
            s.phase(&["certs", "etcd-ca"])?;
            s.phase(&["certs", "etcd-server"])?;
            let pki = "/etc/etcd-server";
            fs::rename("/etc/kubernetes/pki/etcd", pki)?;
            s.phase(&["certs", "etcd-ca"])?;
            s.phase(&["certs", "apiserver-etcd-client"])?;
            fs::rename("/etc/kubernetes/pki", "/etc/etcd-client")?;
            start_etcd(&[
                "--listen-client-urls=https://127.0.0.1:22379",
                "--advertise-client-urls=https://127.0.0.1:22379",
                &format!("--cert-file={pki}/server.crt"),
                &format!("--key-file={pki}/server.key"),
                "--data-dir=/var/lib/external-etcd",
            ])?;
            s.cluster("etcd: {external: {endpoints: ['https://127.0.0.1:22379'], caFile: /etc/etcd-client/etcd/ca.crt, certFile: /etc/etcd-client/apiserver-etcd-client.crt, keyFile: /etc/etcd-client/apiserver-etcd-client.key}}");
            answers("127.0.0.1:22379")
        },
        &["external etcd", "127.0.0.1:22379", "certificate|issuer|trust"],
        &["caFile|curl"],
    ),
    fault(
        "external-etcd-old",
        "the external etcd is older than Kubernetes takes",
        |s| {
            let text = own(
                "version",
                "HTTP/1.1 200 OK\r\nContent-Length: 44\r\nConnection: close\r\n\r\n{\"etcdserver\":\"3.4.1\",\"etcdcluster\":\"3.4.0\"}",
            )?;
            let answer = fs::read(text)?;
            let listener = std::net::TcpListener::bind("127.0.0.1:22379")?;
            std::thread::spawn(move || {
                for mut stream in listener.incoming().flatten() {
                    use std::io::{Read, Write};
                    let _ = stream.read(&mut [0; 4096]);
                    let _ = stream.write_all(&answer);
                }
            });
            external(s, "http://127.0.0.1:22379");
            Ok(())
        },
        &["external etcd", "3.4.1"],
        &["update"],
    ),
];

fn external(s: &mut Scene, endpoint: &str) {
    s.cluster(&format!("etcd: {{external: {{endpoints: ['{endpoint}']}}}}"));
}

/// Starts an etcd of its own on this machine, which lives as long as the machine. Its data go to [`DATA`].
fn start_etcd(words: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("etcd");
    if !words.iter().any(|w| w.starts_with("--data-dir")) {
        command.arg(format!("--data-dir={DATA}"));
    }
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("etcd can't be started").map(drop)
}

fn answers(address: &str) -> anyhow::Result<()> {
    eventually("etcd answers", Duration::from_secs(10), || {
        Ok(std::net::TcpStream::connect(address).map(drop)?)
    })
}

/// The PKI of a cluster whose etcd ran here a while, under this node's name, and has ended.
fn earlier_etcd(s: &Scene) -> anyhow::Result<()> {
    s.phase(&["certs", "all"])?;
    let name = crate::machine::NODE_NAME;
    start_etcd(&[
        &format!("--name={name}"),
        "--initial-advertise-peer-urls=https://10.88.0.2:2380",
        &format!("--initial-cluster={name}=https://10.88.0.2:2380"),
        "--listen-peer-urls=http://127.0.0.1:3380",
    ])?;
    answers("127.0.0.1:2379")?;
    for pid in s.node.processes("etcd") {
        check("kill", &[&pid.to_string()])?;
    }
    eventually("etcd ends", Duration::from_secs(10), || {
        ensure!(s.node.processes("etcd").is_empty(), "it runs");
        Ok(())
    })
}
