//! What `reset` is told, by a file or by flags.

use super::defaults;
use super::load::load_only;
use super::loaded::Warning;
use super::loader::Only;
use super::mixed::check_mixed;
use super::problem::{ConfigError, Locator, Problem};
use super::v1beta4::ResetConfiguration;
use super::validate::Validator;

/// What the command line of `reset` gives. An option that was not given is `None` (a list: empty).
#[derive(Clone, Debug, Default)]
pub(crate) struct ResetFlags {
    /// The configuration file; `-` is standard input.
    pub(crate) config: Option<String>,
    /// The certificates' directory.
    pub(crate) cert_dir: Option<String>,
    /// Empty /etc/kubernetes/tmp too.
    pub(crate) cleanup_tmp_dir: Option<bool>,
    /// The container runtime's socket.
    pub(crate) cri_socket: Option<String>,
    /// Change nothing.
    pub(crate) dry_run: Option<bool>,
    /// Do not ask for confirmation.
    pub(crate) force: Option<bool>,
    /// Preflight checks whose errors are warnings, beside those of the file.
    pub(crate) ignore_preflight_errors: Vec<String>,
    /// Phases to skip, in place of those of the file.
    pub(crate) skip_phases: Vec<String>,
}

impl ResetFlags {
    /// The configuration with defaults, checked: from the file, whose text `read` gives, or from the flags.
    ///
    /// # Errors
    /// When the file can't be read or used, a flag may not stand beside `--config`, or a value is wrong.
    pub(crate) fn load(
        &self,
        read: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<(ResetConfiguration, Vec<Warning>), ConfigError> {
        let (mut reset, locator, mut warnings) = match &self.config {
            None => (self.configuration(), self.locator(), vec![]),
            Some(file) => {
                check_mixed(file, &self.not_beside_a_file())?;
                let text = read(file).map_err(|why| Problem::new("configuration", "", why))?;
                load_only(file, &text, Only::Reset, |others| others.reset)?
            }
        };
        reset.dry_run = self.dry_run.unwrap_or(reset.dry_run);
        reset.ignore_preflight_errors.extend(self.ignore_preflight_errors.iter().cloned());
        if !self.skip_phases.is_empty() {
            reset.skip_phases.clone_from(&self.skip_phases);
        }
        defaults::reset(&mut reset);
        let mut validator = Validator::new(&locator);
        validator.reset(&reset);
        let Validator { problems, warnings: odd, .. } = validator;
        if !problems.is_empty() {
            return Err(ConfigError { problems });
        }
        warnings.extend(odd.into_iter().map(|problem| Warning {
            problem,
            strict: false,
            deprecation: false,
        }));
        Ok((reset, warnings))
    }

    /// The flags given that kubeadm refuses beside `--config`, sorted by name.
    fn not_beside_a_file(&self) -> Vec<&'static str> {
        [
            (self.cert_dir.is_some(), "cert-dir"),
            (self.cleanup_tmp_dir.is_some(), "cleanup-tmp-dir"),
            (self.cri_socket.is_some(), "cri-socket"),
            (self.force.is_some(), "force"),
        ]
        .into_iter()
        .filter_map(|(given, flag)| given.then_some(flag))
        .collect()
    }

    /// The configuration that the flags stand for.
    fn configuration(&self) -> ResetConfiguration {
        ResetConfiguration {
            certificates_dir: self.cert_dir.clone().unwrap_or_default(),
            cleanup_tmp_dir: self.cleanup_tmp_dir == Some(true),
            cri_socket: self.cri_socket.clone().unwrap_or_default(),
            force: self.force == Some(true),
            ..ResetConfiguration::default()
        }
    }

    fn locator(&self) -> Locator {
        let fields = [
            (self.cert_dir.is_some(), "certificatesDir", "cert-dir"),
            (self.cri_socket.is_some(), "criSocket", "cri-socket"),
        ];
        let flags = fields.into_iter().filter(|(given, ..)| *given).map(|(_, field, flag)| (field, flag));
        Locator { flags: flags.collect(), ..Locator::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ResetConfiguration\n";

    fn of_file(flags: ResetFlags, fields: &str) -> Result<ResetConfiguration, String> {
        let flags = ResetFlags { config: Some("reset.yaml".into()), ..flags };
        flags.load(|_| Ok(format!("{HEAD}{fields}"))).map(|(reset, _)| reset).map_err(|e| e.to_string())
    }

    #[test]
    fn the_file_gives_every_field() {
        let reset = of_file(
            ResetFlags::default(),
            "certificatesDir: /pki\ncleanupTmpDir: true\ncriSocket: unix:///run/c.sock\ndryRun: true\nforce: true\n\
             ignorePreflightErrors: [IsPrivilegedUser]\nskipPhases: [preflight]\nunmountFlags: [MNT_DETACH, UMOUNT_NOFOLLOW]\n\
             timeouts: {kubernetesAPICall: 7s}\n",
        )
        .unwrap();
        assert_eq!(
            (reset.certificates_dir.as_str(), reset.cri_socket.as_str()),
            ("/pki", "unix:///run/c.sock")
        );
        assert!(reset.cleanup_tmp_dir && reset.dry_run && reset.force);
        assert_eq!(reset.ignore_preflight_errors, ["IsPrivilegedUser"]);
        assert_eq!(reset.skip_phases, ["preflight"]);
        assert_eq!(reset.unmount_flags, ["MNT_DETACH", "UMOUNT_NOFOLLOW"]);
        assert_eq!(reset.timeouts.unwrap().kubernetes_api_call.unwrap().to_string(), "7s");
    }

    #[test]
    fn flags_replace_or_add_where_they_may_stand_beside_a_file() {
        let flags = ResetFlags {
            dry_run: Some(false),
            ignore_preflight_errors: vec!["b".into()],
            skip_phases: vec!["cleanup-node".into()],
            ..ResetFlags::default()
        };
        let reset =
            of_file(flags, "dryRun: true\nskipPhases: [preflight]\nignorePreflightErrors: [a]\n").unwrap();
        assert!(!reset.dry_run);
        assert_eq!(reset.skip_phases, ["cleanup-node"]);
        assert_eq!(reset.ignore_preflight_errors, ["a", "b"]);
        let flags = ResetFlags { force: Some(true), cri_socket: Some("s".into()), ..ResetFlags::default() };
        assert_eq!(
            of_file(flags, "").unwrap_err(),
            "can not mix '--config' with arguments [cri-socket force]: set them in reset.yaml instead"
        );
    }

    #[test]
    fn wrong_values_are_told_with_their_place() {
        let told = of_file(ResetFlags::default(), "unmountFlags: [MNT_LAZY]\n").unwrap_err();
        assert!(
            told.starts_with("reset.yaml:3:16: unmountFlags.0: \"MNT_LAZY\" is not one of MNT_FORCE"),
            "{told}"
        );
        let told = of_file(ResetFlags::default(), "force: maybe\n").unwrap_err();
        assert!(told.starts_with("reset.yaml:3:8:"), "{told}");
        let flags = ResetFlags { cert_dir: Some("pki".into()), ..ResetFlags::default() };
        let told = flags.load(|_| Err(String::new())).unwrap_err().to_string();
        assert!(told.starts_with("--cert-dir: certificatesDir:"), "{told}");
        let flags = ResetFlags { config: Some("reset.yaml".into()), ..ResetFlags::default() };
        let other = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n".to_owned();
        let told = flags.load(|_| Ok(other)).unwrap_err().to_string();
        assert!(told.contains("no ResetConfiguration in it"), "{told}");
    }

    #[test]
    fn without_a_file_the_defaults_are_kubeadm_s() {
        let (reset, warnings) = ResetFlags::default().load(|_| Err("no file".into())).unwrap();
        assert_eq!(reset.certificates_dir, "/etc/kubernetes/pki");
        assert!(reset.cri_socket.is_empty() && !reset.force && warnings.is_empty());
    }
}
