//! What kubelet is given: its configuration (`config.yaml`), this machine's part of it (`instance-config.yaml`), its
//! flags (`kubeadm-flags.env`), and the systemd unit and drop-in that start it with them.
//!
//! Pure: settings in, objects or text out.

mod configuration;
mod flags;
mod units;

pub(crate) use configuration::{
    cluster_configuration, instance_configuration, node_configuration, with_instance,
};
pub(crate) use flags::flags_file;
pub(crate) use units::{DROP_IN, OPENRC_SERVICE, UNIT, lacks_drop_in};
