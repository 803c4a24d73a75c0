//! `certs renew`.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::restart::{self, Restart};
use super::source::{Source, SourceFlags};
use crate::certs::serving::{Standing, Use, uses};
use crate::certs::{Managed, NewKeys, Outcome, Terms, leaves, renew, utc};
use crate::cli::{Output, as_result};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{Lock, RealHost, remove_leftovers};
use crate::output::Printer;

pub(super) const AREA: &str = "renew";

/// Renew certificates: a new key, another year, everything else as it was
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Then tells which running components still use the old ones; --restart restarts those, one at a time, and waits until each is healthy.\n\nExamples:\n  kubestrap certs renew all --restart\n  kubestrap certs renew apiserver etcd-server\n  kubestrap certs renew --restart    (nothing new; restarts what still uses an old one)"
)]
pub(super) struct Renew {
    /// Which, or `all`
    #[arg(value_name = "NAME", value_parser = known_names(&["all"]), required_unless_present = "restart")]
    names: Vec<String>,
    #[command(flatten)]
    source: SourceFlags,
    #[command(flatten)]
    restart: Restart,
    /// How results are printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// The names of certificates, and some more.
pub(super) fn known_names(more: &[&'static str]) -> PossibleValuesParser {
    let leaves = leaves(false).into_iter().map(|m| PossibleValue::new(m.name).help(m.about()));
    PossibleValuesParser::new(leaves.chain(more.iter().map(PossibleValue::new)))
}

impl Renew {
    /// Renews, tells who uses the old ones, and restarts them if that was asked for.
    pub(super) fn run(&self) -> Result<(), Error> {
        let out = self.output.printer();
        let result = self.run_on(&out);
        as_result(&out, result)
    }

    fn run_on(&self, out: &Printer) -> Result<(), Error> {
        let host = RealHost::new();
        let source = self.source.find(AREA, &host, out)?;
        // Of two at once, each could leave the other's key beside its own certificate.
        let _lock = Lock::take(&[&source.pki.certificates, &source.pki.kubeconfigs], "certs renew")?;
        for folder in source.pki.folders() {
            remove_leftovers(&folder)?;
        }
        let all = self.names.iter().any(|n| n == "all");
        let wanted: Vec<Managed> = leaves(source.pki.external_etcd)
            .into_iter()
            .filter(|m| all || self.names.iter().any(|n| n == m.name))
            .collect();
        for name in self.names.iter().filter(|n| *n != "all" && !wanted.iter().any(|m| m.name == *n)) {
            out.warn(
                AREA,
                format!(
                    "{name} is not renewed: etcd is somebody else's (external), and so is its certificate"
                ),
            );
        }
        let done = renew_all(&wanted, &source, &host, out);
        let mut users = uses(&source.pki.kubeconfigs.join("manifests"), &host);
        if !self.names.is_empty() {
            // What is said of components is about what was renewed.
            let paths: Vec<_> = done.renewed.iter().map(|m| m.path(&source.pki)).collect();
            users.retain(|u| paths.iter().any(|p| p == u.file()));
        }
        let mut standings = restart::settle(&users, &host);
        let old = restart::old(&standings);
        let mut restarted = vec![];
        if self.restart.wanted() && !old.is_empty() {
            restarted = self.restart.run(&old, &source.pki, &host, out)?;
            standings = restart::settle(&users, &host);
        }
        let data = json!({
            "ok": done.failures.is_empty(),
            "certificates": done.data,
            "components": standings.iter().map(|(u, s)| restart::component_json(u, s)).collect::<Vec<_>>(),
            "restarted": restarted,
        });
        if !done.failures.is_empty() {
            out.log(AREA, report(&done, &standings));
            return Err(Error::new(ExitStatus::Failed, done.failures.join("\n")));
        }
        out.result(data, &format!("{}\n", report(&done, &standings)));
        Ok(())
    }
}

/// What became of the certificates.
#[derive(Default)]
struct Done {
    renewed: Vec<Managed>,
    data: Vec<Value>,
    failures: Vec<String>,
}

/// Renews each; one that can't be does not keep the others from it.
fn renew_all(wanted: &[Managed], source: &Source, host: &RealHost, out: &Printer) -> Done {
    let started = OffsetDateTime::now_utc();
    let terms = Terms { algorithm: source.algorithm, validity: source.validity, started };
    let here = wanted.iter().filter(|m| !source.pki.is_external(m.signer, host));
    let keys = NewKeys::start(&terms, here.count());
    let mut done = Done::default();
    for managed in wanted {
        let name = managed.name;
        match renew(managed, &source.pki, &terms, host, &keys) {
            Ok(Outcome::Renewed { expires, authority_expires }) => {
                out.log(AREA, format!("Renewed {name}: good until {}", utc(expires)));
                if authority_expires < expires {
                    let end = utc(authority_expires);
                    out.warn(
                        AREA,
                        format!("{name} outlasts its CA {}, which ends at {end}", managed.signer.name),
                    );
                }
                done.renewed.push(*managed);
                done.data.push(json!({ "name": name, "outcome": "renewed", "expirationDate": utc(expires) }));
            }
            Ok(Outcome::External { authority }) => {
                let ca = authority.display();
                out.log(AREA, format!("{name} can't be renewed here: {ca} is an external CA, its key is elsewhere; `kubestrap certs generate-csr` makes a request for it"));
                done.data.push(json!({ "name": name, "outcome": "external" }));
            }
            Ok(Outcome::Missing { path }) => {
                out.log(AREA, format!("MISSING! {name}: there is no {}", path.display()));
                done.data.push(json!({ "name": name, "outcome": "missing" }));
            }
            Err(error) => {
                out.log(AREA, format!("FAILED! {name}: {error}"));
                done.data.push(json!({ "name": name, "outcome": "failed", "error": error.to_string() }));
                done.failures.push(format!("{name}: {error}"));
            }
        }
    }
    done
}

/// What was done and what is still to do, for people.
fn report(done: &Done, standings: &[(Use, Standing)]) -> String {
    let mut lines = vec![];
    let count = done.renewed.len();
    if count > 0 || !done.data.is_empty() {
        lines.push(format!("Renewed {count} certificate{}.", if count == 1 { "" } else { "s" }));
    }
    lines.extend(standings.iter().map(|(used, standing)| format!("  {}", restart::words(used, standing))));
    if !restart::old(standings).is_empty() {
        lines.push(
            "Restart what still uses an old one, one at a time: `kubestrap certs renew --restart`".into(),
        );
    } else if done.data.is_empty() {
        lines.push("Nothing that runs here uses an old certificate.".into());
    }
    if count > 0 && standings.is_empty() && done.renewed.iter().any(|m| restart::is_of_component(m.name)) {
        lines.push(
            "There are no manifests of static Pods here: restart yourself what uses these certificates."
                .into(),
        );
    }
    if done.renewed.iter().any(|m| m.name == "admin.conf") {
        lines.push(
            "Copies of admin.conf, such as ~/.kube/config, hold the old certificate until you copy it again."
                .into(),
        );
    }
    lines.join("\n")
}
