//! Existing certificates and keys: complete, matching, valid, and issued by the CA beside them.

use std::path::PathBuf;

use time::OffsetDateTime;

use crate::config::Settings;
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::pki::judgement::{Fault, Key, authority_faults, leaf_faults};
use crate::pki::table::{CERTIFICATES, CertRow, SERVICE_ACCOUNT, SanKind};
use crate::pki::{Bundle, ChainError, KeyError, PrivateKey, check_sans, is_cut_off};

/// `downloads`: a join will download what is missing here; an earlier one may have been interrupted at that.
pub(crate) fn check(settings: &Settings, machine: &dyn Machine, downloads: bool) -> Vec<Finding> {
    let dir = &settings.node.paths.certificates;
    let local_etcd = settings.cluster.config.etcd.local.is_some();
    let rows = CERTIFICATES.iter().filter(|row| local_etcd || !row.is_of_etcd());
    let pki = Pki { settings, machine, dir: dir.clone(), now: machine.now() };
    let mut findings: Vec<Finding> = rows.filter_map(|row| pki.row(row)).collect();
    let authorities = CERTIFICATES.iter().filter(|row| row.is_ca() && (local_etcd || !row.is_of_etcd()));
    if !downloads {
        findings.extend(authorities.filter_map(|row| pki.not_to_be_made(row)));
    }
    findings.extend(pki.service_account());
    findings
}

struct Pki<'a> {
    settings: &'a Settings,
    machine: &'a dyn Machine,
    dir: PathBuf,
    now: OffsetDateTime,
}

impl Pki<'_> {
    /// A file; none where it is missing or not for us to read.
    fn read(&self, name: &str) -> Option<Vec<u8>> {
        self.machine.read(&self.dir.join(name)).ok()
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn ca(&self, row: &CertRow) -> Option<Bundle> {
        let ca = row.signer_row()?;
        Bundle::from_pem(&self.read(&format!("{}.crt", ca.base))?).ok()
    }

    /// The first thing that is wrong with a certificate or its key.
    fn row(&self, row: &CertRow) -> Option<Finding> {
        let (crt, key) = (format!("{}.crt", row.base), format!("{}.key", row.base));
        let key_pem = self.read(&key);
        let Some(crt_pem) = self.read(&crt).filter(|pem| !is_cut_off(pem)) else {
            // A key alone is what a run left that was cut off; unless it has signed something here.
            let lost = key_pem.is_some_and(|pem| !is_cut_off(&pem))
                && CERTIFICATES
                    .iter()
                    .filter(|leaf| leaf.signer == Some(row.name))
                    .any(|leaf| self.machine.kind(&self.dir.join(format!("{}.crt", leaf.base))).is_some());
            let (certificate, key) = (self.path(&crt), self.path(&key));
            return lost.then(|| {
                let finding = match self.read(&crt) {
                    None => Finding::error(format!("{key} exists without its certificate {certificate}")),
                    Some(_) => Finding::error(format!("{certificate} can't be used"))
                        .evidence(format!("it is incomplete; its key {key} is complete")),
                };
                finding.cause(
                    "another CA would be generated, and everything that trusts the old one would stop working",
                )
                .fix(format!(
                    "restore {certificate} from a backup; or `rm {key}`, if nothing uses that CA"
                ))
            });
        };
        let broken = |file: &str, why: String| {
            Finding::error(format!("{} can't be used", self.path(file))).evidence(why).fix(self.again(row))
        };
        let bundle = match Bundle::from_pem(&crt_pem) {
            Ok(bundle) => bundle,
            Err(error) => return Some(broken(&crt, error.to_string())),
        };
        let private = key_pem.map(|pem| PrivateKey::from_pem(&pem).map_err(|e| e.to_string()));
        let private = match &private {
            Some(private) => Key::read(private.as_ref()),
            // It may not be for us to read; init itself tells of one that is missing.
            None => Key::Elsewhere,
        };
        let faults = if row.is_ca() {
            authority_faults(&bundle.certificate, private, self.now)
        } else {
            leaf_faults(&bundle, private, self.ca(row).as_ref(), self.now)
        };
        match faults.first() {
            Some(fault) => Some(self.faulty(row, fault)),
            None => self.without_address(row, &crt, &bundle),
        }
    }

    /// Leaves that are missing and that init can't make: their CA is here without its key.
    fn not_to_be_made(&self, ca: &CertRow) -> Option<Finding> {
        let there = |name: &str| self.machine.kind(&self.dir.join(name)).is_some();
        let (ca_crt, ca_key) = (format!("{}.crt", ca.base), format!("{}.key", ca.base));
        if there(&ca_key) || Bundle::from_pem(&self.read(&ca_crt)?).is_err() {
            return None;
        }
        let leaves = CERTIFICATES.iter().filter(|row| row.signer == Some(ca.name));
        let leaves = leaves.map(|row| format!("{}.crt", row.base)).filter(|crt| !there(crt));
        let missing: Vec<String> = leaves.map(|crt| self.path(&crt)).collect();
        if missing.is_empty() {
            return None;
        }
        let ca_key = self.path(&ca_key);
        Some(
            Finding::error(format!("init can't make certificates that are missing: there is no {ca_key}"))
                .evidence(missing.join(", "))
                .cause(format!("{} is an external CA, whose key is kept elsewhere", self.path(&ca_crt)))
                .fix(format!("have the CA's owner sign them (`kubestrap certs generate-csr`), and put them and their keys there; or put {ca_key} back, if it is merely lost")),
        )
    }

    /// The API server's certificate has to name the address that the components ask it at. Where its CA's key is here, init
    /// adds what is missing.
    fn without_address(&self, row: &CertRow, crt: &str, bundle: &Bundle) -> Option<Finding> {
        let address = self.settings.node.advertise_address;
        if row.sans != SanKind::ApiServer || check_sans(&bundle.certificate, &[], &[address]).is_empty() {
            return None;
        }
        let ca_key = row.signer_row().map(|ca| self.dir.join(format!("{}.key", ca.base)));
        if bundle.intermediates.is_empty() && ca_key.is_some_and(|key| self.machine.kind(&key).is_some()) {
            return None;
        }
        let names = bundle.certificate.ip_addresses().iter().map(ToString::to_string).collect::<Vec<_>>();
        Some(
            Finding::error(format!("{} does not name {address}, which the API server advertises", self.path(crt)))
                .evidence(format!("it names the addresses [{}]", names.join(" ")))
                .cause("it was made for another address; kubelet, kube-controller-manager and kube-scheduler refuse it")
                .fix(self.again(row)),
        )
    }

    fn faulty(&self, row: &CertRow, fault: &Fault) -> Finding {
        let (crt, key) = (self.dir.join(row.certificate_file()), self.dir.join(row.key_file()));
        let finding = Finding::error(fault.headline(&crt, &key)).evidence(fault.to_string());
        match fault {
            Fault::Chain(ChainError::NotYetValid { .. }) => {
                return finding
                    .cause("the clock is probably wrong")
                    .fix("`timedatectl`; set the clock right");
            }
            Fault::KeyMismatch => {
                finding.cause("one of the two was put there from elsewhere, or only one was restored")
            }
            Fault::Chain(ChainError::Expired { .. }) => finding,
            Fault::Chain(_) => {
                finding.cause("one of the two was copied from elsewhere, or the CA was generated again")
            }
            _ => finding,
        }
        .fix(self.again(row))
    }

    /// How to get a pair again.
    fn again(&self, row: &CertRow) -> String {
        let (crt, key) = (self.path(&format!("{}.crt", row.base)), self.path(&format!("{}.key", row.base)));
        let signer_key = row.signer_row().map(|ca| format!("{}.key", ca.base));
        match signer_key {
            None => format!(
                "restore the right {crt} and {key} from a backup; or, if nothing of that cluster is needed, `kubestrap reset`"
            ),
            Some(name) if self.machine.kind(&self.dir.join(&name)).is_some() => {
                format!("`rm {crt} {key}` and run again: it will be generated")
            }
            Some(_) => format!("have {crt} issued again by whoever holds the CA's key, which is not here"),
        }
    }

    /// The pair that service account tokens are signed with.
    fn service_account(&self) -> Option<Finding> {
        let private = self.read(SERVICE_ACCOUNT.private_key)?;
        if is_cut_off(&private) && self.read(SERVICE_ACCOUNT.public_key).is_none() {
            return None;
        }
        let private = PrivateKey::from_pem(&private);
        let (key, public) = (self.path(SERVICE_ACCOUNT.private_key), self.path(SERVICE_ACCOUNT.public_key));
        let private = match private {
            Ok(private) => private,
            Err(KeyError::ShortRsa) if self.read(SERVICE_ACCOUNT.public_key).is_some() => {
                return Some(
                    Finding::warning(format!("{key} is an RSA key of fewer than 2048 bits"))
                        .cause("it is of an old cluster; it is used as it is")
                        .fix("replace it with a longer one when all tokens can be renewed"),
                );
            }
            Err(error) => {
                return Some(
                    Finding::error(format!("{key} can't be used"))
                        .evidence(error.to_string())
                        .fix(format!("restore it from a backup; or `rm {key} {public}`, which invalidates all service account tokens")),
                );
            }
        };
        let text = String::from_utf8_lossy(&self.read(SERVICE_ACCOUNT.public_key)?).into_owned();
        if !text.contains("-----BEGIN ") {
            return Some(
                Finding::error(format!("{public} can't be used"))
                    .evidence("it holds no PEM key")
                    .fix(format!("`rm {public}` and run again: it will be derived from {key}")),
            );
        }
        // Other forms of public keys serve too, and are not compared.
        let comparable = text.contains("BEGIN PUBLIC KEY");
        let bare = |t: &str| t.split_whitespace().collect::<String>();
        // Beside it may be others, whose tokens are still accepted.
        (comparable && !bare(&text).contains(&bare(&private.public_key_pem()))).then(|| {
            Finding::error(format!("{key} and {public} are not a pair"))
                .cause("the API server would issue tokens that it does not accept")
                .fix(format!("`rm {public}` and run again, if {key} is the right one"))
        })
    }
}

#[cfg(test)]
#[path = "pairs_tests.rs"]
mod tests;
