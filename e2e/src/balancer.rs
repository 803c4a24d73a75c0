//! A load balancer on the first machine, before the API servers of those beside it: haproxy, which the host brings.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

use crate::machine::Network;

/// haproxy. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Balancer(Child);

impl Balancer {
    /// Its address and port, which the clusters' clients use.
    pub(crate) fn endpoint() -> String {
        format!("{}:6443", Network::alone().address)
    }

    /// Starts it before the machines of these numbers.
    ///
    /// # Errors
    /// When it can't be started.
    pub(crate) fn start(numbers: impl IntoIterator<Item = u8>) -> anyhow::Result<Self> {
        let file = "/etc/haproxy-e2e.cfg";
        fs::write(file, configuration(numbers))?;
        let log = File::create("/e2e/logs/haproxy.log")?;
        let child = Command::new("haproxy")
            .args(["-db", "-f", file])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("haproxy can't be started")?;
        Ok(Self(child))
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that is gone is left out within half a second, and its connections are ended.
fn configuration(numbers: impl IntoIterator<Item = u8>) -> String {
    let endpoint = Balancer::endpoint();
    let mut text = format!(
        "defaults\n  mode tcp\n  timeout connect 500ms\n  timeout client 1h\n  timeout server 1h\n  retries 3\n  option redispatch\n\
         frontend api\n  bind {endpoint}\n  default_backend servers\n\
         backend servers\n  option httpchk GET /livez\n  http-check expect status 200\n  \
         default-server check check-ssl verify none inter 200ms fall 2 rise 1 on-marked-down shutdown-sessions\n"
    );
    for number in numbers {
        let Network { name, address, .. } = Network::beside(number);
        let _ = writeln!(text, "  server {name} {address}:6443");
    }
    text
}
