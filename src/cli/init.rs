//! `init` and its phases.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::flags::InitFlags;
use super::{Output, as_result, dry_run, live};
use crate::cluster::Recorder;
use crate::config::version::{CI, DEFAULT_VERSION, is_label};
use crate::config::{ConfigError, Settings};
use crate::health::DryWatch;
use crate::host::{self, DryRunHost, Host};
use crate::kubeconfig;
use crate::output::Printer;
use crate::phases::runner::{self, Selection};
use crate::phases::{self, Failure, InitContext, InitOptions, NoPull, PhaseError, Seams};
use crate::pki::KeyPool;
use crate::pki::table::{CERTIFICATES, SERVICE_ACCOUNT};
use crate::preflight::{Beside, Machine, RealMachine};

#[derive(Args, Debug, Default)]
#[command(
    after_help = "Examples:\n  kubestrap init --dry-run\n  kubestrap init --pod-network-cidr 10.244.0.0/16\n  kubestrap init --config kubeadm.yaml --upload-certs"
)]
pub(super) struct Init {
    #[command(flatten)]
    flags: InitFlags,
    /// How results are printed: for people, or as events for machines
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Init {
    /// The whole workflow.
    pub(super) fn run(&self) -> Result<(), PhaseError> {
        self.run_selected(None)
    }

    /// One phase of it, and those in it.
    pub(super) fn run_phase(&self, id: &str) -> Result<(), PhaseError> {
        self.run_selected(Some(id.to_owned()))
    }

    fn run_selected(&self, only: Option<String>) -> Result<(), PhaseError> {
        let out = self.output.printer();
        let result = self.run_on(only, &out);
        as_result(&out, result)
    }

    fn run_on(&self, only: Option<String>, out: &Printer) -> Result<(), PhaseError> {
        let mut settings = self.settings(out)?;
        let selection = self.selection(only, &settings)?;
        let dry_run = self.flags.dry_run.unwrap_or(settings.init.dry_run);
        if dry_run {
            // What is found is told, but nothing can come of it.
            settings.init.node_registration.ignore_preflight_errors = vec!["all".into()];
        }
        skip_disabled_addons(&mut settings, &selection);
        if selection.only.is_none() {
            out.log("init", format!("Kubernetes {}", settings.version));
        }
        let options = InitOptions {
            upload_certs: self.flags.upload_certs == Some(true),
            skip_token_print: self.flags.skip_token_print == Some(true),
            skip_certificate_key_print: self.flags.skip_certificate_key_print == Some(true),
            strict: self.flags.strict == Some(true),
        };
        let (data, text) = if dry_run {
            self.dry_run(settings, &selection, options, out)?;
            (json!({ "ok": true, "dryRun": true }), String::new())
        } else {
            live::run(settings, &self.flags, &selection, options, out)?
        };
        let warnings = out.warnings();
        if !warnings.is_empty() {
            out.log(
                "init",
                format!("{} warning{} above", warnings.len(), if warnings.len() == 1 { "" } else { "s" }),
            );
        }
        // Machines find the result last.
        out.result(data, &text);
        Ok(())
    }

    fn dry_run(
        &self,
        settings: Settings,
        selection: &Selection,
        options: InitOptions,
        out: &Printer,
    ) -> Result<(), PhaseError> {
        let usage = |e| PhaseError::new(Failure::Usage, e);
        let host = Arc::new(DryRunHost::new(self.flags.dry_run_dir.clone()).map_err(usage)?);
        let machine = machine(&settings)?;
        let checks = Beside::new(Arc::clone(&machine));
        let recorder = Recorder::default();
        let needed = keys_needed(&settings, &*host, selection);
        let keys = match self.flags.dry_run_dir {
            Some(_) => KeyPool::start(settings.algorithm, needed),
            None => KeyPool::stand_in(settings.algorithm, needed),
        };
        let seams = Seams {
            host: host.clone(),
            cluster: Box::new(recorder.clone()),
            machine,
            checks: Box::new(checks.clone()),
            images: Box::new(NoPull),
            watch: Box::new(DryWatch::default()),
        };
        let mut context = InitContext::new(settings, seams, out.clone(), options, keys);
        check_patches(&context, selection)?;
        let result = runner::run(&phases::init(), selection, &mut context, out)
            .and_then(|_| dry_run::report(&host, &recorder.objects(), out));
        out.findings("preflight", &checks.found().findings);
        result
    }

    /// The user's own way to the cluster, if one was named.
    pub(super) fn kubeconfig(&self) -> Option<PathBuf> {
        self.flags.kubeconfig.clone()
    }

    pub(super) fn settings(&self, out: &Printer) -> Result<Settings, PhaseError> {
        let wrong = |e: ConfigError| {
            PhaseError::new(Failure::Usage, format!("the configuration can't be used:\n{e}"))
        };
        let mut loaded = self.flags.load().map_err(wrong)?;
        resolve_label(&mut loaded.cluster.kubernetes_version, out);
        let mut overrides = self.flags.overrides();
        overrides.dry_run |= loaded.init.dry_run;
        let (settings, warnings) = Settings::resolve(loaded, host::gather(), &overrides).map_err(wrong)?;
        for warning in warnings {
            out.warn("config", warning.problem.to_string());
        }
        Ok(settings)
    }

    pub(super) fn selection(
        &self,
        only: Option<String>,
        settings: &Settings,
    ) -> Result<Selection, PhaseError> {
        // As in kubeadm, the configuration's skipPhases are for the whole workflow, not for single phases.
        let skip = if only.is_none() {
            runner::resolve(&phases::init(), &settings.init.skip_phases)?
        } else {
            vec![]
        };
        Ok(Selection { only, skip })
    }
}

/// Makes a label such as `stable-1.36` a version: the only thing that ever asks the internet. Where it can't be
/// asked, the version that is built in serves, as in kubeadm.
pub(super) fn resolve_label(version: &mut String, out: &Printer) {
    if !is_label(version) {
        return;
    }
    match host::label::resolve(version) {
        Ok(found) => *version = format!("{}{found}", if version.starts_with(CI) { CI } else { "" }),
        Err(why) => {
            out.warn(
                "version",
                format!("{version:?} could not be looked up ({why}): taking {DEFAULT_VERSION}"),
            );
            DEFAULT_VERSION.clone_into(version);
        }
    }
}

/// A whole run tries its patches first; a single phase reads only what it needs.
pub(super) fn check_patches(context: &InitContext, selection: &Selection) -> Result<(), PhaseError> {
    if selection.only.is_none() { context.check_patches() } else { Ok(()) }
}

/// What preflight measures.
pub(super) fn machine(settings: &Settings) -> Result<Arc<dyn Machine>, PhaseError> {
    let machine = RealMachine::new(&settings.init.node_registration.cri_socket);
    Ok(Arc::new(machine.map_err(|e| PhaseError::new(Failure::Usage, e))?))
}

/// kubeadm's coupling of the addons' phases and their settings: what is skipped is recorded as disabled, so that an
/// upgrade leaves it out too.
pub(super) fn skip_disabled_addons(settings: &mut Settings, selection: &Selection) {
    let skipped = |id: &str| selection.skip.iter().any(|s| s == "addon" || s == id);
    settings.cluster.dns.disabled |= skipped("addon/coredns");
    settings.cluster.proxy.disabled |= skipped("addon/kube-proxy");
}

/// How many keys this run will make: of the files that hold one, those that it writes and that are missing.
pub(super) fn keys_needed(settings: &Settings, host: &dyn Host, selection: &Selection) -> usize {
    let runs = |id: String| {
        let within = |outer: &str| outer.is_empty() || id == outer || id.starts_with(&format!("{outer}/"));
        selection.only.as_deref().is_none_or(within) && !selection.skip.iter().any(|s| within(s))
    };
    let external_etcd = settings.cluster.etcd.external.is_some();
    let rows = CERTIFICATES
        .iter()
        .filter(|r| !(external_etcd && (r.name == "etcd-ca" || r.signer == Some("etcd-ca"))));
    let files = rows.map(|r| (r.name, format!("{}.key", r.base)));
    let files = files.chain(std::iter::once((SERVICE_ACCOUNT.name, SERVICE_ACCOUNT.private_key.to_owned())));
    let certificates = files.filter(|(name, file)| {
        runs(format!("certs/{name}")) && !host.exists(&settings.paths.certificates.join(file))
    });
    let kubeconfigs = kubeconfig::ROWS.iter().filter(|r| {
        runs(format!("kubeconfig/{}", r.name)) && !host.exists(&settings.paths.kubeconfig(r.file))
    });
    certificates.count() + kubeconfigs.count()
}
