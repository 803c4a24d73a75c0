//! Many keys at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::algorithm::KeyAlgorithm;
use super::key::{KeyError, PrivateKey};

/// Makes `count` keys on all cores that this process may use.
///
/// An RSA key is a search for primes, and takes from a third to thrice the median time: so each
/// thread takes the next key when it has made one, instead of a fixed share.
///
/// # Errors
/// The first [`KeyError`] of any thread; the others stop at their next key.
pub fn generate_keys(algorithm: KeyAlgorithm, count: usize) -> Result<Vec<PrivateKey>, KeyError> {
    let taken = AtomicUsize::new(0);
    let work = || {
        let mut keys = Vec::new();
        while taken.fetch_add(1, Ordering::Relaxed) < count {
            let key = PrivateKey::generate(algorithm);
            if key.is_err() {
                taken.store(count, Ordering::Relaxed);
            }
            keys.push(key?);
        }
        Ok(keys)
    };
    let helpers = thread::available_parallelism().map_or(1, usize::from).min(count).saturating_sub(1);
    thread::scope(|scope| {
        // This thread works too, so a helper that cannot be started costs time and nothing else.
        let helpers: Vec<_> =
            (0..helpers).filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut keys = work();
        for helper in helpers {
            let made = helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            keys = keys.and_then(|mut keys| {
                keys.extend(made?);
                Ok(keys)
            });
        }
        keys
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn makes_exactly_as_many_different_keys_as_asked() {
        for count in [0, 1, 2, 33] {
            let keys = generate_keys(KeyAlgorithm::EcdsaP256, count).unwrap();
            assert_eq!(keys.len(), count);
            let distinct: HashSet<_> = keys.iter().map(|key| key.spki_der().to_vec()).collect();
            assert_eq!(distinct.len(), count);
        }
    }
}
