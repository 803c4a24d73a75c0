//! Which lists of an object are merged item by item, and by what.

use super::path::FieldPath;

/// How a strategic merge patch combines a list with the one it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListMerge {
    /// The list of the patch replaces it.
    Atomic,
    /// A list of plain values: those of the patch join it.
    Set,
    /// A list of objects: those with the same value in this field are merged.
    ByKey(&'static str),
}

/// The type of the object a patch is applied to.
///
/// The merge keys are those of the Go types' `patchStrategy` and `patchMergeKey` tags
/// (`k8s.io/api` 1.33 to 1.37), not the `x-kubernetes-list-type` of server-side apply.
/// `patchStrategy: retainKeys` isn't listed: it matters for making patches, not for applying them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// `v1` Pod.
    Pod,
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` DaemonSet.
    DaemonSet,
    /// `kubelet.config.k8s.io/v1beta1` KubeletConfiguration: every list is replaced.
    KubeletConfiguration,
}

/// A path below the place where a table is mounted; lists add nothing to it.
type Row = (&'static str, ListMerge);

const OBJECT_META: &[Row] = &[("finalizers", ListMerge::Set), ("ownerReferences", ListMerge::ByKey("uid"))];

const POD_SPEC: &[Row] = &[
    ("containers", ListMerge::ByKey("name")),
    ("ephemeralContainers", ListMerge::ByKey("name")),
    ("evictionResponders", ListMerge::ByKey("name")), // since 1.37
    ("hostAliases", ListMerge::ByKey("ip")),
    ("imagePullSecrets", ListMerge::ByKey("name")),
    ("initContainers", ListMerge::ByKey("name")),
    ("resourceClaims", ListMerge::ByKey("name")),
    ("schedulingGates", ListMerge::ByKey("name")),
    ("topologySpreadConstraints", ListMerge::ByKey("topologyKey")),
    ("volumes", ListMerge::ByKey("name")),
];

const CONTAINER: &[Row] = &[
    ("env", ListMerge::ByKey("name")),
    ("ports", ListMerge::ByKey("containerPort")),
    ("volumeDevices", ListMerge::ByKey("devicePath")),
    ("volumeMounts", ListMerge::ByKey("mountPath")),
];

const POD_STATUS: &[Row] = &[
    ("conditions", ListMerge::ByKey("type")),
    ("hostIPs", ListMerge::ByKey("ip")),
    ("podIPs", ListMerge::ByKey("ip")),
    ("resourceClaimStatuses", ListMerge::ByKey("name")),
];

const WORKLOAD_STATUS: &[Row] = &[("conditions", ListMerge::ByKey("type"))];

/// The tables inside a Pod, and where; the paths of a pod template begin the same way.
const POD: &[(&str, &[Row])] = &[
    ("metadata", OBJECT_META),
    ("spec", POD_SPEC),
    ("spec.containers", CONTAINER),
    ("spec.ephemeralContainers", CONTAINER),
    ("spec.initContainers", CONTAINER),
    ("spec.volumes.ephemeral.volumeClaimTemplate.metadata", OBJECT_META),
    ("status", POD_STATUS),
];

const WORKLOAD: &[(&str, &[Row])] = &[("metadata", OBJECT_META), ("status", WORKLOAD_STATUS)];

impl Schema {
    /// Where the object has its pod template: the names of the fields on the way to it.
    pub(super) fn pod_template(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Pod => Some(&[]),
            Self::Deployment | Self::DaemonSet => Some(&["spec", "template"]),
            Self::KubeletConfiguration => None,
        }
    }

    /// How the list at `path` is merged.
    pub(super) fn list_merge(self, path: &FieldPath) -> ListMerge {
        let path: Vec<&str> = path.fields().collect();
        let in_workload = match self {
            Self::Deployment | Self::DaemonSet => find(WORKLOAD, &path),
            Self::Pod | Self::KubeletConfiguration => None,
        };
        let in_pod = || find(POD, path.strip_prefix(self.pod_template()?)?);
        in_workload.or_else(in_pod).unwrap_or(ListMerge::Atomic)
    }
}

fn find(tables: &[(&str, &[Row])], path: &[&str]) -> Option<ListMerge> {
    let (field, parent) = path.split_last()?;
    let is_parent = |mount: &str| mount.split('.').eq(parent.iter().copied());
    let (_, rows) = tables.iter().find(|(mount, _)| is_parent(mount))?;
    rows.iter().find(|(name, _)| name == field).map(|(_, merge)| *merge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list_merge(schema: Schema, path: &str) -> ListMerge {
        schema.list_merge(&path.split('.').fold(FieldPath::default(), |path, name| path.field(name)))
    }

    #[test]
    fn a_pod_and_a_pod_template_have_the_same_merge_keys() {
        for (path, expected) in [
            ("metadata.finalizers", ListMerge::Set),
            ("metadata.ownerReferences", ListMerge::ByKey("uid")),
            ("spec.containers", ListMerge::ByKey("name")),
            ("spec.containers.env", ListMerge::ByKey("name")),
            ("spec.containers.ports", ListMerge::ByKey("containerPort")),
            ("spec.initContainers.volumeMounts", ListMerge::ByKey("mountPath")),
            ("spec.ephemeralContainers.volumeDevices", ListMerge::ByKey("devicePath")),
            ("spec.volumes", ListMerge::ByKey("name")),
            ("spec.volumes.ephemeral.volumeClaimTemplate.metadata.finalizers", ListMerge::Set),
            ("spec.hostAliases", ListMerge::ByKey("ip")),
            ("spec.topologySpreadConstraints", ListMerge::ByKey("topologyKey")),
            ("spec.tolerations", ListMerge::Atomic),
            ("spec.containers.command", ListMerge::Atomic),
            ("spec.containers.envFrom", ListMerge::Atomic),
            ("spec.containers.resources.claims", ListMerge::Atomic),
            ("spec.volumes.projected.sources", ListMerge::Atomic),
        ] {
            assert_eq!(list_merge(Schema::Pod, path), expected, "{path}");
            for workload in [Schema::Deployment, Schema::DaemonSet] {
                assert_eq!(list_merge(workload, &format!("spec.template.{path}")), expected, "{path}");
            }
            assert_eq!(list_merge(Schema::KubeletConfiguration, path), ListMerge::Atomic, "{path}");
        }
    }

    #[test]
    fn a_workload_has_its_own_metadata_and_status() {
        assert_eq!(list_merge(Schema::Deployment, "metadata.finalizers"), ListMerge::Set);
        assert_eq!(list_merge(Schema::DaemonSet, "status.conditions"), ListMerge::ByKey("type"));
        assert_eq!(list_merge(Schema::Deployment, "status.podIPs"), ListMerge::Atomic);
        assert_eq!(list_merge(Schema::Deployment, "spec.containers"), ListMerge::Atomic);
    }
}
