//! The conformance tests that are left out: they need an image that is not made of agnhost or busybox, or something that
//! the machines of the harness lack.

/// A group of tests.
pub(super) struct Row {
    /// What the names of the tests match: a regular expression.
    pub(super) pattern: &'static str,
    /// Why they are left out; for whoever reads this.
    _reason: &'static str,
}

const fn row(pattern: &'static str, reason: &'static str) -> Row {
    Row { pattern, _reason: reason }
}

/// All of them.
pub(super) const LEFT_OUT: &[Row] = &[
    row(
        r"\[sig-network\] DNS should (provide|resolve) ",
        "their Pods have a second container, of the image glibc-dns-testing",
    ),
    row(r"Update Demo should (create and stop|scale) a replication controller", "the image nautilus"),
    row(r"Aggregator Should be able to support the 1\.17 Sample API Server", "the image sample-apiserver"),
    row(r"ImageVolume should succeed", "the image kitten is what is mounted"),
    row(r"should not allow privilege escalation when false", "the image nonewprivs"),
    row(
        r"should test the lifecycle of a ReplicationController",
        "the Pods, of the image nginx, must be ready",
    ),
];
