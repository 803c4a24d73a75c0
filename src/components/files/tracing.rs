//! `--tracing-config-file`. Source: `apiserver/pkg/server/options/tracing.go` and `component-base/tracing/api/v1`.

use serde::Deserialize;

use super::document::Format;
use super::fault::Fields;
use super::{Context, Named};
use crate::config::url;

pub(super) const FORMAT: Format = Format {
    knows_kind: true,
    knows_version: true,
    ..Format::strict(&[
        ("apiserver.config.k8s.io/v1", "TracingConfiguration", 34),
        ("apiserver.config.k8s.io/v1beta1", "TracingConfiguration", 0),
        ("apiserver.config.k8s.io/v1alpha1", "TracingConfiguration", 0),
    ])
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct TracingConfiguration {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    endpoint: Option<String>,
    sampling_rate_per_million: Option<i32>,
}

pub(super) fn judge(config: TracingConfiguration, fields: &mut Fields<'_>, _: &Context<'_>) -> Vec<Named> {
    if config.sampling_rate_per_million.is_some_and(|rate| !(0..=1_000_000).contains(&rate)) {
        fields.refuse("samplingRatePerMillion", "must be 0 to 1000000");
    }
    if let Some(endpoint) = config.endpoint {
        let whole = if endpoint.contains("//") { endpoint.clone() } else { format!("dns://{endpoint}") };
        let known = url::parse(&whole)
            .is_ok_and(|url| ["dns", "unix", "unix-abstract"].contains(&url.scheme.as_str()));
        if !known {
            fields.refuse(
                "endpoint",
                format!("{endpoint:?}: write `HOST:PORT` without a scheme, or a `unix:` socket"),
            );
        }
    }
    vec![]
}
