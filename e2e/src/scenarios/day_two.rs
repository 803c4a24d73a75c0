//! Certificates, requests and kubeconfigs of kubestrap's and kubeadm's making, compared with openssl.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::command::check;
use crate::config::Config;
use crate::json::at;
use crate::left::Left;
use crate::node::{CONFIG, Node};

const HOME: &str = "/etc/kubernetes";
const MADE: &str = "/var/lib/made";
const TOOLS: [&str; 2] = ["kubeadm", "kubestrap"];

/// What openssl tells of a certificate, in whatever order its extensions stand: all but what is new in each; and
/// whether it is good for a year to come.
const CERTIFICATE: &str = r#"openssl x509 -in "$0" -noout -text -certopt no_serial,no_validity,no_pubkey,no_sigdump | sort
openssl x509 -in "$0" -noout -checkend $((364*24*3600))
openssl x509 -in "$0" -noout -pubkey | openssl pkey -pubin -noout -text | head -1"#;
/// Of a key: its form, and whether it is that of the certificate (or request) beside it.
const KEY: &str = r#"head -1 "$0"; own=$(openssl pkey -in "$0" -pubout) || exit
base=${0%.key}
[ -e "$base.crt" ] && [ "$own" = "$(openssl x509 -in "$base.crt" -noout -pubkey)" ] && echo of its certificate
[ -e "$base.csr" ] && [ "$own" = "$(openssl req -in "$base.csr" -noout -pubkey)" ] && echo of its request
true"#;
/// Of a request.
const REQUEST: &str = r#"openssl req -in "$0" -noout -verify -text -reqopt no_pubkey,no_sigdump 2>&1 | sort"#;
/// Of a kubeconfig: all but its data, and what these are.
const KUBECONFIG: &str = r#"sed 's/-data: .*/-data:/' "$0"; folder=$(mktemp -d)
sed -n 's/.*client-certificate-data: //p' "$0" | base64 -d > $folder/own.crt
sed -n 's/.*client-key-data: //p' "$0" | base64 -d > $folder/own.key
sed -n 's/.*certificate-authority-data: //p' "$0" | base64 -d | sha256sum
head -1 $folder/own.key
if [ -s $folder/own.crt ]; then
  openssl x509 -in $folder/own.crt -noout -text -certopt no_serial,no_validity,no_pubkey,no_sigdump | sort
  [ "$(openssl pkey -in $folder/own.key -pubout)" = "$(openssl x509 -in $folder/own.crt -noout -pubkey)" ] && echo matching
fi
rm -r $folder"#;

/// Whoever made the files, both see in them, make of them and ask for the same.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    node.prepare_init(&Config::cluster("apiServer: {certSANs: [api.example.com, 203.0.113.7]}"))?;
    for maker in TOOLS {
        let _ = fs::remove_dir_all(HOME);
        let _ = fs::remove_dir_all(MADE);
        run_tool(node, maker, &["init", "phase", "certs", "all"])?;
        run_tool(node, maker, &["init", "phase", "kubeconfig", "all"])?;
        check("cp", &["--archive", HOME, MADE])?;
        looked_at(node).with_context(|| format!("what {maker} made, looked at"))?;
        renewed(node, maker)?;
        without_ca_key(node, maker)?;
        both(node, maker, "the requests", |tool| {
            let _ = fs::remove_dir_all("/var/lib/csr");
            let places = ["--cert-dir", "/var/lib/csr/pki", "--kubeconfig-dir", "/var/lib/csr"];
            run_tool(node, tool, &[["certs", "generate-csr"].as_slice(), &places].concat())?;
            facts(node, "/var/lib/csr")
        })?;
        both(node, maker, "a user's kubeconfig", |tool| {
            let user = ["kubeconfig", "user", "--client-name", "jane", "--org", "dev", "--org", "ops"];
            let _ = fs::remove_dir_all("/var/lib/user");
            fs::create_dir_all("/var/lib/user")?;
            fs::write("/var/lib/user/jane.conf", run_tool(node, tool, &user)?.trim_end())?;
            facts(node, "/var/lib/user")
        })?;
    }
    Ok(())
}

fn run_tool(node: &Node, tool: &str, args: &[&str]) -> anyhow::Result<String> {
    let output = node.run(tool, &[args, &["--config", CONFIG]].concat())?;
    Ok(output.success()?.stdout)
}

/// Both tools do the same to what `maker` made.
fn both(
    node: &Node,
    maker: &str,
    what: &str,
    does: impl Fn(&str) -> anyhow::Result<Left>,
) -> anyhow::Result<Left> {
    let done = |tool: &str| {
        restore(node)?;
        does(tool).with_context(|| format!("{what} by {tool}, of what {maker} made"))
    };
    let [theirs, ours] = TOOLS.map(done);
    let ours = ours?;
    theirs?.same_as(&ours).with_context(|| format!("{what}, of what {maker} made"))?;
    Ok(ours)
}

fn restore(node: &Node) -> anyhow::Result<()> {
    let _ = fs::remove_dir_all(HOME);
    node.run("cp", &["--archive", MADE, HOME])?.success().map(drop)
}

/// `check-expiration`, but for the seconds that passed.
fn looked_at(node: &Node) -> anyhow::Result<()> {
    let look = |tool: &str| -> anyhow::Result<Value> {
        let text = run_tool(node, tool, &["certs", "check-expiration", "-o", "json"])?;
        let mut value: Value = serde_json::from_str(&text)?;
        for list in ["certificates", "certificateAuthorities"] {
            for item in value.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                let seconds = at(item, "/residualTime").as_i64().context("no time is left")?;
                ensure!(seconds > 364 * 24 * 3600, "{item}");
                ensure!(at(item, "/missing") == false, "{item}");
                item.as_object_mut().and_then(|fields| fields.remove("residualTime"));
            }
        }
        Ok(value)
    };
    let (theirs, ours) = (look("kubeadm")?, look("kubestrap")?);
    ensure!(theirs == ours, "kubeadm sees {theirs}\nkubestrap sees {ours}");
    Ok(())
}

/// Renewed by either, everything is as it was, but new; and the other takes it.
fn renewed(node: &Node, maker: &str) -> anyhow::Result<()> {
    restore(node)?;
    let before = facts(node, HOME)?;
    let after = both(node, maker, "renewal", |tool| {
        run_tool(node, tool, &["certs", "renew", "all"])?;
        for leaf in ["apiserver.crt", "etcd/peer.crt", "front-proxy-client.key"] {
            let same = fs::read(format!("{HOME}/pki/{leaf}"))? == fs::read(format!("{MADE}/pki/{leaf}"))?;
            ensure!(!same, "{leaf} is not new");
        }
        looked_at(node)?;
        facts(node, HOME)
    })?;
    before.same_as(&after).with_context(|| format!("before and after the renewal of what {maker} made"))
}

/// What an external CA signed stays; the rest is renewed.
fn without_ca_key(node: &Node, maker: &str) -> anyhow::Result<()> {
    both(node, maker, "renewal with an external CA", |tool| {
        fs::remove_file(format!("{HOME}/pki/ca.key"))?;
        run_tool(node, tool, &["certs", "renew", "all"])?;
        let mut files = facts(node, HOME)?;
        for (file, told) in &mut files.0 {
            let same = fs::read(format!("{HOME}/{file}"))? == fs::read(format!("{MADE}/{file}"))?;
            *told = if same { "kept" } else { "renewed" }.to_owned();
        }
        Ok(files)
    })?;
    Ok(())
}

/// Of each file below `folder`: its mode, and what openssl tells.
fn facts(node: &Node, folder: &str) -> anyhow::Result<Left> {
    let listed = node.run("find", &[folder, "-type", "f", "-printf", "%P %m\n"])?.success()?;
    let mut all = BTreeMap::new();
    for line in listed.stdout.lines() {
        let (name, mode) = line.rsplit_once(' ').context("find tells no mode")?;
        let script = match Path::new(name).extension().and_then(|e| e.to_str()) {
            Some("crt") => CERTIFICATE,
            Some("key") => KEY,
            Some("csr") => REQUEST,
            Some("conf") => KUBECONFIG,
            _ => "true",
        };
        let told = node.run("sh", &["-c", script, &format!("{folder}/{name}")])?.success()?;
        all.insert(name.to_owned(), format!("{mode}\n{}", told.stdout));
    }
    ensure!(!all.is_empty(), "{folder} is empty");
    Ok(Left(all))
}
