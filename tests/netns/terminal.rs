//! rebridge on a terminal of its own: the question, the colours, and Ctrl-C.

use crate::sandbox::engine::{Restart, install};
use crate::sandbox::{REBRIDGE, Sandbox};
use std::io::{Read, Write};
use std::process::Stdio;

const CTRL_C: &str = "\u{3}";
const CTRL_BACKSLASH: &str = "\u{1c}";
const CTRL_Z: &str = "\u{1a}";

/// Runs a command line on a terminal; each time these words were said these keys are struck. The
/// shell is the same everywhere, and a command that Ctrl-C is meant for has to `exec`: a shell that
/// waits for it is ended by the key.
fn on_a_terminal(sandbox: &Sandbox, command: &str, strokes: &[(&str, &str)]) -> (i32, String) {
    // Whoever runs tests in the background ignores Ctrl-C, and so would everything below them.
    let at_a_desk = [
        "timeout",
        "60",
        "env",
        "--default-signal=INT",
        "script",
        "-qec",
        command,
        "/dev/null",
    ];
    let mut child = sandbox.command(&at_a_desk);
    child
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh")
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS");
    let mut child = child
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut said = Vec::new();
    let mut strokes = strokes.iter();
    let mut next = strokes.next();
    let mut seen = 0;
    let mut buffer = [0; 4096];
    loop {
        let read = screen.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        said.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&said[seen..]).into_owned();
        if let Some((words, stroke)) = next.filter(|(words, _)| text.contains(words)) {
            assert!(!words.is_empty());
            keys.write_all(stroke.as_bytes()).unwrap();
            seen = said.len();
            next = strokes.next();
        }
    }
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(next.is_none(), "{next:?} never came: {said}");
    (child.wait().unwrap().code().unwrap(), said)
}

/// Every file rebridge could leave behind, with its bytes. The lock file stays, by design.
fn footprint(sandbox: &Sandbox) -> String {
    sandbox
        .run(&[
            "sh",
            "-c",
            "find /etc/docker /var/lib/rebridge -exec md5sum {} + 2>&1; find /etc/docker \
             /var/lib/rebridge 2>&1",
        ])
        .stdout
}

#[test]
fn apply_shows_the_plan_and_asks() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    let command = format!("exec {REBRIDGE} apply --avoid 172.17.0.0/16");
    let (code, said) = on_a_terminal(&sandbox, &command, &[("Go on? [y/N]", "n\n")]);
    assert_eq!(code, 3, "{said}");
    for words in [
        "Docker restarts, which takes",
        "10.200.255.1/24",
        "not confirmed; nothing was touched",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(
        said.matches("To be changed").count(),
        1,
        "the plan is shown once: {said}"
    );
    let question = said.find("Go on?").unwrap();
    assert!(
        !said[..question].contains("(0s)"),
        "nothing moves while the question is asked: {said}"
    );
    assert_eq!(
        (
            sandbox.docker0().as_str(),
            sandbox.read("/etc/docker/daemon.json")
        ),
        ("172.17.0.1/16", None)
    );
    let (code, said) = on_a_terminal(&sandbox, &command, &[("Go on? [y/N]", "yes\n")]);
    assert_eq!(
        (code, sandbox.docker0().as_str()),
        (0, "10.200.255.1/24"),
        "{said}"
    );
    assert!(said.contains("rebridge rollback"), "{said}");
}

#[test]
fn ctrl_c_at_the_question_leaves_nothing_behind() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    let before = footprint(&sandbox);
    let command = format!("exec {REBRIDGE} apply --avoid 172.17.0.0/16");
    let (code, said) = on_a_terminal(&sandbox, &command, &[("Go on? [y/N]", CTRL_C)]);
    assert_eq!(code, 128 + 2, "{said}");
    assert_eq!(
        (footprint(&sandbox), sandbox.docker0().as_str()),
        (before, "172.17.0.1/16"),
        "{said}"
    );
    // Nor is the lock held, nor a journal there that the next run would speak of.
    let (code, report) = sandbox.json(&["apply", "--yes", "--avoid", "172.17.0.0/16"]);
    assert_eq!(
        (code, report["warnings"].to_string().contains("interrupted")),
        (0, false),
        "{report:#}"
    );
}

#[test]
fn a_key_during_the_work_is_answered_and_the_host_is_made_whole() {
    for key in [CTRL_C, CTRL_BACKSLASH, CTRL_Z] {
        let sandbox = Sandbox::with_docker0();
        install(&sandbox, Restart::Moves);
        sandbox.sh("sed -i 's/^restart)/restart) sleep 1/' $SANDBOX/bin/systemctl");
        let command = format!("exec {REBRIDGE} apply --yes --avoid 172.17.0.0/16");
        let (code, said) = on_a_terminal(
            &sandbox,
            &command,
            &[("restarting Docker", key), ("This run continues", key)],
        );
        assert_eq!(
            (code, sandbox.docker0().as_str()),
            (0, "10.200.255.1/24"),
            "{key:?}: {said}"
        );
        assert!(sandbox.read("/var/lib/rebridge/journal.json").is_none());
        assert_eq!(
            said.matches("This run continues").count(),
            1,
            "{key:?}: {said}"
        );
        assert!(
            said.contains("    1.") && said.contains(" s  restarting Docker"),
            "each step with its time: {said}"
        );
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let sandbox = Sandbox::with_docker0();
    let check = format!("{REBRIDGE} check --avoid 172.17.0.0/16");
    assert!(
        on_a_terminal(&sandbox, &check, &[])
            .1
            .contains("\u{1b}[31mclashing")
    );
    for plain in ["NO_COLOR=1", "TERM=dumb"] {
        assert!(
            !on_a_terminal(&sandbox, &format!("{plain} {check}"), &[])
                .1
                .contains('\u{1b}'),
            "{plain}"
        );
    }
    assert!(
        !sandbox
            .rebridge(&["check", "--avoid", "172.17.0.0/16"])
            .stdout
            .contains('\u{1b}')
    );
}

/// Steps are told, a line each, where nothing can move: by a screen reader too.
#[test]
fn a_terminal_that_cannot_move_is_told_each_step_once() {
    let sandbox = Sandbox::with_docker0();
    install(&sandbox, Restart::Moves);
    sandbox.sh("sed -i 's/^restart)/restart) sleep 0.2;/' $SANDBOX/bin/systemctl");
    let apply = format!("TERM=dumb {REBRIDGE} apply --yes --avoid 172.17.0.0/16");
    let (code, said) = on_a_terminal(&sandbox, &apply, &[]);
    assert_eq!(
        (code, said.matches(" s  restarting Docker").count()),
        (0, 1),
        "{said}"
    );
    assert!(!said.contains('\u{1b}') && !said.contains("(0s)"), "{said}");
}

#[test]
fn a_page_is_as_wide_as_the_terminal() {
    let sandbox = Sandbox::with_docker0();
    let widest = |setting: &str| {
        let command = format!("{setting} {REBRIDGE} check --avoid 172.16.0.0/12");
        let (_, said) = on_a_terminal(
            &sandbox,
            &format!("NO_COLOR=1; export NO_COLOR; {command}"),
            &[],
        );
        let prose = said.lines().filter(|line| !line.contains("rebridge apply"));
        prose
            .map(|line| line.trim_end().chars().count())
            .max()
            .unwrap()
    };
    assert!(widest("stty rows 24 cols 60;") <= 60);
    let wide = widest("stty rows 24 cols 110;");
    assert!(wide > 80 && wide <= 110, "{wide}");
    assert!(widest("stty rows 24 cols 110; COLUMNS=50") <= 50);
}

#[test]
fn a_sentence_is_one_entry_of_the_journal() {
    let sandbox = Sandbox::with_docker0();
    let check = |setting: &str| {
        let command = format!("{setting} {REBRIDGE} check --avoid 172.17.0.0/16");
        sandbox.run(&["sh", "-c", &command]).stdout
    };
    let sentence = "docker0 holds 172.17.0.0/16, which shadows 172.17.0.0/16, declared by --avoid: \
                    every packet for 172.17.0.0/16 goes into docker0\n";
    assert!(check("JOURNAL_STREAM=8:1").contains(sentence));
    assert!(!check("").contains(sentence));
}

#[test]
fn quiet_is_silent_and_verbose_says_why() {
    let sandbox = Sandbox::with_docker0();
    let check = |more: &str| sandbox.rebridge(&["check", "--avoid", "172.17.0.0/16", more]);
    let quiet = check("-q");
    assert_eq!(
        (quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()),
        (1, "", "")
    );
    assert!(check("-v").stdout.contains("declared counts: you said so"));
    assert_eq!(
        sandbox
            .rebridge(&["check", "-q", "--json"])
            .stdout
            .matches("\"schema\"")
            .count(),
        1,
        "--json wins"
    );
    assert_eq!(sandbox.rebridge(&["check", "-v", "-q"]).code, 2);
}
