//! The watch seam: the control plane of this machine, or of a dry run, in which everything is healthy at once.

use std::collections::BTreeMap;

use super::endpoint::{Answer, Endpoint};
use super::observe::{ComponentState, Observer, Snapshot, Stage};
use super::target::Target;
use crate::host::cri::{CriClient, CriEndpoint};
use crate::host::{block_on, http_client, net, system};
use crate::kubeconfig::Kubeconfig;
use crate::manifest::Component;

/// What to watch.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// Where the components report their health.
    pub targets: Vec<Target>,
    /// kubelet's health URL's base, such as `http://127.0.0.1:10248`; none when it is turned off.
    pub kubelet: Option<String>,
    /// The runtime's CRI socket.
    pub cri_socket: String,
    /// The Node's name.
    pub node_name: String,
    /// A kubeconfig (its text) whose identity asks the API server; a secret.
    pub kubeconfig: Option<Kubeconfig>,
}

/// Reports the state of a control plane.
pub trait Watch {
    /// Begins to watch.
    ///
    /// # Errors
    /// In words, when the watch itself can't be set up.
    fn begin(&mut self, watched: &Watched) -> Result<(), String>;

    /// The state of everything now.
    fn snapshot(&mut self) -> Snapshot;

    /// The components that are healthy and that kubelet will kill all the same, since a probe of their manifests fails;
    /// with what it gets.
    fn doomed(&mut self) -> BTreeMap<Component, String> {
        BTreeMap::new()
    }

    /// Whether there is anything to wait for: not in a dry run.
    fn waits(&self) -> bool {
        true
    }

    /// Why no API server answers at `base` (`https://host:port`); none when one does, whatever it says, and where
    /// there is nobody to ask.
    fn unreachable(&mut self, _base: &str) -> Option<String> {
        None
    }
}

/// The control plane of this machine.
#[derive(Default)]
pub struct LiveWatch {
    watching: Option<Observer>,
}

impl Watch for LiveWatch {
    fn begin(&mut self, watched: &Watched) -> Result<(), String> {
        self.watching = Some(block_on(observer(watched)).map_err(|e| e.to_string())??);
        Ok(())
    }

    fn snapshot(&mut self) -> Snapshot {
        match &self.watching {
            Some(observer) => block_on(observer.snapshot()).unwrap_or_default(),
            None => Snapshot::default(),
        }
    }

    fn doomed(&mut self) -> BTreeMap<Component, String> {
        match &self.watching {
            Some(observer) => block_on(observer.doomed()).unwrap_or_default(),
            None => BTreeMap::new(),
        }
    }

    fn unreachable(&mut self, base: &str) -> Option<String> {
        self.watching.as_ref()?;
        // The client is made in the runtime, whose timers it uses.
        let answer = block_on(async {
            match Endpoint::new(base, "/livez") {
                Ok(endpoint) => match endpoint.ask().await {
                    Answer::Silent(why) | Answer::Late(why) => Some(why),
                    Answer::Healthy | Answer::Unhealthy(_) => None,
                },
                Err(why) => Some(why),
            }
        });
        answer.unwrap_or_else(|error| Some(error.to_string()))
    }
}

async fn observer(watched: &Watched) -> Result<Observer, String> {
    let (mut components, mut probes) = (vec![], vec![]);
    for target in &watched.targets {
        let endpoint = match &watched.kubeconfig {
            Some(kubeconfig) if target.component == Component::ApiServer => {
                authenticated(target, kubeconfig).await?
            }
            _ => Endpoint::new(&target.base, target.path)?,
        };
        components.push((target.component, endpoint));
        for (base, path) in &target.probes {
            probes.push((target.component, Endpoint::new(base, path)?));
        }
    }
    let kubelet = watched.kubelet.as_deref().map(|base| Endpoint::new(base, "/healthz")).transpose()?;
    let socket: CriEndpoint =
        watched.cri_socket.parse().map_err(|e| format!("{}: {e}", watched.cri_socket))?;
    let runtime = CriClient::connect(&socket).await.map_err(|e| e.to_string());
    let (node_name, booted_at_ns) = (watched.node_name.clone(), system::booted_at_ns());
    Ok(Observer { kubelet, runtime, components, probes, node_name, booted_at_ns })
}

/// The API server, asked as who the kubeconfig is for, and trusted only by its CA: what every client will do.
async fn authenticated(target: &Target, kubeconfig: &Kubeconfig) -> Result<Endpoint, String> {
    let config = client_config(kubeconfig, &target.base).await?;
    let client = http_client(config).map_err(|e| e.to_string())?;
    Ok(Endpoint::with_client(client, &target.base, target.path))
}

async fn client_config(kubeconfig: &Kubeconfig, server: &str) -> Result<kube::Config, String> {
    let value = serde_json::to_value(kubeconfig).map_err(|e| e.to_string())?;
    let kubeconfig: kube::config::Kubeconfig = serde_json::from_value(value).map_err(|e| e.to_string())?;
    let options = kube::config::KubeConfigOptions::default();
    let mut config =
        kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|e| e.to_string())?;
    config.cluster_url = net::server_url(server)?;
    config.proxy_url = None;
    Ok(config)
}

/// A control plane in which everything is healthy at once.
#[derive(Debug, Default)]
pub(crate) struct DryWatch {
    components: BTreeMap<Component, ComponentState>,
}

impl Watch for DryWatch {
    fn begin(&mut self, watched: &Watched) -> Result<(), String> {
        let healthy = || ComponentState { stage: Stage::Healthy, ..ComponentState::default() };
        self.components = watched.targets.iter().map(|t| (t.component, healthy())).collect();
        Ok(())
    }

    fn snapshot(&mut self) -> Snapshot {
        Snapshot { components: self.components.clone(), ..Snapshot::default() }
    }

    fn waits(&self) -> bool {
        false
    }
}
