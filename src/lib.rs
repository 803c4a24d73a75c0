//! kubestrap turns a fresh machine into a Kubernetes control plane, the way kubeadm does, and better.
//!
//! Three layers, imports in one direction only: [`cli`] → [`phases`] → domain modules, which know neither clap nor the
//! terminal.
//!
//! What `kubestrap init` does:
//! 1. [`cli`] reads flags or a file into a configuration ([`config::load()`]) and asks the machine what nobody said
//!    ([`host::gather`]); out of both come the [`config::Settings`], checked, from which all else is rendered.
//! 2. [`phases::init()`] is the table of phases; [`phases::runner::run`] goes through it.
//! 3. `preflight`: [`preflight::run_checks`] measures whether the machine can do it, before anything is written.
//! 4. `certs`, `kubeconfig`: what is missing is made ([`pki`], [`kubeconfig`]), what is right is kept.
//! 5. `etcd`, `control-plane`: [`manifest::render`] gives the static Pods, [`patches`] change them.
//! 6. `kubelet-start`: [`kubelet`]'s files, then kubelet itself: ahead of its place, since it takes a while to come up.
//! 7. `wait-control-plane`: [`health`] watches until every component is healthy.
//! 8. `upload-config` … `addon`: [`cluster`] and [`addons`] give objects, the [`cluster::Cluster`] seam applies them.
//! 9. `show-join-command`: [`output::closing`] says what comes next.
//!
//! A dry run is the same, with other halves of the seams: [`host::DryRunHost`], [`cluster::Recorder`],
//! [`health::DryWatch`].

pub mod addons;
pub mod certs;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod diagnose;
pub mod diff;
pub mod finding;
pub mod health;
pub mod host;
pub mod images;
pub mod kubeconfig;
pub mod kubelet;
pub mod manifest;
pub mod output;
pub mod patches;
pub mod phases;
pub mod pki;
pub mod preflight;
pub mod yaml;
