//! How a step says what it does: "Writing …" in a real run, "Would write …" in a dry run.

/// What a step does to the machine or the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Apply,
    Copy,
    Download,
    Generate,
    Install,
    Mark,
    Move,
    Pull,
    Remove,
    Renew,
    Restart,
    Save,
    Start,
    Stop,
    Store,
    Unmount,
    Update,
    Upgrade,
    Wait,
    Write,
}

impl Verb {
    /// The present participle and the infinitive.
    fn forms(self) -> (&'static str, &'static str) {
        match self {
            Self::Apply => ("Applying", "apply"),
            Self::Copy => ("Copying", "copy"),
            Self::Download => ("Downloading", "download"),
            Self::Generate => ("Generating", "generate"),
            Self::Install => ("Installing", "install"),
            Self::Mark => ("Marking", "mark"),
            Self::Move => ("Moving", "move"),
            Self::Pull => ("Pulling", "pull"),
            Self::Remove => ("Removing", "remove"),
            Self::Renew => ("Renewing", "renew"),
            Self::Restart => ("Restarting", "restart"),
            Self::Save => ("Saving", "save"),
            Self::Start => ("Starting", "start"),
            Self::Stop => ("Stopping", "stop"),
            Self::Store => ("Storing", "store"),
            Self::Unmount => ("Unmounting", "unmount"),
            Self::Update => ("Updating", "update"),
            Self::Upgrade => ("Upgrading", "upgrade"),
            Self::Wait => ("Waiting", "wait"),
            Self::Write => ("Writing", "write"),
        }
    }

    /// The line that says it of `what`.
    pub(crate) fn line(self, dry_run: bool, what: &str) -> String {
        let (doing, to_do) = self.forms();
        if dry_run { format!("Would {to_do} {what}") } else { format!("{doing} {what}") }
    }
}
