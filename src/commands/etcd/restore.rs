//! `etcd snapshot restore`.

use std::path::PathBuf;

use serde_json::json;

use super::replace::{AREA, Replacement};
use super::{Target, size};
use crate::commands::confirm::confirm;
use crate::commands::this_machine::require_root;
use crate::error::Error;
use crate::etcd::{ClusterHealth, State, snapshot};
use crate::exit_status::ExitStatus;
use crate::host::{Host, RealHost};
use crate::manifest::Component;
use crate::node::{LocalEtcd, StaticPod};
use crate::output::Printer;
use crate::phases::etcd_data::{Source, refuse_newer};

/// What to restore.
#[derive(Clone, Debug)]
pub(crate) struct Restore {
    /// Where etcd is.
    pub(crate) target: Target,
    /// The snapshot.
    pub(crate) snapshot: PathBuf,
    /// It is a copy of a database, without a hash behind it.
    pub(crate) unhashed: bool,
    /// Do not ask for confirmation.
    pub(crate) yes: bool,
    /// Change nothing.
    pub(crate) dry_run: bool,
}

/// Replaces the data of this node's etcd, which becomes the only member, by those of a snapshot.
///
/// # Errors
/// When the snapshot can't be used, other members still answer, or the control plane does not become healthy with the
/// restored data; then the old data are in place again.
pub(crate) fn run(request: &Restore, out: &Printer) -> Result<ExitStatus, Error> {
    let host = RealHost::new();
    let member = local(&request.target, &host)?;
    let source = source(&request.snapshot, request.unhashed, &member)?;
    refuse_others(&request.target, &member)?;
    if !request.dry_run {
        require_root(&host)?;
        if !request.yes {
            let what = format!(
                "The data of this cluster will be replaced by those of {}; what was changed since then is lost. The current data are kept in {}.",
                request.snapshot.display(),
                member.data.display()
            );
            confirm(out, AREA, &what, "--yes")?;
        }
    }
    let replacement = Replacement {
        member: &member,
        source: &source,
        stop_first: false,
        command: "etcd snapshot restore",
        dry_run: request.dry_run,
    };
    let in_place = replacement.run(&host, out)?;
    if !request.dry_run {
        out.log(AREA, format!("Restored {}; the control plane is healthy", request.snapshot.display()));
        if let Some(before) = &in_place.before {
            out.log(
                AREA,
                format!("The old data are in {}: remove them when you no longer need them", before.display()),
            );
        }
    }
    tell_others(&member, out);
    let data =
        json!({ "ok": true, "dryRun": request.dry_run, "member": member.name, "before": in_place.before });
    out.result(data, "");
    Ok(ExitStatus::Done)
}

/// This node's member.
///
/// # Errors
/// When there is no manifest of etcd, or it lacks what is needed.
pub(super) fn local(target: &Target, host: &dyn Host) -> Result<LocalEtcd, Error> {
    let Some(pod) = StaticPod::read(&target.manifests, Component::Etcd, host)? else {
        let message = format!(
            "this machine runs no etcd: {} does not exist\n  fix: run this on a control-plane node; on a fresh machine, `kubestrap restore` sets up the cluster again from an archive of `kubestrap backup`",
            target.manifests.join(Component::Etcd.file()).display()
        );
        return Err(Error::new(ExitStatus::Usage, message));
    };
    LocalEtcd::of(&pod).map_err(|why| Error::new(ExitStatus::Failed, why))
}

/// The snapshot, verified, and of a version that this node's etcd can read.
fn source(path: &std::path::Path, unhashed: bool, member: &LocalEtcd) -> Result<Source, Error> {
    let path = std::path::absolute(path)?;
    let (size, facts) = if unhashed {
        (snapshot::check_database(&path)?, None)
    } else {
        (snapshot::verify(&path)?.size, snapshot::facts(&path))
    };
    if let Some(facts) = facts {
        refuse_newer(&facts.version, &member.image, &path.display().to_string())?;
    }
    Ok(Source { path, unhashed, size })
}

/// Refuses to go on while other members answer: they would go on as a cluster of their own, with the old data.
fn refuse_others(target: &Target, member: &LocalEtcd) -> Result<(), Error> {
    // Where etcd can't be asked, the manifest's members are told at the end.
    let Ok(mut reached) = target.connect() else { return Ok(()) };
    let Ok(health) = ClusterHealth::look(&mut reached.etcd) else { return Ok(()) };
    let others: Vec<String> = health
        .members
        .iter()
        .filter(|m| m.member.name != member.name && !matches!(m.state, State::Down(_) | State::NotStarted))
        .map(|m| m.member.display_name())
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    let message = format!(
        "other members of etcd still answer: {}\n  cause: they would go on with the old data, as a cluster of their own, and so would the API servers beside them\n  fix: run `kubestrap reset` on those nodes, then run the same command again, and join them again afterwards",
        others.join(", ")
    );
    Err(Error::new(ExitStatus::Failed, message))
}

/// Tells what is to be done on the nodes of the other members.
pub(super) fn tell_others(member: &LocalEtcd, out: &Printer) {
    for (name, url) in &member.others {
        out.log(
            AREA,
            format!(
                "{name} ({url}) is not a member any more: if that machine still runs, run `kubestrap reset` there, then join it again with `kubestrap join --control-plane`"
            ),
        );
    }
}

/// What a restore is from, for messages.
pub(super) fn described(source: &Source) -> String {
    format!("{} ({})", source.path.display(), size(source.size))
}
