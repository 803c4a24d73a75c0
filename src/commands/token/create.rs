//! `token create`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;

use super::PATIENCE;
use super::list::Item;
use crate::cluster::bootstrap_token::secret;
use crate::cluster::{CertificateKey, ClusterObject, StoredToken};
use crate::commands::configuration::unusable;
use crate::commands::reach::{self, Reached, connect, find_kubeconfig};
use crate::config::duration::GoDuration;
use crate::config::v1beta4::BootstrapToken;
use crate::config::{HostFacts, Loaded, Overrides, Settings};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::kubeconfig::{self, Kubeconfig};
use crate::output::{JoinCommand, ObjectFormat, Printer};
use crate::pki::{Bundle, Certificate};
use crate::yaml;

/// What is asked for.
pub(crate) struct Request {
    /// The token: a secret; none for a random one.
    pub(crate) token: Option<String>,
    /// A configuration file whose tokens to create.
    pub(crate) config: Option<String>,
    /// The key of uploaded certificates, for the join command: a secret.
    pub(crate) certificate_key: Option<String>,
    /// What the token is for.
    pub(crate) description: Option<String>,
    /// Groups that the token authenticates as.
    pub(crate) groups: Vec<String>,
    /// Print the join command.
    pub(crate) print_join_command: bool,
    /// How long it lives.
    pub(crate) ttl: Option<GoDuration>,
    /// What it can be used for.
    pub(crate) usages: Vec<String>,
    /// How to print it.
    pub(crate) format: ObjectFormat,
    /// Create nothing.
    pub(crate) dry_run: bool,
    /// The kubeconfig to reach the cluster with.
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// Creates it, and prints it or the command.
///
/// # Errors
/// When what is asked for can't be, or the cluster refuses it.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    // Everything that can be wrong is found before anything is created.
    request.check()?;
    let tokens = request.tokens(out)?;
    let now = OffsetDateTime::now_utc();
    let mut secrets = vec![];
    for (index, token) in tokens.iter().enumerate() {
        secrets.extend(secret(token, index, now)?);
    }
    if request.dry_run {
        return dry_run(&secrets, out);
    }
    let reached = connect(&find_kubeconfig(request.kubeconfig.as_deref())?, PATIENCE)?;
    let join = if request.print_join_command { Some(join_command(&reached)?) } else { None };
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
    let failed = |why: String| Error::new(ExitStatus::Failed, format!("the token was created, but {why}"));
    for (token, secret) in tokens.iter().zip(&secrets) {
        let command = join.as_ref().map(|join| join.line(&token.token, request.certificate_key.as_deref()));
        let item = Item::new(StoredToken::of(&secret.value).map_err(failed)?, command.clone());
        out.data(
            &request.format.render(&item, |_| format!("{}\n", command.as_ref().unwrap_or(&token.token)))?,
        );
    }
    Ok(ExitStatus::Done)
}

impl Request {
    fn check(&self) -> Result<(), Error> {
        let usage = |message: String| Err(Error::new(ExitStatus::Usage, message));
        if let Some(key) = &self.certificate_key {
            if !self.print_join_command {
                return usage("--certificate-key is for the command that --print-join-command prints; nothing was created".into());
            }
            if let Err(error) = key.parse::<CertificateKey>() {
                return usage(format!("--certificate-key: {error}"));
            }
        }
        if self.ttl.is_some_and(|ttl| ttl < GoDuration::ZERO) {
            return usage("--ttl must not be negative".into());
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
            usage(format!("--config can't be combined with {}: write them into the file", beside.join(", ")))
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
                    usages: self.usages.clone(),
                    groups: self.groups.clone(),
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
        Ok(resolved.map_err(|e| unusable(&e))?.init.bootstrap_tokens)
    }
}

fn dry_run(secrets: &[ClusterObject], out: &Printer) -> Result<ExitStatus, Error> {
    for secret in secrets {
        let text = yaml::to_string(&secret.printable())?;
        out.document(&secret.object_name().to_string(), &text);
    }
    out.log("token", "Nothing was created, as this is a dry run");
    Ok(ExitStatus::Done)
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
    let endpoint = endpoint.ok_or_else(|| failed("the kubeconfig's server is not an https URL"))?;
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
