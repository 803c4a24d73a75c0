//! Kubeconfigs that are there already: init keeps those that trust its CA.

use super::machine::Machine;
use crate::config::Settings;
use crate::finding::Finding;
use crate::kubeconfig::{ROWS, check_existing};
use crate::pki::Bundle;

pub(super) fn check(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let ca_path = settings.paths.certificates.join("ca.crt");
    let ca_path = ca_path.display().to_string();
    let ca = machine.read(ca_path.as_ref()).ok().and_then(|pem| Bundle::from_pem(&pem).ok());
    let rows = ROWS.iter().filter_map(|row| {
        let path = settings.paths.kubeconfig(row.file);
        let text = machine.text(&path).filter(|text| !crate::pki::is_cut_off(text.as_bytes()))?;
        let path = path.display().to_string();
        let Some(ca) = &ca else {
            let finding = Finding::error(format!("{path} is there, and the CA that it trusts is not"))
                .evidence(format!("there is no CA certificate in {ca_path}"))
                .cause("init would make another CA, whose API server this kubeconfig does not trust");
            return Some(finding.fix(format!(
                "put {ca_path} and its key back from a backup; or, if nothing of that cluster is needed, `kubestrap reset`"
            )));
        };
        let server = row.server_url(settings);
        let read = |file: &str| machine.read(file.as_ref()).ok();
        let error = check_existing(&path, &text, ca, &ca_path, &server, read).err()?;
        Some(Finding::error(error.to_string()).fix(format!("`mv {path} {path}.old`, and init makes it anew")))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::super::fake::{FakeMachine, settings};

    #[test]
    fn one_without_its_ca_or_that_is_none_is_told_and_one_cut_off_is_made_anew() {
        let check = |text: &str| {
            FakeMachine::with(|m| m.file("/etc/kubernetes/admin.conf", text))
                .check("Kubeconfigs", &settings(""))
        };
        assert!(check("apiVersion: v1")[0].evidence[0].contains("pki/ca.crt"));
        assert_eq!(check(""), []);
        assert_eq!(FakeMachine::healthy().check("Kubeconfigs", &settings("")), []);
    }
}
