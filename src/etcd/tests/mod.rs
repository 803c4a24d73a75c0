//! Tests against a real etcd (Debian: etcd-server) on ports of the loopback, with mutual TLS and our own certificates.
//! Where `etcd` is not in PATH, they say so.

mod lab;
mod membership;
mod refusals;
mod snapshots;
