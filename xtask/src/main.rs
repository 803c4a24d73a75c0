//! kubestrap's own chores.

fn main() {}
