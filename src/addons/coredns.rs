//! CoreDNS, the cluster's DNS: its objects in kubeadm's order, and what of an existing installation stays.

use askama::Template;

use crate::cluster::{Apply, ClusterObject, ObjectError};
use crate::config::Settings;
use crate::yaml::TemplateError;

/// Its namespace.
pub(crate) const NAMESPACE: &str = "kube-system";
/// The name of its ConfigMap and of its Deployment.
pub(crate) const NAME: &str = "coredns";
/// By which a patch file means its Deployment.
pub(crate) const PATCH_TARGET: &str = "corednsdeployment";
/// The Pods of a fresh installation.
const REPLICAS: i64 = 2;

#[derive(Template)]
#[template(path = "addons/Corefile.txt")]
struct Corefile<'a> {
    domain: &'a str,
}

#[derive(Template)]
#[template(path = "addons/coredns.yml")]
struct Objects<'a> {
    s: &'a Settings,
    corefile: String,
    replicas: i64,
}

/// What of an existing installation decides about the new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Existing {
    /// The key `Corefile` of the ConfigMap.
    pub corefile: Option<String>,
    /// `spec.replicas` of the Deployment.
    pub replicas: Option<i64>,
}

/// The objects, and whether an existing Corefile, which somebody changed, stays (its ConfigMap is left out then).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// What to apply.
    pub objects: Vec<ClusterObject>,
    /// The existing Corefile stays.
    pub corefile_retained: bool,
}

/// What to apply beside what `existing` says is there.
///
/// kubeadm migrates a changed Corefile when its version of CoreDNS needs it; here it stays as it is.
///
/// # Errors
/// A fault of ours.
pub(crate) fn plan(settings: &Settings, existing: &Existing) -> Result<Plan, ObjectError> {
    let corefile = corefile(&settings.cluster.config.networking.dns_domain)?;
    let replicas = existing.replicas.unwrap_or(REPLICAS);
    let mut objects =
        ClusterObject::render(&Objects { s: settings, corefile, replicas }, Apply::CreateOrUpdate)?;
    let corefile_retained = match &existing.corefile {
        Some(text) => !is_default(text)?,
        None => false,
    };
    if corefile_retained {
        objects.retain(|o| o.kind() != "ConfigMap");
    }
    Ok(Plan { objects, corefile_retained })
}

fn corefile(domain: &str) -> Result<String, ObjectError> {
    let mut text = Corefile { domain }.render().map_err(|e| TemplateError::render(&e))?;
    text.push('\n');
    Ok(text)
}

/// Whether a Corefile is the default one, of whatever domain (the same for 1.33 to 1.37), or empty.
fn is_default(text: &str) -> Result<bool, ObjectError> {
    let mut words = text.split_whitespace();
    if words.clone().next().is_none() {
        return Ok(true);
    }
    words.by_ref().find(|word| *word == "kubernetes");
    let Some(domain) = words.next() else { return Ok(false) };
    Ok(corefile(domain)?.split_whitespace().eq(text.split_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::tests::settings;

    fn retained(corefile: &str) -> bool {
        let existing = Existing { corefile: Some(corefile.into()), replicas: None };
        plan(&settings(""), &existing).unwrap().corefile_retained
    }

    #[test]
    fn only_a_changed_corefile_stays() {
        let ours = corefile("cluster.local").unwrap();
        assert!(ours.ends_with("loadbalance\n}\n"));
        for default in [
            String::new(),
            " \n".into(),
            ours.clone(),
            corefile("old.example").unwrap(),
            ours.replace("    ", "\t"),
        ] {
            assert!(!retained(&default), "{default}");
        }
        for changed in [
            ours.replace("cache 30", "cache 60"),
            ours.replace("    loop\n", ""),
            ". { whoami }".into(),
            "kubernetes".into(),
        ] {
            assert!(retained(&changed), "{changed}");
        }
    }

    #[test]
    fn replicas_that_somebody_set_stay() {
        let existing = Existing { corefile: Some("mine".into()), replicas: Some(5) };
        let plan = plan(&settings(""), &existing).unwrap();
        let deployment = plan.objects.iter().find(|o| o.kind() == "Deployment").unwrap();
        assert_eq!(deployment.value["spec"]["replicas"], 5);
        assert!(plan.objects.iter().all(|o| o.kind() != "ConfigMap"));
    }
}
