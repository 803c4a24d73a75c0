//! The images that this node will run, brought here before kubelet needs them: all at once where the configuration
//! lets us, those that are here left alone, failures tried again where that can help.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::JoinSet;

use super::pull_error::PullError;
use super::{CriClient, CriError};
use crate::config::Settings;

/// How often a pull is tried, as in kubeadm.
const TRIES: u32 = 5;

/// The wait before the second try; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 250 });

/// No try follows one that fails this late: what swallows packets for so long will swallow the next ones too.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// A store of images that can pull.
pub(crate) trait Images: Clone + Send + Sync + 'static {
    /// Whether it holds an image.
    fn holds(&self, image: &str) -> impl Future<Output = Result<bool, CriError>> + Send;

    /// Pulls an image, however long that takes.
    fn pull(&self, image: &str) -> impl Future<Output = Result<(), CriError>> + Send;
}

impl Images for CriClient {
    async fn holds(&self, image: &str) -> Result<bool, CriError> {
        Ok(self.image_status(image).await?.is_some())
    }

    async fn pull(&self, image: &str) -> Result<(), CriError> {
        self.pull_image(image).await.map(drop)
    }
}

/// When images are pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PullPolicy {
    /// Those that are not here.
    #[default]
    IfNotPresent,
    /// All, to have what the registry has under these names now.
    Always,
    /// None.
    Never,
}

/// How to pull.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PullOptions {
    /// Which images.
    pub policy: PullPolicy,
    /// One after the other.
    pub serial: bool,
}

impl PullOptions {
    /// What `nodeRegistration.imagePullPolicy` and `imagePullSerial` ask for. Where nobody says, images are pulled at
    /// once, which kubeadm does only when told to.
    pub(crate) fn of(settings: &Settings) -> Self {
        let node = &settings.node.registration;
        let policy = match node.image_pull_policy.as_str() {
            "Always" => PullPolicy::Always,
            "Never" => PullPolicy::Never,
            _ => PullPolicy::IfNotPresent,
        };
        Self { policy, serial: node.image_pull_serial.unwrap_or(false) }
    }
}

/// What happens to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PullEvent {
    /// It is here already.
    Present(String),
    /// Its pull begins.
    Started(String),
    /// A try has failed, and another follows.
    Retrying {
        /// The image.
        image: String,
        /// Which try failed, from 1.
        attempt: u32,
        /// Why.
        reason: String,
    },
    /// It has been pulled.
    Pulled {
        /// The image.
        image: String,
        /// How long that took.
        took: Duration,
    },
    /// It can't be pulled.
    Failed(PullError),
    /// A dry run would pull those of these that are missing.
    Would(Vec<String>),
}

/// Pulls what the policy asks for; gives the images that could not be had, in the order of `images`. All are tried,
/// also when one fails. `progress` hears what happens.
pub(crate) async fn pull_all<I: Images>(
    store: &I,
    images: &[String],
    options: PullOptions,
    progress: &mut (dyn FnMut(PullEvent) + Send),
) -> Vec<PullError> {
    if options.policy == PullPolicy::Never {
        return vec![];
    }
    let (sender, mut events) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    let always = options.policy == PullPolicy::Always;
    if options.serial {
        let (store, images) = (store.clone(), images.to_vec());
        tasks.spawn(async move {
            for image in images {
                pull(&store, image, always, &sender).await;
            }
        });
    } else {
        for image in images {
            let (store, image, sender) = (store.clone(), image.clone(), sender.clone());
            tasks.spawn(async move { pull(&store, image, always, &sender).await });
        }
        drop(sender);
    }
    let mut errors = vec![];
    while let Some(event) = events.recv().await {
        if let PullEvent::Failed(error) = &event {
            errors.push(error.clone());
        }
        progress(event);
    }
    errors.sort_by_key(|e| images.iter().position(|i| *i == e.image));
    errors
}

async fn pull<I: Images>(store: &I, image: String, always: bool, events: &UnboundedSender<PullEvent>) {
    // A receiver that is gone has no interest any more.
    let say = |event| drop(events.send(event));
    if !always && store.holds(&image).await.unwrap_or(false) {
        return say(PullEvent::Present(image));
    }
    say(PullEvent::Started(image.clone()));
    let start = Instant::now();
    let mut wait = FIRST_WAIT;
    for attempt in 1.. {
        let error = match store.pull(&image).await {
            Ok(()) => return say(PullEvent::Pulled { image, took: start.elapsed() }),
            Err(error) => PullError::new(&image, attempt, &error),
        };
        if attempt >= TRIES || !error.may_pass() || start.elapsed() > LONGEST_RETRY {
            return say(PullEvent::Failed(error));
        }
        say(PullEvent::Retrying { image: image.clone(), attempt, reason: error.reason });
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use tonic::Code;

    use super::super::{CriCause, IMAGE_PULL};
    use super::*;
    use crate::preflight::{cri_error, test_settings as settings};

    /// Images that are here, and what each try of a pull gives: errors first, then success.
    #[derive(Clone, Default)]
    struct Fake {
        here: Vec<String>,
        errors: Arc<Mutex<BTreeMap<String, Vec<&'static str>>>>,
        running: Arc<Mutex<(usize, usize)>>,
    }

    impl Images for Fake {
        async fn holds(&self, image: &str) -> Result<bool, CriError> {
            Ok(self.here.iter().any(|i| i == image))
        }

        async fn pull(&self, image: &str) -> Result<(), CriError> {
            {
                let mut running = self.running.lock().unwrap();
                running.0 += 1;
                running.1 = running.1.max(running.0);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.running.lock().unwrap().0 -= 1;
            let mut errors = self.errors.lock().unwrap();
            match errors.get_mut(image).filter(|e| !e.is_empty()).map(|e| e.remove(0)) {
                Some(message) => {
                    let cause = CriCause::Rpc { code: Code::Unknown, message: message.into() };
                    Err(cri_error("PullImage", cause))
                }
                None => Ok(()),
            }
        }
    }

    async fn run(fake: &Fake, options: PullOptions) -> (Vec<PullError>, Vec<PullEvent>) {
        let images = ["a", "b", "c"].map(str::to_owned);
        let mut events = vec![];
        let errors = pull_all(fake, &images, options, &mut |event| events.push(event)).await;
        (errors, events)
    }

    #[tokio::test]
    async fn present_images_are_skipped_and_the_rest_is_pulled_in_parallel() {
        let fake = Fake { here: vec!["b".into()], ..Fake::default() };
        let (errors, events) = run(&fake, PullOptions::default()).await;
        assert!(errors.is_empty() && events.contains(&PullEvent::Present("b".into())));
        assert_eq!(fake.running.lock().unwrap().1, 2, "both at once");
    }

    #[tokio::test]
    async fn policies() {
        let here = Fake { here: ["a", "b", "c"].map(str::to_owned).to_vec(), ..Fake::default() };
        let pulled = async |policy, serial| {
            here.running.lock().unwrap().1 = 0;
            let (_, events) = run(&here, PullOptions { policy, serial }).await;
            let pulled = events.iter().filter(|e| matches!(e, PullEvent::Pulled { .. })).count();
            (pulled, here.running.lock().unwrap().1)
        };
        assert_eq!(pulled(PullPolicy::IfNotPresent, false).await, (0, 0));
        assert_eq!(pulled(PullPolicy::Always, false).await, (3, 3));
        assert_eq!(pulled(PullPolicy::Always, true).await, (3, 1));
        assert_eq!(pulled(PullPolicy::Never, false).await, (0, 0));
        let config = "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nnodeRegistration: {imagePullPolicy: Always, imagePullSerial: false}\n";
        let want = PullOptions { policy: PullPolicy::Always, serial: false };
        assert_eq!(PullOptions::of(&settings(config)), want);
        assert!(PullOptions::of(&settings(&config.replace("false", "true"))).serial);
        assert!(!PullOptions::of(&settings("")).serial, "at once, where nobody says");
    }

    #[tokio::test]
    async fn transient_failures_are_retried_and_permanent_ones_are_not() {
        let fake = Fake::default();
        fake.errors.lock().unwrap().extend([
            ("a".to_owned(), vec!["dial tcp: i/o timeout"; 4]),
            ("b".to_owned(), vec!["r/b:1: not found"; 9]),
            ("c".to_owned(), vec!["connection reset by peer"; 9]),
        ]);
        let (errors, events) = run(&fake, PullOptions::default()).await;
        let tried: Vec<(&str, u32)> = errors.iter().map(|e| (e.image.as_str(), e.tries)).collect();
        assert_eq!(tried, [("b", 1), ("c", 5)]);
        assert!(events.iter().any(|e| matches!(e, PullEvent::Pulled { image, .. } if image == "a")));
        assert_eq!(events.iter().filter(|e| matches!(e, PullEvent::Retrying { .. })).count(), 8);
        assert_eq!(errors[0].finding().check, IMAGE_PULL);
    }
}
