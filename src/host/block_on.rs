//! The tokio runtime that this process's short conversations share: with the container runtime, with health endpoints,
//! with HTTP servers. It is started when it is first needed, and has no threads of its own: waiting threads drive it.

use std::future::Future;
use std::io;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

/// Runs a future to its end. Several threads may do so at the same time.
///
/// # Errors
/// When the runtime can't be started.
pub(crate) fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    static RUNTIME: OnceLock<io::Result<Runtime>> = OnceLock::new();
    match RUNTIME.get_or_init(|| Builder::new_current_thread().enable_all().build()) {
        Ok(runtime) => Ok(runtime.block_on(future)),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_the_runtime_and_wake_each_other() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let waiting = std::thread::spawn(move || block_on(receiver).unwrap().unwrap());
        block_on(async move {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            sender.send(7).unwrap();
        })
        .unwrap();
        assert_eq!(waiting.join().unwrap(), 7);
    }
}
