//! The sections that kubelet's and kube-proxy's configurations share: logging, tracing and the
//! connection to the API server (Go package `k8s.io/component-base`), with the rules by which Go
//! writes such types.

// The fields are Kubernetes' own; its reference of the configuration APIs documents each:
// https://kubernetes.io/docs/reference/config-api/
#![allow(missing_docs)]

use std::fmt;

use k8s_openapi::apimachinery::pkg::api::resource;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::duration::GoDuration;
use crate::quantity;

/// A resource quantity, in the form in which Kubernetes writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Quantity(pub String);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = resource::Quantity::deserialize(deserializer)?.0;
        quantity::canonical(&text).map(Self).map_err(D::Error::custom)
    }
}

/// How a component logs (`logging.config.k8s.io/v1`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LoggingConfiguration {
    #[serde(skip_serializing_if = "unset")]
    pub format: String,
    pub flush_frequency: TimeOrMetaDuration,
    pub verbosity: u32,
    #[serde(skip_serializing_if = "unset")]
    pub vmodule: Vec<VModuleItem>,
    pub options: FormatOptions,
}

/// The verbosity of the source files whose base name matches a pattern.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct VModuleItem {
    pub file_pattern: String,
    pub verbosity: u32,
}

/// Options of each logging format.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct FormatOptions {
    pub text: OutputRoutingOptions,
    pub json: OutputRoutingOptions,
}

/// Where the messages of a logging format go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct OutputRoutingOptions {
    #[serde(skip_serializing_if = "unset")]
    pub split_stream: bool,
    pub info_buffer_size: Quantity,
}

impl Default for OutputRoutingOptions {
    fn default() -> Self {
        Self { split_stream: false, info_buffer_size: Quantity("0".to_owned()) }
    }
}

/// `logging.flushFrequency`, which was a number before it could be a duration with a unit; it is
/// written the way it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeOrMetaDuration {
    /// A number of nanoseconds.
    Nanoseconds(i64),
    /// A duration with a unit.
    Duration(GoDuration),
}

impl Default for TimeOrMetaDuration {
    fn default() -> Self {
        Self::Nanoseconds(0)
    }
}

impl Serialize for TimeOrMetaDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nanoseconds(nanoseconds) => serializer.serialize_i64(*nanoseconds),
            Self::Duration(duration) => duration.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TimeOrMetaDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrText;
        impl Visitor<'_> for NumberOrText {
            type Value = TimeOrMetaDuration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"5s\" or a number of nanoseconds")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<TimeOrMetaDuration, E> {
                Ok(TimeOrMetaDuration::Nanoseconds(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<TimeOrMetaDuration, E> {
                let nanoseconds = i64::try_from(number)
                    .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
                self.visit_i64(nanoseconds)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<TimeOrMetaDuration, E> {
                text.parse().map(TimeOrMetaDuration::Duration).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(NumberOrText)
    }
}

/// Where a component sends OpenTelemetry traces.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TracingConfiguration {
    #[serde(skip_serializing_if = "unset")]
    pub endpoint: Option<String>,
    #[serde(skip_serializing_if = "unset")]
    pub sampling_rate_per_million: Option<i32>,
}

/// How a component reaches the API server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ClientConnectionConfiguration {
    pub kubeconfig: String,
    pub accept_content_types: String,
    pub content_type: String,
    #[serde(serialize_with = "float32")]
    pub qps: f32,
    pub burst: i32,
}

/// Go's `omitempty`: an empty string, list or map, zero, false and nil are not written. Go does
/// not apply it to structs, durations among them, so those fields here go without it too.
pub(crate) fn unset<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Writes a pointer to a 64-bit float as Go does.
pub(crate) fn float64<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => float(*value, serializer),
        None => serializer.serialize_none(),
    }
}

/// Writes a 32-bit float as Go does, in the digits that suffice for 32 bits: 0.1, where plain
/// widening gives 0.10000000149011612.
fn float32<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    let shortest = value.to_string().parse().unwrap_or_else(|_| f64::from(*value));
    float(shortest, serializer)
}

/// A whole number has no decimal point in Go's output: `5`, not `5.0`.
fn float<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = (1_i64 << f64::MANTISSA_DIGITS) as f64;
    if value.fract() == 0.0 && value.abs() < EXACT {
        serializer.serialize_i64(value as i64)
    } else {
        serializer.serialize_f64(value)
    }
}

/// Leaves out every field that is null: Go's decoder takes null as if the field were not there.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        scalar => scalar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json, to_value};

    #[test]
    fn flush_frequency_is_written_as_it_was_given() {
        for given in [json!(0), json!(5_000_000_000_i64), json!(-1), json!("5s"), json!("1m0s")] {
            let decoded: TimeOrMetaDuration = from_value(given.clone()).unwrap();
            assert_eq!(to_value(decoded).unwrap(), given);
        }
        for refused in [json!(1.5), json!("5"), json!(true), json!(u64::MAX)] {
            assert!(from_value::<TimeOrMetaDuration>(refused.clone()).is_err(), "{refused}");
        }
    }

    #[test]
    fn floats_have_go_s_digits() {
        for (given, written) in [("0.1", "0.1"), ("5", "5"), ("5.0", "5"), ("1e-3", "0.001")] {
            let decoded: ClientConnectionConfiguration =
                serde_json::from_str(&format!("{{\"qps\": {given}}}")).unwrap();
            assert_eq!(to_value(decoded).unwrap()["qps"].to_string(), written);
        }
    }

    #[test]
    fn quantities_may_be_numbers_and_are_written_as_strings() {
        let decoded: OutputRoutingOptions = from_value(json!({ "infoBufferSize": 1024 })).unwrap();
        assert_eq!(to_value(decoded).unwrap(), json!({ "infoBufferSize": "1024" }));
        let decoded: OutputRoutingOptions = from_value(json!({ "infoBufferSize": "1024Ki" })).unwrap();
        assert_eq!(to_value(decoded).unwrap(), json!({ "infoBufferSize": "1Mi" }));
        assert!(from_value::<OutputRoutingOptions>(json!({ "infoBufferSize": "much" })).is_err());
    }
}
