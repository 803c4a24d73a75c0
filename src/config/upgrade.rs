//! Loading an UpgradeConfiguration.

use super::defaults;
use super::load::load_only;
use super::loaded::Warning;
use super::loader::Only;
use super::problem::ConfigError;
use super::v1beta4::UpgradeConfiguration;
use super::validate::Validator;

/// Reads the UpgradeConfiguration in `text`, the contents of `file`, with defaults, checked.
///
/// # Errors
/// With every problem found; when there is no UpgradeConfiguration.
pub(crate) fn load_upgrade(
    file: &str,
    text: &str,
) -> Result<(UpgradeConfiguration, Vec<Warning>), ConfigError> {
    let (mut upgrade, locator, warnings) = load_only(file, text, Only::Upgrade, |others| others.upgrade)?;
    defaults::upgrade(&mut upgrade);
    let mut validator = Validator::new(&locator);
    validator.upgrade(&upgrade);
    let Validator { problems, warnings: odd, .. } = validator;
    if !problems.is_empty() {
        return Err(ConfigError { problems });
    }
    let odd = odd.into_iter().map(|problem| Warning { problem, strict: false, deprecation: false });
    Ok((upgrade, warnings.into_iter().chain(odd).collect()))
}

/// An UpgradeConfiguration that says nothing, with defaults.
pub(crate) fn default_upgrade() -> UpgradeConfiguration {
    let mut upgrade = UpgradeConfiguration::default();
    defaults::upgrade(&mut upgrade);
    upgrade
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_upgrade_configuration_of_v1beta4_will_do() {
        let document = |version: &str, kind: &str| {
            load_upgrade("u.yaml", &format!("apiVersion: kubeadm.k8s.io/{version}\nkind: {kind}\n"))
        };
        let error = |version, kind| document(version, kind).unwrap_err().to_string();
        assert!(error("v1beta4", "InitConfiguration").contains("no UpgradeConfiguration"));
        assert!(error("v1beta3", "UpgradeConfiguration").contains("v1beta3 has no UpgradeConfiguration"));
        let (upgrade, _) = document("v1beta4", "UpgradeConfiguration").unwrap();
        assert_eq!((upgrade.apply.etcd_upgrade, upgrade.node.certificate_renewal), (Some(true), Some(true)));
    }
}
