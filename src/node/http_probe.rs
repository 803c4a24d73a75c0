//! The probes of a static Pod's manifest that ask over HTTP.

use serde_json::Value;

use super::StaticPod;

/// The probes for which kubelet kills a container.
pub(crate) const KILLING: [&str; 2] = ["startupProbe", LIVENESS];

/// That for which it does so as long as the container runs.
pub(crate) const LIVENESS: &str = "livenessProbe";

/// What kubelet asks in a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpProbe {
    /// `http` or `https`.
    pub(crate) scheme: String,
    /// Whom it asks; none stands for the Pod's own address.
    pub(crate) host: Option<String>,
    /// At which port; one that has a name was looked up.
    pub(crate) port: u16,
    /// With its slash.
    pub(crate) path: String,
    /// After how many seconds without any success kubelet has the container ended, counted from its start.
    pub(crate) patience: u64,
}

impl StaticPod {
    /// A probe of the component's container, if it asks over HTTP.
    pub(crate) fn http_probe(&self, name: &str) -> Option<HttpProbe> {
        let container = self.container()?;
        let probe = container.get(name)?;
        let get = probe.get("httpGet")?;
        let number_of = |key: &str, default| probe.get(key).and_then(Value::as_u64).unwrap_or(default);
        let text = |key: &str| get.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let ports = container.get("ports").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let port = get.get("port")?;
        let number = port.as_i64().or_else(|| {
            let name = port.as_str()?;
            let named = ports.iter().find(|p| p.get("name").and_then(Value::as_str) == Some(name));
            named.and_then(|p| p.get("containerPort")?.as_i64()).or_else(|| name.parse().ok())
        });
        Some(HttpProbe {
            scheme: text("scheme").unwrap_or("http").to_lowercase(),
            host: text("host").map(str::to_owned),
            port: u16::try_from(number?).ok()?,
            path: format!("/{}", text("path").unwrap_or_default().trim_start_matches('/')),
            // kubelet's defaults.
            patience: number_of("failureThreshold", 3)
                .saturating_mul(number_of("periodSeconds", 10))
                .saturating_add(number_of("initialDelaySeconds", 0)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Component;
    use serde_json::json;

    #[test]
    fn probe_is_read_with_kubelet_s_defaults_and_the_number_of_a_named_port() {
        let probe = |get: Value| {
            let containers = json!([{ "name": "sidecar" }, {
                "name": "etcd",
                "ports": [{ "name": "probe-port", "containerPort": 2381 }],
                "livenessProbe": { "httpGet": get },
            }]);
            StaticPod::new(Component::Etcd, json!({ "spec": { "containers": containers } }))
                .http_probe("livenessProbe")
        };
        let whole = json!({ "scheme": "HTTPS", "host": "::1", "port": "probe-port", "path": "livez" });
        let expected = HttpProbe {
            scheme: "https".into(),
            host: Some("::1".into()),
            port: 2381,
            path: "/livez".into(),
            patience: 30,
        };
        assert_eq!(probe(whole), Some(expected));
        let expected =
            HttpProbe { scheme: "http".into(), host: None, port: 1, path: "/".into(), patience: 30 };
        assert_eq!(probe(json!({ "port": 1 })), Some(expected));
        assert_eq!(probe(json!({ "port": "absent" })), None);
        assert_eq!(probe(json!({ "port": 70000 })), None);
    }
}
