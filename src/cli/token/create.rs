//! `token create`.

use std::net::{IpAddr, Ipv4Addr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::Value;
use time::OffsetDateTime;

use super::list::Item;
use super::{PATIENCE, Shared};
use crate::cli::output_api::ObjectFormat;
use crate::cli::reach::{self, Reached, connect, find_kubeconfig};
use crate::cli::value::{Boolean as _, duration, flat};
use crate::cluster::bootstrap_token::secret;
use crate::cluster::{CertificateKey, ClusterObject, StoredToken};
use crate::config::Overrides;
use crate::config::duration::GoDuration;
use crate::config::v1beta4::BootstrapToken;
use crate::config::{HostFacts, Loaded, Settings};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::kubeconfig::{self, Kubeconfig};
use crate::output::{Format, JoinCommand, Printer};
use crate::pki::{Bundle, Certificate};
use crate::yaml;

/// Create a token with which nodes may join
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap token create --print-join-command\n  kubestrap token create abcdef.0123456789abcdef --ttl 2h --description 'for rack 7'\n  kubestrap token create --print-join-command --certificate-key $KEY    (joins a control-plane node)"
)]
pub(super) struct Create {
    /// The token (default: a random one)
    #[arg(value_name = "TOKEN")]
    token: Option<String>,
    /// Configuration file whose bootstrapTokens to create
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// With --print-join-command: the key of the uploaded certificates, so that a control-plane node can join
    #[arg(long, value_name = "HEX", hide_default_value = true)]
    certificate_key: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Groups that it authenticates as [default: system:bootstrappers:kubeadm:default-node-token]
    #[arg(long, value_name = "GROUPS")]
    groups: Vec<String>,
    /// Print the command with which a node joins, not the token alone
    #[arg(long, boolean())]
    print_join_command: Option<bool>,
    /// How long it lives; 0 is for ever [default: 24h0m0s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    ttl: Option<GoDuration>,
    /// What it can be used for [default: signing,authentication]
    #[arg(long, value_name = "USAGES")]
    usages: Vec<String>,
    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ObjectFormat,
}

impl Create {
    /// Creates it, and prints it or the command.
    pub(super) fn run(&self, shared: &Shared) -> Result<(), Error> {
        let out = Printer::new(Format::Text);
        // Everything that can be wrong is found before anything is created.
        self.check()?;
        let tokens = self.tokens(&out)?;
        let now = OffsetDateTime::now_utc();
        let mut secrets = vec![];
        for (index, token) in tokens.iter().enumerate() {
            secrets.extend(secret(token, index, now)?);
        }
        if shared.dry_run == Some(true) {
            return dry_run(&secrets, &out);
        }
        let reached = connect(&find_kubeconfig(shared.kubeconfig.as_deref())?, PATIENCE)?;
        let join = if self.print_join_command == Some(true) { Some(join_command(&reached)?) } else { None };
        for (secret, token) in secrets.iter().zip(&tokens) {
            if !reached.cluster.create_bootstrap_token(secret)? {
                let id = token.token.split('.').next().unwrap_or_default();
                return Err(Error::new(
                    ExitStatus::Failed,
                    format!(
                        "a token with id {id:?} exists already; it was left as it is (`kubestrap token delete {id}` deletes it)"
                    ),
                ));
            }
        }
        for (token, secret) in tokens.iter().zip(&secrets) {
            let command = join.as_ref().map(|join| join.line(&token.token, self.certificate_key.as_deref()));
            let item = Item::new(stored(token, secret), command.clone());
            out.data(
                &self.output.render(&item, |_| format!("{}\n", command.as_ref().unwrap_or(&token.token)))?,
            );
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        let usage = |message: String| Err(Error::new(ExitStatus::Usage, message));
        if let Some(key) = &self.certificate_key {
            if self.print_join_command != Some(true) {
                return usage("--certificate-key is for the command that --print-join-command prints; nothing was created".into());
            }
            if let Err(error) = key.parse::<CertificateKey>() {
                return usage(format!("--certificate-key: {error}"));
            }
        }
        if self.ttl.is_some_and(|ttl| ttl < GoDuration::ZERO) {
            return usage("--ttl: a token can't have ended before it begins".into());
        }
        if self.config.is_none() {
            return Ok(());
        }
        let given = [
            ("the token", self.token.is_some()),
            ("--certificate-key", self.certificate_key.is_some()),
            ("--description", self.description.is_some()),
            ("--groups", !self.groups.is_empty()),
            ("--ttl", self.ttl.is_some()),
            ("--usages", !self.usages.is_empty()),
        ];
        let beside: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        if beside.is_empty() {
            Ok(())
        } else {
            usage(format!("--config can't stand beside {}: write them into the file", beside.join(", ")))
        }
    }

    /// The tokens to create: those of the configuration file, or the one that the flags describe.
    fn tokens(&self, out: &Printer) -> Result<Vec<BootstrapToken>, Error> {
        let mut loaded = match &self.config {
            Some(file) => reach::load(Some(file), out)?,
            None => {
                let mut loaded = Loaded::default();
                loaded.init.bootstrap_tokens = vec![BootstrapToken {
                    token: self.token.clone().unwrap_or_default(),
                    description: self.description.clone().unwrap_or_default(),
                    ttl: self.ttl,
                    usages: flat(&self.usages),
                    groups: flat(&self.groups),
                    ..BootstrapToken::default()
                }];
                loaded.locator.flags =
                    vec![("bootstrapTokens.0.usages", "usages"), ("bootstrapTokens.0.groups", "groups")];
                loaded
            }
        };
        loaded.warnings.clear();
        // Nothing of the machine goes into a token.
        let facts = HostFacts {
            hostname: "localhost".into(),
            default_addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            ..HostFacts::default()
        };
        let resolved = Settings::resolve(loaded, facts, &Overrides::default());
        Ok(resolved.map_err(|e| reach::unusable(&e))?.init.bootstrap_tokens)
    }
}

/// A token as the cluster has it now.
fn stored(token: &BootstrapToken, secret: &ClusterObject) -> StoredToken {
    let data = secret.value.pointer("/data/expiration").and_then(Value::as_str);
    let expires = data.and_then(|d| String::from_utf8(STANDARD.decode(d).ok()?).ok());
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    StoredToken {
        token: token.token.clone(),
        description: token.description.clone(),
        expires: expires
            .and_then(|e| OffsetDateTime::parse(&e, &time::format_description::well_known::Rfc3339).ok()),
        usages: sorted(&token.usages),
        groups: sorted(&token.groups),
    }
}

fn dry_run(secrets: &[ClusterObject], out: &Printer) -> Result<(), Error> {
    for secret in secrets {
        let text = yaml::to_string(&secret.printable()).map_err(|e| Error::new(ExitStatus::Failed, e))?;
        out.document(&secret.object_name().to_string(), &text);
    }
    out.log("token", "Nothing was created, as this is a dry run");
    Ok(())
}

/// How nodes join the cluster that the kubeconfig leads to.
fn join_command(reached: &Reached) -> Result<JoinCommand, Error> {
    let failed = |message: &str| {
        Error::new(
            ExitStatus::Failed,
            format!("no join command can be made, and nothing was created: {message}"),
        )
    };
    let kubeconfig =
        Kubeconfig::parse(&reached.kubeconfig).map_err(|_| failed("the kubeconfig can't be read"))?;
    let cluster =
        kubeconfig.current_cluster().ok_or_else(|| failed("the kubeconfig has no current cluster"))?;
    let endpoint = cluster.server.strip_prefix("https://").map(|s| s.trim_end_matches('/').to_owned());
    let endpoint = endpoint.ok_or_else(|| failed("the kubeconfig's server is no https URL"))?;
    let authority = authority(cluster).map_err(|e| failed(&e))?;
    Ok(JoinCommand { endpoint, ca_hashes: authority.iter().map(Certificate::spki_sha256).collect() })
}

/// The CA of a kubeconfig's cluster, embedded or in a file.
fn authority(cluster: &kubeconfig::Cluster) -> Result<Bundle, String> {
    let pem = match (cluster.certificate_authority_data.as_str(), cluster.certificate_authority.as_str()) {
        ("", "") => return Err("the kubeconfig names no CA, which a joining node would have to trust".into()),
        ("", file) => std::fs::read(file).map_err(|e| format!("the CA {file} can't be read: {e}"))?,
        (data, _) => STANDARD.decode(data).map_err(|e| format!("the kubeconfig's CA is not base64: {e}"))?,
    };
    Bundle::from_pem(&pem).map_err(|e| format!("the kubeconfig's CA: {e}"))
}
