//! What kubelet is given: its configuration (`config.yaml`), this machine's part of it (`instance-config.yaml`), its
//! flags (`kubeadm-flags.env`), the certificate that it serves with, and the systemd unit and drop-in that start it with them.
//!
//! Pure: settings in, objects or text out.

mod configuration;
mod flags;
mod serving;
mod units;

pub(crate) use configuration::{
    cluster_configuration, instance_configuration, node_configuration, with_instance,
};
pub(crate) use flags::flags_file;
pub(crate) use serving::{SERVING_ALGORITHM, own_certificate_dir, serving_certificate};
pub(crate) use units::{DROP_IN, OPENRC_SERVICE, UNIT, lacks_drop_in};
