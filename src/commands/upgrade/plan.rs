//! `upgrade plan`.

use serde_json::json;

use super::Request;
use super::context::{AREA, Context, version};
use crate::commands::this_node::{ForVersion, Wishes};
use crate::config::KubernetesVersion;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::{Finding, Severity};
use crate::host::RealHost;
use crate::output::Printer;
use crate::workflow::machine;
use crate::workflows::upgrade::outlook::{self, Given, Outlook};
use crate::workflows::upgrade::plan::{UpgradePlan, available, config_versions, newest_known};
use crate::workflows::upgrade::policy;
use crate::yaml;

/// Works out the plan; `print` makes its text. Errors in what was seen ahead refuse the upgrade, and are the exit
/// status.
///
/// # Errors
/// When the cluster can't be read.
pub(crate) fn run(
    request: &Request,
    print: impl FnOnce(&UpgradePlan) -> Result<String, Error>,
    out: &Printer,
) -> Result<ExitStatus, Error> {
    let config = request.configuration(out)?;
    let etcd_upgrade = request.etcd_upgrade.or(config.plan.etcd_upgrade) != Some(false);
    let given =
        request.version.clone().or(Some(config.plan.kubernetes_version.clone()).filter(|v| !v.is_empty()));
    let given = given.map(|text| version(&text)).transpose()?;
    let kubeconfig = request.admin_kubeconfig()?;
    let Context { mut cluster, stored, survey, current, node } = Context::read(kubeconfig, None, true, out)?;
    out.log(AREA, format!("Cluster version: {current}"));
    if request.print_config.or(config.plan.print_config) == Some(true) {
        out.data(&yaml::to_string(&stored.loaded.cluster)?);
    }
    let ignored = request.ignored(&config.plan.ignore_preflight_errors);
    let wishes = Wishes { ignored: ignored.clone(), timeouts: config.timeouts.clone(), ..Wishes::default() };
    let quiet = out.quiet();
    let before = node.settings(&stored, &current, &wishes, out)?;
    let targets: Vec<KubernetesVersion> = match given {
        Some(version) => vec![version],
        None => newest_known(&current),
    };
    let machine = machine(&before.settings)?;
    let (mut upgrades, mut findings): (_, Vec<Finding>) = (vec![], vec![]);
    let allowed = |given: Option<bool>, configured| given.or(configured) == Some(true);
    let kubelets: Vec<_> = survey.kubelets().map(|(node, version)| (node.to_owned(), version)).collect();
    for target in &targets {
        out.log(AREA, format!("Target version: {target}"));
        let ForVersion { settings, lost_gates } = node.settings(&stored, target, &wishes, &quiet)?;
        if current != *target || targets.len() > 1 {
            upgrades.push(available(&current, &settings, &survey, etcd_upgrade));
        }
        let given = Given {
            before: before.settings.clone(),
            after: settings,
            lost_gates,
            stored_text: stored.text.clone(),
            survey: survey.clone(),
            etcd_upgrade,
            renewal: true,
            trial: true,
        };
        let step = policy::Step {
            current: &current,
            target,
            allow_experimental: allowed(request.allow_experimental, config.plan.allow_experimental_upgrades),
            allow_candidates: allowed(request.allow_candidates, config.plan.allow_rc_upgrades),
            api_servers: &survey.api_servers(),
            kubelets: &kubelets,
        };
        let (evidence, back) = outlook::gather(given, cluster, &RealHost::new(), &*machine);
        cluster = back;
        for finding in step.findings().into_iter().chain(Outlook::of(&evidence, &ignored).findings) {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    out.findings(AREA, &findings);
    let errors: Vec<Finding> = findings.iter().filter(|f| f.severity == Severity::Error).cloned().collect();
    let plan = UpgradePlan {
        kind: "UpgradePlan",
        api_version: "output.kubeadm.k8s.io/v1alpha3",
        targets: if upgrades.is_empty() { vec![] } else { targets },
        available_upgrades: upgrades,
        config_versions: config_versions(stored.loaded.kube_proxy.is_some(), stored.loaded.kubelet.is_some()),
        findings,
    };
    out.data(&print(&plan)?);
    if errors.is_empty() {
        return Ok(ExitStatus::Done);
    }
    let mut names: Vec<&str> = errors.iter().map(|f| f.check.as_str()).collect();
    names.dedup();
    let message = format!("error: `upgrade apply` would be refused: {}", names.join(", "));
    out.failure(json!({ "ok": false }), &message);
    Ok(ExitStatus::Preflight)
}
