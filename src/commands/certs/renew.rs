//! `certs renew`: new keys and certificates, and restarts of what still uses the old ones.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::restart::{self, AREA};
use super::source::{Location, Source};
use crate::certs::serving::{Standing, Use, uses};
use crate::certs::{Managed, NewKeys, Outcome, Terms, component_of, leaves, renew, utc};
use crate::commands::this_node::take_up;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{RealHost, remove_leftovers};
use crate::output::Printer;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The names of certificates, or `all`; none to restart what uses an old one, and renew nothing.
    pub(crate) names: Vec<String>,
    /// Where they are.
    pub(crate) location: Location,
    /// Restart components that still use an old one, and how.
    pub(crate) restart: Option<restart::Terms>,
}

/// Renews, tells who uses the old ones, and restarts those if that was asked for.
///
/// # Errors
/// When one can't be renewed, or a component does not come back.
pub(crate) fn run(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let host = RealHost::new();
    let source = request.location.find(AREA, &host, out)?;
    // Of two at once, each could leave the other's key beside its own certificate.
    let _lock = source.lock("certs renew")?;
    take_up(&host, AREA, out)?;
    for folder in source.pki.folders() {
        remove_leftovers(&folder)?;
    }
    let all = request.names.iter().any(|n| n == "all");
    let wanted: Vec<Managed> = leaves(source.pki.external_etcd)
        .into_iter()
        .filter(|m| all || request.names.iter().any(|n| n == m.name))
        .collect();
    for name in request.names.iter().filter(|n| *n != "all" && !wanted.iter().any(|m| m.name == *n)) {
        out.warn(AREA, format!("Skipping {name}: etcd is external"));
    }
    let done = renew_all(&wanted, &source, &host, out);
    let mut users = uses(&source.pki.kubeconfigs.join("manifests"), &host);
    if !request.names.is_empty() {
        // What is said of components is about what was renewed.
        let paths: Vec<_> = done.renewed.iter().map(|m| m.path(&source.pki)).collect();
        users.retain(|u| paths.iter().any(|p| p == u.file()));
    }
    let mut standings = restart::settle(&users, &host);
    let old = restart::old(&standings);
    let mut restarted = vec![];
    if let (Some(terms), false) = (&request.restart, old.is_empty()) {
        restarted = restart::run(terms, &old, &source.pki, &host, out)?;
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
    Ok(ExitStatus::Done)
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
            Ok(Outcome::Renewed { expires, old_expires, authority_expires }) => {
                out.log(AREA, format!("Renewed {name}: valid until {}", utc(expires)));
                if expires < old_expires {
                    let end = utc(old_expires);
                    out.warn(AREA, format!("{name} expires earlier than the one before, which was valid until {end}: `certificateValidityPeriod` sets how long they last"));
                }
                if authority_expires < expires {
                    let end = utc(authority_expires);
                    out.warn(
                        AREA,
                        format!("{name} outlasts its CA {}, which expires at {end}", managed.signer.name),
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
            "Restart the components that still use an old one, one at a time: `kubestrap certs renew --restart`".into(),
        );
    } else if done.data.is_empty() {
        lines.push("Nothing that runs here uses an old certificate.".into());
    }
    if count > 0 && standings.is_empty() && done.renewed.iter().any(|m| component_of(m.name).is_some()) {
        lines.push(
            "There are no manifests of static Pods here: restart the components that use these certificates."
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
