//! The `kubestrap` program.

fn main() -> ! {
    kubestrap::main()
}
