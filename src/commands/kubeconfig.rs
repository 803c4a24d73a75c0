//! `kubeconfig user`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::{Duration, OffsetDateTime};

use super::certs::source::{Location, Source};
use super::reach::{self, ADMIN_CONF};
use crate::certs::{Pki, utc};
use crate::config::Overrides;
use crate::config::duration::GoDuration;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{Host, RealHost};
use crate::kubeconfig::{Cluster, Kubeconfig, User as Identity};
use crate::output::Printer;
use crate::pki::table::row;
use crate::pki::{Bundle, CertificateSpec, Issuer, PrivateKey, Subject, Usages, issue};

const AREA: &str = "kubeconfig";

/// Whom a kubeconfig is for.
pub(crate) struct Request {
    /// The user's name.
    pub(crate) client_name: String,
    /// The configuration file of the cluster; none for that of admin.conf.
    pub(crate) config: Option<String>,
    /// The user's groups.
    pub(crate) org: Vec<String>,
    /// A token in place of a client certificate: a secret.
    pub(crate) token: Option<String>,
    /// How long the client certificate is valid.
    pub(crate) validity_period: GoDuration,
}

/// Which cluster the kubeconfig is for.
struct Place {
    name: String,
    server: String,
    source: Source,
}

/// Prints a kubeconfig.
///
/// # Errors
/// When no certificate can be signed, or the cluster is not known.
pub(crate) fn user(request: &Request, out: &Printer) -> Result<ExitStatus, Error> {
    let host = RealHost::new();
    let usage = |message: &str| Error::new(ExitStatus::Usage, message);
    if request.validity_period <= GoDuration::ZERO {
        return Err(usage("--validity-period must be longer than 0"));
    }
    if request.token.as_deref() == Some("") {
        return Err(usage("--token is empty"));
    }
    let place = request.place(&host, out)?;
    let pki = &place.source.pki;
    let ca_path = row("ca").map(|ca| pki.certificate(ca)).unwrap_or_default();
    let failed = |message: String| Error::new(ExitStatus::Failed, message);
    let ca =
        host.read(&ca_path)?.ok_or_else(|| failed(format!("the CA {} is missing", ca_path.display())))?;
    let ca = Bundle::from_pem(&ca).map_err(|e| failed(format!("{}: {e}", ca_path.display())))?;
    let user = match &request.token {
        Some(token) => {
            if !request.org.is_empty() {
                out.warn(
                    AREA,
                    "--org is for client certificates: with --token the API server knows the groups",
                );
            }
            Identity { token: token.clone(), ..Identity::default() }
        }
        None => request.certificate(&ca, &place, &host, out)?,
    };
    let cluster = Cluster {
        server: place.server,
        certificate_authority_data: STANDARD.encode(ca.to_pem()),
        ..Cluster::default()
    };
    let kubeconfig = Kubeconfig::new(&place.name, cluster, &request.client_name, user);
    // To print the key is what the command is for.
    out.data(&kubeconfig.to_yaml()?);
    Ok(ExitStatus::Done)
}

impl Request {
    /// The cluster: the configuration's; else that of admin.conf; else, as kubeadm, one that init would make here.
    fn place(&self, host: &dyn Host, out: &Printer) -> Result<Place, Error> {
        let admin = host.read(ADMIN_CONF.as_ref())?;
        let admin = admin.and_then(|text| Kubeconfig::parse(&String::from_utf8_lossy(&text)).ok());
        if let (None, Some(admin)) = (&self.config, admin) {
            let location = Location {
                cert_dir: None,
                config: None,
                kubeconfig: ADMIN_CONF.into(),
                kubeconfig_dir: "/etc/kubernetes".into(),
            };
            let source = location.find(AREA, host, out)?;
            let context = admin.contexts.iter().find(|c| c.name == admin.current_context);
            if let (Some(context), Some(cluster)) = (context, admin.current_cluster()) {
                let (name, server) = (context.context.cluster.clone(), cluster.server.clone());
                return Ok(Place { name, server, source });
            }
        }
        if self.config.is_none() {
            out.log(AREA, format!("{ADMIN_CONF} does not exist, so the cluster is not asked: using kubeadm's defaults; --config names a file instead"));
        }
        let settings = reach::resolve(reach::load(self.config.as_deref(), out)?, &Overrides::default(), out)?;
        let validity = settings.cluster.config.certificate_validity_period.unwrap_or_default();
        let source = Source {
            pki: Pki {
                certificates: settings.node.paths.certificates.clone(),
                kubeconfigs: settings.node.paths.kubeconfig_dir.clone(),
                external_etcd: settings.cluster.config.etcd.external.is_some(),
            },
            algorithm: Some(settings.cluster.algorithm),
            validity: Duration::nanoseconds(validity.0),
        };
        Ok(Place {
            name: settings.cluster.config.cluster_name.clone(),
            server: format!("https://{}", settings.control_plane_endpoint()),
            source,
        })
    }

    fn certificate(
        &self,
        ca: &Bundle,
        place: &Place,
        host: &dyn Host,
        out: &Printer,
    ) -> Result<Identity, Error> {
        let failed = |message: String| Error::new(ExitStatus::Failed, message);
        let key_path = row("ca").map(|ca| place.source.pki.key(ca)).unwrap_or_default();
        let ca_key = host.read(&key_path)?.ok_or_else(|| {
            failed(format!(
                "{} is missing, so no certificate can be signed here (an external CA): give a --token, or have the CA's owner sign one",
                key_path.display()
            ))
        })?;
        let ca_key =
            PrivateKey::from_pem(&ca_key).map_err(|e| failed(format!("{}: {e}", key_path.display())))?;
        let now = OffsetDateTime::now_utc();
        ca.certificate.check_validity(now).map_err(|e| failed(e.to_string()))?;
        let period = Duration::nanoseconds(self.validity_period.0);
        let not_after = now
            .checked_add(period)
            .ok_or_else(|| failed("--validity-period is too long: it ends too far in the future".into()))?;
        if period > place.source.validity {
            let usual = GoDuration::from_secs(place.source.validity.whole_seconds());
            out.warn(
                AREA,
                format!("the certificate lasts longer than those of the cluster ({usual}): --validity-period shortens it"),
            );
        }
        if not_after > ca.certificate.not_after() {
            out.warn(
                AREA,
                format!(
                    "the certificate outlasts its CA, which expires at {}",
                    utc(ca.certificate.not_after())
                ),
            );
        }
        let spec = CertificateSpec {
            subject: Subject::new(self.client_name.as_str()).with_organizations(self.org.clone()),
            dns_names: vec![],
            ip_addresses: vec![],
            usages: Usages::Client,
            // As kubeadm: no time of its own to begin, but the CA's.
            not_before: ca.certificate.not_before(),
            not_after,
        };
        let key = PrivateKey::generate(place.source.algorithm.unwrap_or_default())?;
        let certificate = issue(&spec, &key, &Issuer::new(&ca.certificate, &ca_key)?)?;
        Ok(Identity {
            client_certificate_data: STANDARD.encode(certificate.to_pem()),
            client_key_data: STANDARD.encode(key.to_pem()?.as_bytes()),
            ..Identity::default()
        })
    }
}
