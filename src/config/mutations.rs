//! Configurations that somebody's hand slipped in: whatever comes of it, it ends, and what is rendered reads back.

use proptest::prelude::*;

use super::{HostFacts, Settings, complete, load, migrate};
use crate::manifest::{self, Component, PkiFacts};
use crate::yaml;

const SOUND: &str = "apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 192.0.2.10, bindPort: 6443}
bootstrapTokens:
- token: abcdef.0123456789abcdef
  ttl: 24h
nodeRegistration: &node
  name: cp-1
  criSocket: unix:///run/containerd/containerd.sock
  taints: []
timeouts: {controlPlaneComponentHealthCheck: 4m}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
controlPlaneEndpoint: 'api.example.com:6443'
networking: {serviceSubnet: '10.96.0.0/16,fd00::/112', podSubnet: 10.244.0.0/16}
apiServer:
  certSANs: [10.0.0.1, '*.example.com']
  extraArgs:
  - {name: v, value: '4'}
etcd:
  local:
    extraArgs: [{name: listen-metrics-urls, value: 'http://0.0.0.0:2381'}]
";

/// What readers of YAML, numbers, addresses and times have stumbled over.
const WORDS: &[&str] = &[
    "",
    "~",
    "{}",
    "[]",
    "- ",
    ": ",
    "\n",
    "\n  ",
    "---\n",
    "*node",
    "&a ",
    "<<: ",
    "! ",
    "!!binary ",
    "\t",
    "\r\n",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "é",
    "'",
    "\"",
    "|\n",
    "? ",
    "on",
    "0o17",
    "1e400",
    ".inf",
    "2.0",
    "-1",
    "18446744073709551616",
    "::/0",
    "0.0.0.0/0",
    "::ffff:10.0.0.1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
    "[",
    "]",
    "http://a:b",
    "%zz",
    "-1h",
    "2562047h",
    "9999-12-31T23:59:59Z",
    "ci/v1.36.2",
];

fn slips() -> impl Strategy<Value = String> {
    let slip = (0..SOUND.len(), 0..12usize, prop::sample::select(WORDS));
    prop::collection::vec(slip, 1..4).prop_map(|slips| {
        let mut text: Vec<char> = SOUND.chars().collect();
        for (at, length, word) in slips {
            let at = at.min(text.len());
            text.splice(at..(at + length).min(text.len()), word.chars());
        }
        text.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn a_slip_ends_in_a_value_or_an_error(text in slips()) {
        let _ = complete::complete("c.yaml", &text);
        let _ = migrate("c.yaml", &text);
        let Ok(loaded) = load("c.yaml", &text) else { return Ok(()) };
        let resolved = Settings::resolve(loaded, HostFacts::placeholder(), &Default::default());
        let Ok(settings) = resolved.map(|resolved| resolved.settings) else { return Ok(()) };
        let local = settings.cluster.config.etcd.local.is_some();
        for component in Component::ALL.into_iter().filter(|c| local || *c != Component::Etcd) {
            let pod = manifest::render(component, &settings, PkiFacts::default()).unwrap();
            let written = yaml::to_string(&pod).unwrap();
            prop_assert_eq!(yaml::parse_values(&written).unwrap(), vec![serde_json::to_value(&pod).unwrap()]);
        }
    }
}
