//! `upgrade apply` and its phases.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::context::{AREA, Context, version};
use super::run::{Done, Step};
use super::{Request, recovery};
use crate::commands::init;
use crate::commands::this_node::{ThisNode, Wishes, take_up};
use crate::config::release::RELEASES;
use crate::config::v1beta4::UpgradeConfiguration;
use crate::config::{KubernetesVersion, Timeouts};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{Host, RealHost};
use crate::output::Printer;
use crate::workflows::upgrade::journal::Journal;
use crate::workflows::upgrade::survey::Survey;
use crate::workflows::upgrade::{self, Options, Upgrade};
use crate::yaml;

/// Runs the whole workflow, or `only` one phase and those in it.
///
/// # Errors
/// When the configuration can't be used, the version may not follow, or a phase fails.
pub(crate) fn run(request: &Request, only: Option<String>, out: &Printer) -> Result<ExitStatus, Error> {
    let workflow = upgrade::apply();
    let config = request.configuration(out)?;
    let given =
        request.version.clone().or(Some(config.apply.kubernetes_version.clone()).filter(|v| !v.is_empty()));
    if given.is_none() && only.is_none() {
        let message = "missing the version to upgrade to\n  fix: name it, as in `kubestrap upgrade apply v1.36.2`; `kubestrap upgrade plan` tells which there are";
        return Err(Error::new(ExitStatus::Usage, message));
    }
    let target = given.map(|text| version(&text)).transpose()?;
    let skip = if request.skip_phases.is_empty() { &config.apply.skip_phases } else { &request.skip_phases };
    let selection = workflow.select(only, skip)?;
    let kubeconfig = request.admin_kubeconfig()?;
    let dry_run = request.dry_run.or(config.apply.dry_run) == Some(true);
    let step = |context: Context, target: KubernetesVersion, ask: bool, journal: Option<Journal>| Step {
        workflow: &workflow,
        selection: &selection,
        target,
        context,
        wishes: wishes(request, &config),
        options: options(request, &config, ask),
        journal,
    };
    if dry_run {
        let context = read(request, &config, &kubeconfig, None, out)?;
        let steps = steps(request, &context, target, None, out)?;
        // What a later step changes depends on what the first leaves.
        let first = steps.into_iter().next().unwrap_or_else(|| context.current.clone());
        step(context, first, false, None).dry_run(request.dry_run_dir.clone(), out)?;
        out.result(serde_json::json!({ "ok": true, "dryRun": true }), "");
        return Ok(ExitStatus::Done);
    }
    let paths = ThisNode::paths();
    let host = RealHost::new();
    let journal = Journal::read(&paths, &host)?;
    // Before the lock: who answers nothing keeps nobody else waiting.
    let _lock = init::lock(&paths, &workflow.locks(&selection), "upgrade apply")?;
    let patience = Timeouts::of(config.timeouts.as_ref()).kubernetes_api;
    if journal.is_none() {
        take_up(&host, AREA, out)?;
    }
    if let Some(journal) = &journal {
        recovery::prepare(journal, target.as_ref(), out);
        if target.as_ref().is_some_and(|target| target.to_string() == journal.from)
            && journal.from != journal.to
        {
            recovery::go_back(journal, &wishes(request, &config), out)?;
            out.result(
                serde_json::json!({ "ok": true, "version": journal.from }),
                &format!("[{AREA}] This node is back at {}.\n", journal.from),
            );
            return Ok(ExitStatus::Done);
        }
    }
    let context = match read(request, &config, &kubeconfig, journal.as_ref().map(|_| patience), out) {
        Ok(context) => context,
        Err(error) => match &journal {
            Some(journal) => return Err(recovery::after(journal, error, &wishes(request, &config), out)),
            None => return Err(error),
        },
    };
    let steps = steps(request, &context, target, journal.as_ref(), out)?;
    let mut ask = !(request.yes || request.force.or(config.apply.force_upgrade) == Some(true));
    let mut journal = journal;
    let mut context = Some(context);
    let mut last: Option<Done> = None;
    for version in steps {
        let context = match context.take() {
            Some(context) => context,
            None => read(request, &config, &kubeconfig, Some(patience), out)?,
        };
        last = Some(step(context, version, ask, journal.take()).run(out)?);
        ask = false;
    }
    if let Some(done) = last {
        let text = host.advice(&closing(&done.upgrade, done.changed, selection.only.is_none()));
        out.count_warnings(AREA);
        out.result(Value::Object(done.data), &text);
    }
    Ok(ExitStatus::Done)
}

fn read(
    request: &Request,
    config: &UpgradeConfiguration,
    kubeconfig: &std::path::Path,
    starting: Option<Duration>,
    out: &Printer,
) -> Result<Context, Error> {
    let context = Context::read(kubeconfig.to_owned(), starting, true, out)?;
    if request.print_config.or(config.apply.print_config) == Some(true) {
        out.data(&yaml::to_string(&context.stored.loaded.cluster)?);
    }
    Ok(context)
}

fn wishes(request: &Request, config: &UpgradeConfiguration) -> Wishes {
    let apply = &config.apply;
    Wishes {
        patches: request.patches.clone().or(apply.patches.as_ref().map(|p| p.directory.clone())),
        ignored: request.ignored(&apply.ignore_preflight_errors),
        image_pull_policy: apply.image_pull_policy.clone(),
        // kubeadm's default is one image after the other; where nobody asks for it, we pull them at once.
        image_pull_serial: apply.image_pull_serial.filter(|_| request.config.is_some()),
        timeouts: config.timeouts.clone(),
    }
}

fn options(request: &Request, config: &UpgradeConfiguration, ask: bool) -> Options {
    let apply = &config.apply;
    Options {
        etcd_upgrade: request.etcd_upgrade.or(apply.etcd_upgrade) != Some(false),
        certificate_renewal: request.certificate_renewal.or(apply.certificate_renewal) != Some(false),
        force: request.force.or(apply.force_upgrade) == Some(true),
        allow_experimental: request.allow_experimental.or(apply.allow_experimental_upgrades) == Some(true),
        allow_candidates: request.allow_candidates.or(apply.allow_rc_upgrades) == Some(true),
        ask,
    }
}

/// The versions to go to, one after the other.
fn steps(
    request: &Request,
    context: &Context,
    target: Option<KubernetesVersion>,
    journal: Option<&Journal>,
    out: &Printer,
) -> Result<Vec<KubernetesVersion>, Error> {
    let target = target.unwrap_or_else(|| context.current.clone());
    let begun = journal.and_then(|journal| journal.to.parse::<KubernetesVersion>().ok());
    let begun = begun.filter(|begun| begun.minor() < target.minor());
    if !request.through_minors {
        return match begun {
            Some(begun) => Err(unfinished(&begun, &target)),
            None => Ok(vec![target]),
        };
    }
    let mut steps = through_minors(&context.current, &target, &context.survey)?;
    if let Some(begun) = begun {
        steps.retain(|step| step.minor() > begun.minor());
        steps.insert(0, begun);
    }
    if steps.len() > 1 {
        let names: Vec<String> = steps.iter().map(ToString::to_string).collect();
        out.log(AREA, format!("Upgrading from {} through {}", context.current, names.join(", ")));
    }
    Ok(steps)
}

/// Parts of this node may still be of the minor before the one that was begun.
fn unfinished(begun: &KubernetesVersion, target: &KubernetesVersion) -> Error {
    let message = format!(
        "an upgrade to {begun} was interrupted on this node: {target} can only follow when it is finished\n  fix: `kubestrap upgrade apply {begun}` first, or have both done with `--through-minors`"
    );
    Error::new(ExitStatus::Preflight, message)
}

/// The versions on the way: the newest known patch of each minor between, then the target.
fn through_minors(
    current: &KubernetesVersion,
    target: &KubernetesVersion,
    survey: &Survey,
) -> Result<Vec<KubernetesVersion>, Error> {
    let servers = survey.api_servers();
    if servers.len() > 1 && target.minor() > current.minor() + 1 {
        let names: Vec<&str> = servers.iter().map(|(node, _)| node.as_str()).collect();
        let message = format!(
            "`--through-minors` is for clusters of one control plane; this one has {}\n  fix: upgrade to 1.{} here, then run `kubestrap upgrade node` on the others, and so on minor by minor",
            names.join(", "),
            current.minor() + 1
        );
        return Err(Error::new(ExitStatus::Preflight, message));
    }
    let between = RELEASES.iter().filter(|r| r.minor > current.minor() && r.minor < target.minor());
    let mut steps: Vec<KubernetesVersion> =
        between.filter_map(|r| format!("v1.{}.{}", r.minor, r.newest_patch).parse().ok()).collect();
    steps.push(target.clone());
    Ok(steps)
}

/// What to say at the end: what was done, and what each node needs next.
fn closing(upgrade: &Upgrade, changed: bool, whole: bool) -> String {
    if !whole {
        return String::new();
    }
    let version = upgrade.target();
    let mut text = if changed {
        format!("\n[{AREA}] SUCCESS! A control plane node of your cluster was upgraded to \"{version}\".\n")
    } else {
        format!(
            "\n[{AREA}] SUCCESS! This control plane node is at \"{version}\" already; nothing was changed.\n"
        )
    };
    let here = upgrade.run.settings.node_name();
    let servers = upgrade.survey.api_servers();
    let others: Vec<&str> =
        servers.iter().filter(|(n, v)| n != here && v != version).map(|(n, _)| n.as_str()).collect();
    let kubelets: Vec<String> = upgrade
        .survey
        .nodes
        .iter()
        .filter(|n| n.kubelet != version.to_string())
        .map(|n| format!("{} ({})", n.name, n.kubelet))
        .collect();
    if others.is_empty() && kubelets.is_empty() {
        return text;
    }
    let _ = writeln!(text, "\n[{AREA}] Next, one node at a time:");
    if !others.is_empty() {
        let _ = writeln!(
            text,
            "  - on each further control plane ({}): `kubestrap upgrade node`",
            others.join(", ")
        );
    }
    if !kubelets.is_empty() {
        let _ = writeln!(
            text,
            "  - for each node whose kubelet is older ({}): `kubectl drain NODE --ignore-daemonsets`; on a worker `kubestrap upgrade node`; install the package of kubelet {version}; `systemctl daemon-reload && systemctl restart kubelet`; `kubectl uncordon NODE`",
            kubelets.join(", ")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Component;

    #[test]
    fn every_minor_between_is_a_step_on_one_control_plane() {
        let version = |text: &str| text.parse::<KubernetesVersion>().unwrap();
        let mut survey = Survey::default();
        let instance = |node: &str| ((Component::ApiServer, node.to_owned()), "v1.33.1".to_owned());
        survey.instances.extend([instance("a")]);
        let steps = through_minors(&version("v1.33.1"), &version("v1.36.2"), &survey).unwrap();
        let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
        assert_eq!(steps, ["v1.34.12", "v1.35.9", "v1.36.2"]);
        survey.instances.extend([instance("b")]);
        let error = through_minors(&version("v1.33.1"), &version("v1.36.2"), &survey).unwrap_err();
        assert!(error.message.contains("a, b"), "{error}");
        assert!(through_minors(&version("v1.33.1"), &version("v1.34.2"), &survey).is_ok());
    }
}
