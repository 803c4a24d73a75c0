//! Copies of kubeconfigs that people use. They are told of when they are due, and never touched: who took a copy may have
//! changed it.

use std::path::{Path, PathBuf};

use time::{Duration, OffsetDateTime};

use super::due::{is_due, named};
use crate::certs::{Embedded, utc};
use crate::finding::Finding;
use crate::host::Host;
use crate::pki::Bundle;

/// The kubeconfigs in the home directories of this machine.
pub(crate) fn of_homes(host: &dyn Host) -> Vec<PathBuf> {
    let mut homes = vec![PathBuf::from("/root")];
    homes.extend(host.list(Path::new("/home")).unwrap_or_default());
    homes.into_iter().map(|home| home.join(".kube/config")).filter(|file| host.exists(file)).collect()
}

/// Which of these kubeconfigs lead to the cluster of this CA with a certificate that is due.
pub(crate) fn check(
    files: &[PathBuf],
    ca: &Bundle,
    validity: Duration,
    host: &dyn Host,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let due = files.iter().filter_map(|file| {
        // What is not a kubeconfig, or is another cluster's, is not one of ours.
        let embedded = Embedded::parse(&host.read(file).ok()??).ok()?;
        let ours = embedded.authority().ok()?.iter().any(|trusted| ca.iter().any(|own| own == trusted));
        let certificate = embedded.certificate().ok().filter(|_| ours)?.certificate;
        let expires = certificate.not_after();
        is_due(certificate.not_before(), expires, validity, now).then(|| {
            let verb = if expires < now { "expired" } else { "expires" };
            let what = format!("the client certificate in {} {verb} at {}", file.display(), utc(expires));
            let fix = format!(
                "copy the renewed kubeconfig again, such as `cp /etc/kubernetes/admin.conf {}`",
                file.display()
            );
            named(
                "KubeconfigCopy",
                Finding::warning(what).cause("it is a copy, which is left to its owner").fix(fix),
            )
        })
    });
    due.collect()
}
