use super::super::fake::{FakeMachine, settings};
use super::super::subject::Role;
use super::*;

fn init() -> Subject {
    Subject::init(&settings(""))
}

#[test]
fn advice_is_in_the_words_of_the_machine_s_init_system() {
    let fix = |name| {
        let machine = FakeMachine::with(|m| {
            m.init_system = Some(name);
            m.services.entry("kubelet".into()).or_default().enabled = false;
        });
        let report = run_checks(&init(), Arc::new(machine), &Options::default());
        report.findings.into_iter().find(|f| f.check == "Service-kubelet").and_then(|f| f.fix).unwrap()
    };
    assert_eq!(fix("systemd"), "`systemctl enable kubelet.service`");
    assert_eq!(fix("OpenRC"), "`rc-update add kubelet default`");
}

fn run_on(machine: FakeMachine, checks: Vec<Check>) -> Vec<Finding> {
    run_all(checks, &Arc::new(init()), &(Arc::new(machine) as Arc<dyn Machine>))
}

fn check(
    name: &str,
    level: Severity,
    measures: &'static str,
    run: impl Fn() -> Vec<Finding> + Send + Sync + 'static,
) -> Check {
    Check::node(&[Role::Init], name, level, measures, move |_, _| run())
}

fn run(checks: Vec<Check>) -> Vec<Finding> {
    run_on(FakeMachine::healthy(), checks)
}

/// Blocks until the sender is gone.
fn wait_for(gate: &std::sync::Mutex<mpsc::Receiver<()>>) {
    let _ = gate.lock().unwrap().recv();
}

#[test]
fn findings_are_in_the_order_of_the_table_whichever_check_ends_first() {
    let (last_ended, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let last_ended = std::sync::Mutex::new(Some(last_ended));
    // The first ends only after the last: so they run at the same time.
    let first = check("a", Severity::Error, "", move || {
        wait_for(&gate);
        vec![Finding::error("a")]
    });
    let last = check("b", Severity::Error, "", move || {
        last_ended.lock().unwrap().take();
        vec![Finding::error("b")]
    });
    let names: Vec<String> = run(vec![first, last]).into_iter().map(|f| f.check).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn check_that_hangs_or_panics_is_reported_and_not_waited_for() {
    let (_never_sent, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let hang = check("Hang", Severity::Error, "what hangs", move || {
        wait_for(&gate);
        vec![]
    });
    let dies = check("Dies", Severity::Error, "what panics", || panic!("on purpose"));
    let good = check("Good", Severity::Warning, "", || vec![Finding::error("x")]);
    let findings = run(vec![hang.within(1), dies.within(1), good]);
    let found: Vec<(&str, &str, Severity)> =
        findings.iter().map(|f| (f.check.as_str(), f.what.as_str(), f.severity)).collect();
    assert_eq!(
        found,
        [
            ("Hang", "could not check what hangs: no result within 1 s", Severity::Warning),
            ("Dies", "could not check what panics: no result within 1 s", Severity::Warning),
            ("Good", "x", Severity::Warning),
        ]
    );
}

#[test]
fn failed_measurements_are_warnings_and_one_line_without_root() {
    let checks = || {
        let unreadable = |name| {
            Check::node(&[Role::Init], name, Severity::Error, "the file", |_, _| {
                let denied = std::io::ErrorKind::PermissionDenied.into();
                Err::<Vec<Finding>, _>(Unmeasured::io("/f", &denied))
            })
        };
        let broken = Check::node(&[Role::Init], "Broken", Severity::Error, "the clock", |_, _| {
            Err::<Vec<Finding>, _>(Unmeasured::new("`timedatectl`", "exit code 1"))
        });
        vec![unreadable("A"), unreadable("B"), broken]
    };
    let found = |root| {
        let found = run_on(FakeMachine { root, ..FakeMachine::healthy() }, checks());
        found.into_iter().map(|f| format!("{:?} {}: {}", f.severity, f.check, f.what)).collect::<Vec<_>>()
    };
    assert_eq!(
        found(true),
        [
            "Warning A: could not check the file: /f: permission denied",
            "Warning Broken: could not check the clock: `timedatectl`: exit code 1",
        ]
    );
    assert_eq!(
        found(false),
        [
            "Warning Broken: could not check the clock: `timedatectl`: exit code 1",
            "Info IsPrivilegedUser: not checked completely without root: A, B",
        ]
    );
}

#[test]
fn failed_measurement_that_a_finding_mentions_is_not_repeated() {
    let reports = Check::node(&[Role::Init], "A", Severity::Error, "the file", |_, machine| {
        let error = machine.read("/etc/f".as_ref()).unwrap_err();
        vec![Finding::error("/etc/f can't be read").evidence(error.to_string())]
    });
    let swallows = Check::node(&[Role::Init], "B", Severity::Error, "the file", |_, machine| {
        let _ = machine.text("/etc/f".as_ref());
        Vec::<Finding>::new()
    });
    let machine = FakeMachine::with(|m| {
        m.unreadable.insert("/etc/f".into(), std::io::ErrorKind::Other);
    });
    let names: Vec<String> = run_on(machine, vec![reports, swallows]).into_iter().map(|f| f.what).collect();
    assert_eq!(names, ["/etc/f can't be read"]);
}

#[test]
fn ignored_errors_are_warnings_in_any_case_of_letters() {
    let machine = || FakeMachine { cpus: 1, memory: 1 << 20, ..FakeMachine::healthy() };
    let errors = |ignored: &[&str]| {
        let options =
            Options { ignored: ignored.iter().map(|i| (*i).into()).collect(), ..Options::default() };
        let report = run_checks(&init(), Arc::new(machine()), &options);
        assert_eq!(report.findings.len(), 2, "{:?}", report.findings);
        report.of(Severity::Error).map(|f| f.check.clone()).collect::<Vec<_>>()
    };
    assert_eq!(errors(&[]), ["NumCPU", "Mem"]);
    assert_eq!(errors(&["numcpu"]), ["Mem"]);
    assert_eq!(errors(&["all"]), [""; 0]);
}

#[test]
fn without_root_only_that_is_reported() {
    let machine = || Arc::new(FakeMachine { root: false, cpus: 1, ..FakeMachine::healthy() });
    let checks = |ignored: &[&str], dry_run| {
        let options =
            Options { ignored: ignored.iter().map(|i| (*i).into()).collect(), dry_run, ..Options::default() };
        let report = run_checks(&init(), machine(), &options);
        report.findings.iter().map(|f| (f.check.clone(), f.severity)).collect::<Vec<_>>()
    };
    let (root, cpu) = ("IsPrivilegedUser".to_owned(), ("NumCPU".to_owned(), Severity::Error));
    assert_eq!(checks(&[], false), [(root.clone(), Severity::Error)]);
    assert_eq!(checks(&["IsPrivilegedUser"], false), [(root, Severity::Warning), cpu.clone()]);
    assert_eq!(checks(&[], true), [cpu]);
}
