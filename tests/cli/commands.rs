//! The tree of commands itself: help, the manual, completions, the version.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{binary, kubestrap, note_skipped, program};

/// The words of each visible command.
fn commands() -> Vec<Vec<String>> {
    fn walk(command: &clap::Command, words: &[String], all: &mut Vec<Vec<String>>) {
        all.push(words.to_vec());
        for child in command.get_subcommands().filter(|c| !c.is_hide_set()) {
            walk(child, &[words, &[child.get_name().to_owned()]].concat(), all);
        }
    }
    let mut all = vec![];
    walk(&kubestrap::testing::command(), &[], &mut all);
    all
}

fn stdout(args: &[&str]) -> String {
    let output = Command::new(binary()).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_s_help_has_an_example_of_it() {
    for words in commands() {
        let mut args: Vec<&str> = words.iter().map(String::as_str).collect();
        args.push("--help");
        let help = stdout(&args);
        let (_, examples) =
            help.split_once("Example").unwrap_or_else(|| panic!("{words:?} has none:\n{help}"));
        // A parent may show one of its children, and `phase` stands for `init phase`.
        let own = words.join(" ");
        let own = own.strip_prefix("init phase").map_or(own.clone(), |phase| format!("phase{phase}"));
        assert!(examples.contains(format!("kubestrap {own}").trim_end()), "{own}: {examples}");
    }
}

#[test]
fn every_command_s_help_begins_with_what_it_does() {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in commands().iter().filter(|words| !words.is_empty()) {
        let mut command = kubestrap::testing::command();
        for word in words {
            command = command.find_subcommand(word).unwrap().clone();
        }
        let about = plain(&command.get_about().unwrap().to_string());
        for flag in ["-h", "--help"] {
            let args: Vec<&str> = words.iter().map(String::as_str).chain([flag]).collect();
            let help = plain(&stdout(&args));
            assert!(help.starts_with(&about), "{words:?} {flag}: {about:?}, and says: {:.80}", help);
        }
    }
}

#[test]
fn the_manual_has_a_page_for_each_command_which_man_can_show() {
    let dir = tempfile::tempdir().unwrap();
    stdout(&["manual", &dir.path().display().to_string()]);
    let mut pages: Vec<String> =
        fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    pages.sort();
    let mut wanted: Vec<String> = commands()
        .into_iter()
        .map(|words| [&["kubestrap".to_owned()], words.as_slice()].concat().join("-") + ".1")
        .collect();
    wanted.sort();
    assert_eq!(pages, wanted);
    if program("man").is_none() {
        return note_skipped("the pages with man, which is not here");
    }
    for (page, shown) in [
        ("kubestrap-certs-renew.1", "--restart"),
        ("kubestrap-phase-control-plane-all.1", "--pod-network-cidr"),
    ] {
        let output = Command::new("man")
            .args(["--warnings", "--local-file"])
            .arg(dir.path().join(page))
            .env("MANPAGER", "cat")
            .env("MANWIDTH", "100")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.is_empty() && text.contains(shown), "{page}: {said}{text}");
    }
}

#[test]
fn bash_completes_what_completion_prints() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script");
    fs::write(&script, stdout(&["completion", "bash"])).unwrap();
    let ask = "COMP_WORDS=(kubestrap certs ren); COMP_CWORD=2; _kubestrap kubestrap ren certs; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let ask = format!("source {}; {ask}", script.display());
    let output = Command::new("bash").args(["-c", &ask]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "renew\n", "{:?}", output.stderr);
    for (shell, sign) in [
        ("zsh", "#compdef kubestrap"),
        ("fish", "complete -c kubestrap"),
        ("elvish", "set edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = stdout(&["completion", shell]);
        assert!(script.contains(sign) && script.contains("check-expiration"), "{shell}");
    }
    kubestrap(&["completion", "tcsh"]).run().refused(2, &["bash", "zsh", "fish"]);
}

#[test]
fn the_version_is_told_as_kubeadm_tells_it() {
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    assert_eq!(stdout(&["version", "-o", "short"]), format!("{version}\n"));
    let json: Value = serde_json::from_str(&stdout(&["version", "-o", "json"])).unwrap();
    let yaml: Value = serde_yaml::from_str(&stdout(&["version", "-o", "yaml"])).unwrap();
    assert_eq!(json, yaml);
    let info = json["clientVersion"].as_object().unwrap();
    assert_eq!(info["gitVersion"], version);
    let platform = info["platform"].as_str().unwrap();
    assert!(["linux/amd64", "linux/arm64"].contains(&platform), "{platform}");
    for field in ["major", "minor", "gitCommit", "gitTreeState", "buildDate", "compiler"] {
        assert!(info[field].is_string(), "{field}");
    }
    kubestrap(&["version", "-o", "table"]).run().refused(2, &["short", "json", "yaml"]);
}

#[test]
fn flags_without_effect_are_few_and_have_a_reason() {
    const REASONS: [(&str, &str); 5] = [
        ("config --kubeconfig", "kubeadm has it on these commands, and asks no cluster either"),
        ("reset --kubeconfig", "what reset needs is on the machine"),
        ("--vmodule", "there are no modules in our logs"),
        ("--show-managed-fields", "kubeadm's output objects have none"),
        ("--allow-experimental-api", "there is no experimental API version"),
    ];
    fn walk(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for arg in command.get_arguments() {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            if help.starts_with("Accepted") {
                found.push(format!("{path} --{}", arg.get_long().unwrap_or_default()));
            }
        }
        for child in command.get_subcommands() {
            walk(child, format!("{path} {}", child.get_name()).trim(), found);
        }
    }
    let mut found = vec![];
    walk(&kubestrap::testing::command(), "", &mut found);
    let has_reason = |flag: &String| {
        REASONS.iter().any(|(known, _)| {
            let (command, name) = known.rsplit_once("--").unwrap();
            flag.starts_with(command.trim()) && flag.ends_with(&format!("--{name}"))
        })
    };
    let unexplained: Vec<&String> = found.iter().filter(|flag| !has_reason(flag)).collect();
    assert_eq!(unexplained, [""; 0]);
    for (known, _) in REASONS {
        let (command, name) = known.rsplit_once("--").unwrap();
        let used = |flag: &String| flag.starts_with(command.trim()) && flag.ends_with(&format!("--{name}"));
        assert!(found.iter().any(used), "{known} has an effect by now");
    }
}
