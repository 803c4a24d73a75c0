//! kubestrap turns a fresh machine into a Kubernetes control plane, the way kubeadm does, and better.

pub mod yaml;
