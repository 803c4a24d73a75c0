//! The fields of a Pod that hold resource quantities.

use serde_json::{Number, Value};

use super::path::FieldPath;
use super::schema::Schema;
use super::type_error::TypeError;
use crate::quantity::canonical;

/// Paths below a Pod or a pod template. `[]` stands for every item of a list, `{}` for every
/// value of a map.
const QUANTITY_FIELDS: [&str; 8] = [
    "spec.overhead.{}",
    "spec.resources.limits.{}",
    "spec.resources.requests.{}",
    "spec.volumes.[].downwardAPI.items.[].resourceFieldRef.divisor",
    "spec.volumes.[].emptyDir.sizeLimit",
    "spec.volumes.[].ephemeral.volumeClaimTemplate.spec.resources.limits.{}",
    "spec.volumes.[].ephemeral.volumeClaimTemplate.spec.resources.requests.{}",
    "spec.volumes.[].projected.sources.[].downwardAPI.items.[].resourceFieldRef.divisor",
];

const CONTAINERS: [&str; 3] = ["containers", "ephemeralContainers", "initContainers"];

/// Paths below a container.
const CONTAINER_QUANTITY_FIELDS: [&str; 3] =
    ["resources.limits.{}", "resources.requests.{}", "env.[].valueFrom.resourceFieldRef.divisor"];

/// Writes every quantity in `object` as Kubernetes writes it. Numbers become quantities, too.
pub(super) fn canonicalise(schema: Schema, object: &mut Value) -> Result<(), TypeError> {
    let Some(pod_template) = schema.pod_template() else { return Ok(()) };
    let in_containers = CONTAINERS.iter().flat_map(|containers| {
        CONTAINER_QUANTITY_FIELDS.iter().map(move |field| format!("spec.{containers}.[].{field}"))
    });
    for pattern in QUANTITY_FIELDS.iter().map(ToString::to_string).chain(in_containers) {
        let steps: Vec<&str> = pod_template.iter().copied().chain(pattern.split('.')).collect();
        visit(object, &steps, &FieldPath::default())?;
    }
    Ok(())
}

/// What doesn't look as the pattern expects is left alone: decoding will refuse it.
fn visit(value: &mut Value, pattern: &[&str], path: &FieldPath) -> Result<(), TypeError> {
    let Some((step, rest)) = pattern.split_first() else {
        return canonicalise_one(value, path);
    };
    match (*step, value) {
        ("[]", Value::Array(items)) => {
            items.iter_mut().enumerate().try_for_each(|(index, item)| visit(item, rest, &path.index(index)))
        }
        ("{}", Value::Object(fields)) => fields.iter_mut().try_for_each(|(name, value)| {
            if value.is_null() {
                // As in Go, where null leaves the zero value of a map's entry.
                *value = "0".into();
            }
            visit(value, rest, &path.field(name))
        }),
        (name, Value::Object(fields)) => {
            fields.get_mut(name).map_or(Ok(()), |value| visit(value, rest, &path.field(name)))
        }
        _ => Ok(()),
    }
}

fn canonicalise_one(value: &mut Value, path: &FieldPath) -> Result<(), TypeError> {
    let text = match value {
        Value::Null => return Ok(()),
        Value::String(text) => text.clone(),
        Value::Number(number) => number_text(number),
        _ => {
            let reason = "a quantity must be a string or a number".to_owned();
            return Err(TypeError { path: path.clone(), reason });
        }
    };
    let quantity =
        canonical(&text).map_err(|error| TypeError { path: path.clone(), reason: error.to_string() })?;
    *value = quantity.into();
    Ok(())
}

/// A number the way Go writes it in JSON: without an exponent as long as it is below 1e21. The
/// difference shows, since a quantity keeps the form it was written in.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && (1e-6..1e21).contains(&float.abs()) => float.to_string(),
        Some(float) if number.is_f64() && float.abs() >= 1.0 => format!("{float:e}").replace('e', "e+"),
        Some(float) if number.is_f64() => format!("{float:e}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_written_out_like_go_does() {
        for (value, expected) in [
            (json!(1), "1"),
            (json!(0.5), "500m"),
            (json!(1000), "1k"),
            (json!(1e16), "10P"),
            (json!(1e21), "1e+21"),
            (json!(1e-7), "100e-9"),
            (json!(-2), "-2"),
            (json!(0.0), "0"),
            (json!("0.5Gi"), "512Mi"),
        ] {
            let mut pod = json!({"spec": {"overhead": {"cpu": value}}});
            canonicalise(Schema::Pod, &mut pod).unwrap();
            assert_eq!(pod, json!({"spec": {"overhead": {"cpu": expected}}}), "{value}");
        }
    }

    #[test]
    fn every_quantity_field_is_found() {
        let spec = |quantity: Value| {
            let resources = json!({"limits": {"cpu": quantity}, "requests": {"memory": quantity}});
            let reference = json!({"resource": "limits.cpu", "divisor": quantity});
            let downward = json!({"items": [{"path": "x", "resourceFieldRef": reference}]});
            let container = json!({
                "name": "1000m",
                "resources": resources,
                "env": [{"name": "A", "value": "1000m"}, {"name": "B", "valueFrom": {"resourceFieldRef": reference}}],
            });
            json!({
                "overhead": {"cpu": quantity},
                "resources": resources,
                "containers": [container, container],
                "initContainers": [container],
                "ephemeralContainers": [container],
                "volumes": [
                    {"emptyDir": {"sizeLimit": quantity}},
                    {"downwardAPI": downward},
                    {"projected": {"sources": [{"downwardAPI": downward}]}},
                    {"ephemeral": {"volumeClaimTemplate": {"spec": {"resources": resources}}}},
                ],
            })
        };
        let mut pod = json!({"spec": spec(json!("1000m"))});
        canonicalise(Schema::Pod, &mut pod).unwrap();
        assert_eq!(pod, json!({"spec": spec(json!("1"))}));
        let mut workload = json!({"spec": {"template": {"spec": spec(json!("1000m"))}}});
        canonicalise(Schema::DaemonSet, &mut workload).unwrap();
        assert_eq!(workload, json!({"spec": {"template": {"spec": spec(json!("1"))}}}));
    }
}
