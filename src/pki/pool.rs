//! Keys made ahead, on all cores, while other work goes on: an RSA key takes long, and init needs sixteen.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use super::{KeyAlgorithm, KeyError, PrivateKey};

/// How many keys one thread makes before it steps back: kubelet is started with the CA's and its own, and all other
/// keys are made while it comes up.
const URGENT: usize = 2;
/// How far key making steps back behind other work (setpriority(2)).
const NICE: i32 = 5;

/// A supply of keys of one algorithm.
pub(crate) struct KeyPool {
    algorithm: KeyAlgorithm,
    count: usize,
    ready: Receiver<Result<PrivateKey, KeyError>>,
    /// Of a supply that nobody keeps anything of: the one key that stands for all.
    stand_in: Option<OnceCell<PrivateKey>>,
}

impl KeyPool {
    /// Starts to make `count` keys. Each core takes the next as soon as it is done with one, since the time for an
    /// RSA key varies widely.
    pub(crate) fn start(algorithm: KeyAlgorithm, count: usize) -> Self {
        let (sender, ready) = sync_channel(count.max(1));
        let next = Arc::new(AtomicUsize::new(0));
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(count);
        for thread in 0..threads {
            let (sender, next) = (sender.clone(), Arc::clone(&next));
            std::thread::spawn(move || {
                let urgent = if thread == 0 { URGENT } else { 0 };
                for made in 0.. {
                    if next.fetch_add(1, Ordering::Relaxed) >= count {
                        return;
                    }
                    if made == urgent {
                        // Linux takes this for the thread alone. Where it can't be, other work is slower.
                        let _ = rustix::process::setpriority_process(None, NICE);
                    }
                    if sender.send(PrivateKey::generate(algorithm)).is_err() {
                        return;
                    }
                }
            });
        }
        Self { algorithm, count, ready, stand_in: None }
    }

    /// A supply for a run that keeps none of its keys and shows nothing that they sign but the CAs' certificates: one
    /// key stands for the `count` that are needed, since nobody could tell.
    pub(crate) fn stand_in(algorithm: KeyAlgorithm, count: usize) -> Self {
        Self { stand_in: Some(OnceCell::new()), ..Self::start(algorithm, count.min(1)) }
    }

    /// Whether it makes so many keys of this algorithm.
    pub(crate) fn makes(&self, algorithm: KeyAlgorithm, count: usize) -> bool {
        self.algorithm == algorithm && self.count >= count
    }

    /// Whether one key stands for all.
    pub(crate) fn is_stand_in(&self) -> bool {
        self.stand_in.is_some()
    }

    /// The next key: one made ahead, else one made now.
    ///
    /// # Errors
    /// When no key can be made.
    pub(crate) fn take(&self) -> Result<PrivateKey, KeyError> {
        let Some(stand_in) = &self.stand_in else { return self.next() };
        if let Some(key) = stand_in.get() {
            return Ok(key.clone());
        }
        let key = self.next()?;
        Ok(stand_in.get_or_init(|| key).clone())
    }

    fn next(&self) -> Result<PrivateKey, KeyError> {
        match self.ready.recv() {
            Ok(key) => key,
            // All of them are taken.
            Err(_) => PrivateKey::generate(self.algorithm),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_the_pool_outlasts_its_count() {
        let pool = KeyPool::start(KeyAlgorithm::EcdsaP256, 3);
        let mut keys: Vec<String> = (0..5).map(|_| pool.take().unwrap().spki_sha256()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 5);
    }

    #[test]
    fn where_nothing_is_kept_one_key_stands_for_all() {
        let pool = KeyPool::stand_in(KeyAlgorithm::EcdsaP256, 16);
        assert_eq!(pool.take().unwrap().spki_sha256(), pool.take().unwrap().spki_sha256());
    }
}
