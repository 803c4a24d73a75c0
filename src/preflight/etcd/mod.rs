//! etcd: an external one, and the data of a local one.

pub(super) mod data;
pub(super) mod external;
