//! The hash by which `kubeadm upgrade` tells a component configuration that it generated itself, and may generate
//! again, from one that somebody changed.

use aws_lc_rs::digest::{Context, SHA256};

use crate::hex::hex;

/// `sha256:<hex>` of a ConfigMap's values in the order of their keys.
pub(crate) fn component_config_hash<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let mut context = Context::new(&SHA256);
    for value in values {
        context.update(value.as_bytes());
    }
    format!("sha256:{}", hex(context.finish().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hashed_one_after_the_other() {
        let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(component_config_hash(["a", "bc"]), abc);
    }
}
