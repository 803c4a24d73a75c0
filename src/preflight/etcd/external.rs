//! An external etcd: reachable, new enough, with its client certificate.

use crate::config::args::last_value;
use crate::config::v1beta4::ExternalEtcd;
use crate::config::{Settings, names};
use crate::finding::Finding;
use crate::host::machine::Machine;

/// kubeadm's least.
const MINIMUM: semver::Version = semver::Version::new(3, 5, 24);

/// Where etcd listens for its clients.
const CLIENT_PORT: u16 = 2379;

pub(crate) fn version(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let Some(etcd) = &settings.cluster.config.etcd.external else { return vec![] };
    let endpoints = if etcd.http_endpoints.is_empty() { &etcd.endpoints } else { &etcd.http_endpoints };
    // All at once: each may take its whole time.
    std::thread::scope(|scope| {
        let asked: Vec<_> =
            endpoints.iter().map(|endpoint| scope.spawn(move || member(machine, endpoint, etcd))).collect();
        asked.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect()
    })
}

fn member(machine: &dyn Machine, endpoint: &str, etcd: &ExternalEtcd) -> Option<Finding> {
    let answer = match machine.etcd_version(endpoint, etcd) {
        Ok(answer) => answer,
        Err(error) => {
            return Some(
                Finding::error(format!("the external etcd at {endpoint} can't be reached"))
                    .evidence(error)
                    .cause(
                        "it is not running, a firewall blocks it, or its certificates and ours do not match",
                    )
                    .fix(format!("try `{}`", curl(endpoint, etcd))),
            );
        }
    };
    let json: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
    let text = json.get("etcdserver").and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    match semver::Version::parse(&text) {
        Ok(version) if version >= MINIMUM => None,
        Ok(version) => Some(
            Finding::error(format!(
                "the external etcd at {endpoint} is {version}, which is older than the required {MINIMUM}"
            ))
            .fix("update that etcd"),
        ),
        Err(_) => Some(
            Finding::error(format!("what responds at {endpoint} is not etcd"))
                .evidence(answer.chars().take(200).collect::<String>())
                .fix("correct etcd.external.endpoints"),
        ),
    }
}

/// `--etcd-servers` given by hand, where etcd is this node's own: it leads to where that etcd will listen, or elsewhere to
/// what we can't know.
pub(crate) fn servers(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let Some(local) = &settings.cluster.config.etcd.local else { return vec![] };
    let given = last_value(&settings.cluster.config.api_server.extra_args, "etcd-servers");
    if last_value(&local.extra_args, "listen-client-urls").is_some() {
        return vec![];
    }
    let here = machine.addresses().unwrap_or_default();
    let leads_nowhere = |url: &&str| {
        let authority = url.split_once("://").map_or(*url, |(_, rest)| rest).trim_end_matches('/');
        let Ok((host, Some(port))) = names::host_port(authority) else { return false };
        let Some(ip) = names::ip(&host) else { return false };
        let is_here = ip.is_loopback() || here.iter().any(|a| a.ip == ip);
        is_here && port != CLIENT_PORT && machine.listeners_on(port).is_empty()
    };
    let wrong = given.into_iter().flat_map(|v| v.split(',')).map(str::trim).filter(leads_nowhere);
    wrong
        .map(|url| {
            Finding::error(format!("kube-apiserver's flag `etcd-servers` names {url}, where no etcd listens"))
                .evidence(format!("this node's etcd will listen on port {CLIENT_PORT}"))
                .cause("kube-apiserver can't start without etcd")
                .fix("take `etcd-servers` out of apiServer.extraArgs: init names this node's etcd by itself")
        })
        .collect()
}

/// A command that asks the same.
fn curl(endpoint: &str, etcd: &ExternalEtcd) -> String {
    let files = [("--cacert", &etcd.ca_file), ("--cert", &etcd.cert_file), ("--key", &etcd.key_file)];
    let files = files.iter().filter(|(_, file)| !file.is_empty());
    let files: String = files.map(|(flag, file)| format!("{flag} {file} ")).collect();
    format!("curl {files}{endpoint}/version")
}

pub(crate) fn client_certificates(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let Some(etcd) = &settings.cluster.config.etcd.external else { return vec![] };
    let files = [("caFile", &etcd.ca_file), ("certFile", &etcd.cert_file), ("keyFile", &etcd.key_file)];
    let missing = files.into_iter().filter(|(_, f)| !f.is_empty() && machine.kind(f.as_ref()).is_none());
    missing
        .map(|(field, file)| {
            Finding::error(format!("etcd.external.{field} is {file}, which does not exist"))
                .cause("the API server needs it to reach the external etcd")
                .fix(format!("copy it from the etcd cluster to {file}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::preflight::fake::{FakeMachine, settings};

    const CONFIG: &str = "etcd: {external: {endpoints: ['https://192.0.2.3:2379', 'https://192.0.2.4:2379'], caFile: /etc/e/ca.crt, certFile: /etc/e/c.crt, keyFile: /etc/e/c.key}}\n";

    #[test]
    fn every_external_etcd_member_is_checked() {
        let s = settings(CONFIG);
        assert!(FakeMachine::healthy().check("ExternalEtcdVersion", &s).is_empty());
        let down = FakeMachine::with(|m| m.etcd = Err("connection refused".into()));
        let found = down.check("ExternalEtcdVersion", &s);
        assert_eq!(found.len(), 2);
        assert!(found[1].what.contains("192.0.2.4") && found[1].evidence[0] == "connection refused");
        let command = "curl --cacert /etc/e/ca.crt --cert /etc/e/c.crt --key /etc/e/c.key https://192.0.2.4:2379/version";
        assert!(found[1].fix.as_ref().unwrap().contains(command), "{found:?}");
        let plain = down.check(
            "ExternalEtcdVersion",
            &settings("etcd: {external: {endpoints: ['http://192.0.2.3:2379']}}\n"),
        );
        assert_eq!(plain[0].fix.as_deref(), Some("try `curl http://192.0.2.3:2379/version`"));
        let old = FakeMachine::with(|m| m.etcd = Ok(r#"{"etcdserver":"3.5.23"}"#.into()));
        assert!(old.check("ExternalEtcdVersion", &s)[0].what.contains("3.5.24"));
        let other = FakeMachine::with(|m| m.etcd = Ok("<html>".into()));
        assert!(other.check("ExternalEtcdVersion", &s)[0].what.contains("is not etcd"));
    }

    #[test]
    fn servers_that_lead_nowhere() {
        let with = |url: &str, etcd: &str| {
            settings(&format!("apiServer: {{extraArgs: [{{name: etcd-servers, value: '{url}'}}]}}\n{etcd}"))
        };
        let machine = FakeMachine::healthy();
        let found =
            machine.finding("EtcdServers", &with("https://127.0.0.1:2379,https://127.0.0.1:2999", ""));
        assert!(found.what.contains("https://127.0.0.1:2999") && !found.what.contains("2379"), "{found:?}");
        for url in [
            "https://127.0.0.1:2379",
            "https://192.0.2.10:2379/",
            "https://192.0.2.99:2999",
            "https://etcd:2999",
        ] {
            assert!(machine.check("EtcdServers", &with(url, "")).is_empty(), "{url}");
        }
        let moved =
            "etcd: {local: {extraArgs: [{name: listen-client-urls, value: 'https://127.0.0.1:2999'}]}}\n";
        assert!(machine.check("EtcdServers", &with("https://127.0.0.1:2999", moved)).is_empty());
        assert!(machine.check("EtcdServers", &settings("")).is_empty());
    }

    #[test]
    fn missing_files_are_named_one_by_one() {
        let s = settings(CONFIG);
        let machine = FakeMachine::with(|m| m.file("/etc/e/ca.crt", "x"));
        let found = machine.check("ExternalEtcdClientCertificates", &s);
        assert_eq!(found.len(), 2);
        assert!(found[0].what.contains("certFile is /etc/e/c.crt"));
    }
}
