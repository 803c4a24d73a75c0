//! The machine itself: swap, forwarding, clock.

use std::fs;

use super::fault::{Fault, fault};
use super::scene::own;
use crate::command::check;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "swap-on",
        "the machine swaps, and kubelet is not told to accept it",
        |s| {
            swap()?;
            s.minded.push("Swap");
            s.kubelet("failSwapOn: true");
            Ok(())
        },
        &["swap is on", "/dev/vdb", "failSwapOn|refuses"],
        &["swapoff -a"],
    ),
    fault(
        "swap-on-ignored",
        "the same, with the check ignored, as people do: kubelet refuses to start",
        |s| {
            swap()?;
            s.ignored.push("Swap");
            s.kubelet("failSwapOn: true");
            Ok(())
        },
        &["kubelet", "swap"],
        &["swapoff -a"],
    ),
    fault(
        "ip-forward-off",
        "the kernel does not forward packets",
        |_| Ok(fs::write("/proc/sys/net/ipv4/ip_forward", "0")?),
        &["ip_forward", "forward"],
        &["sysctl -w net.ipv4.ip_forward=1"],
    ),
    fault(
        "loopback-down",
        "the loopback interface is down",
        |_| check("ip", &["link", "set", "lo", "down"]).map(drop),
        &["lo", "loopback|127.0.0.1"],
        &["ip link set lo up"],
    ),
];

/// Makes the machine look as if it swapped. That can't be had for a namespace alone; kubelet reads this file too.
fn swap() -> anyhow::Result<()> {
    let text =
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/vdb\t\t\t\tpartition\t2097148\t\t0\t\t-2\n";
    let file = own("swaps", text)?;
    check("mount", &["--bind", &file, "/proc/swaps"]).map(drop)
}
