//! What a run does to this machine.

use time::OffsetDateTime;

use super::AREA;
use super::cluster::{Turn, TurnError};
use crate::care::order::Hands;
use crate::certs::serving::uses;
use crate::certs::{NewKeys, Outcome, Terms, component_of, leaves, renew, utc};
use crate::commands::certs::restart;
use crate::commands::certs::source::Source;
use crate::host::{Host, RealHost};
use crate::manifest::Component;
use crate::output::Printer;

/// This machine.
pub(super) struct Machine<'a> {
    pub(super) source: &'a Source,
    pub(super) host: &'a RealHost,
    pub(super) terms: &'a restart::Terms,
    pub(super) turn: Option<&'a Turn<'a>>,
    pub(super) out: &'a Printer,
}

impl Hands for Machine<'_> {
    fn renew(&mut self, name: &'static str) -> Result<(), String> {
        let managed = leaves(self.source.pki.external_etcd).into_iter().find(|m| m.name == name);
        let managed = managed.ok_or_else(|| format!("{name} is not managed here"))?;
        let terms = Terms {
            algorithm: self.source.algorithm,
            validity: self.source.validity,
            started: OffsetDateTime::now_utc(),
        };
        let keys = NewKeys::start(&terms, 1);
        match renew(&managed, &self.source.pki, &terms, self.host, &keys) {
            Ok(Outcome::Renewed { expires, .. }) => {
                self.out.log(AREA, format!("Renewed {name}: valid until {}", utc(expires)));
                Ok(())
            }
            // Both were looked at a moment ago.
            Ok(Outcome::External { .. } | Outcome::Missing { .. }) => {
                Err(format!("{name} can't be renewed here"))
            }
            Err(error) => Err(format!("{name}: {error}")),
        }
    }

    fn uses_an_old_one(&mut self, component: Component) -> bool {
        let manifests = self.source.pki.kubeconfigs.join("manifests");
        let mut own = uses(&manifests, self.host as &dyn Host);
        own.retain(|used| {
            let managed = leaves(self.source.pki.external_etcd).into_iter();
            used.component == component
                && managed
                    .filter(|m| component_of(m.name) == Some(component))
                    .any(|m| m.path(&self.source.pki) == used.file())
        });
        restart::old(&restart::settle(&own, self.host)).contains(&component)
    }

    fn restart(&mut self, component: Component) -> Result<(), String> {
        let restarted = restart::run(self.terms, &[component], &self.source.pki, self.host, self.out);
        restarted.map(drop).map_err(|e| e.message)
    }

    fn go_on(&mut self) -> Result<(), String> {
        match self.turn.map(Turn::take) {
            // The API server may be away because of the very certificate that is being renewed.
            Some(Err(error @ TurnError::Cluster(_))) => {
                tracing::info!("{error}");
                Ok(())
            }
            Some(Err(error)) => Err(error.to_string()),
            Some(Ok(())) | None => Ok(()),
        }
    }
}
