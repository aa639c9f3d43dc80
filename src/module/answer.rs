//! A report as Ansible takes it: its own shape of `diff`, `invocation`, and the options' names in
//! the sentences.

use super::Answered;
use crate::plan::relocate::Move;
use crate::report::Report;
use crate::verbs::Ended;
use ipnet::Ipv4Net;
use serde_json::{Map, Value, json};

/// What the caller asked for besides the job.
#[derive(Debug, Default)]
pub struct Asked {
    /// Whether the change is to be shown.
    pub diff: bool,
    /// Whether the arguments must not be repeated.
    pub no_log: bool,
    /// Whether the job was to look and no more: then what it found is no error, and what would be
    /// done no change.
    pub only_looks: bool,
    /// The options as understood, where they were.
    pub shown: Option<Map<String, Value>>,
}

/// The command line's words, and the module's for the same, the longer ones first.
const WORDS: [(&str, &str); 20] = [
    (
        "`rebridge apply --networks recreate`",
        "`networks: recreate`",
    ),
    (
        "run `rebridge apply` as root",
        "use `state: fixed` with become",
    ),
    ("run `rebridge apply` again", "use `state: fixed` again"),
    ("`rebridge apply`", "`state: fixed`"),
    ("run it with sudo", "set become"),
    ("run again with --", "try again with --"),
    ("run again without --dead-man", "try again without dead_man"),
    (
        "run again without --no-restart",
        "leave out `restart: false`",
    ),
    ("with --no-restart", "with `restart: false`"),
    ("--allow-container-stop", "`allow_container_stop: true`"),
    ("--accept-mac-loss", "`accept_mac_loss: true`"),
    ("--restart-command", "restart_command"),
    ("--avoid-file", "avoid_files"),
    ("--network", "network_names"),
    ("--avoid", "avoid"),
    ("--pool", "pools"),
    ("--ignore", "ignore"),
    ("--probe", "probe"),
    ("--wait", "wait"),
    ("--root", "root"),
];

/// The most clashes of a list: the first ones are those to act on, and a fleet's addresses may make
/// 100,000.
const MOST: usize = 100;

/// The sentences of a report lie under these keys.
const SENTENCES: [&str; 4] = ["msg", "warnings", "explain", "detail"];

/// The one object, and the exit code.
pub fn answer(ended: Ended, asked: Asked) -> Answered {
    let (mut report, code) = match ended {
        Ok(report) => {
            let code = report.exit_code(asked.only_looks);
            (report, code)
        }
        Err(usage) => (Report::without_facts(usage.0), 2),
    };
    let (found, left) = (report.clashes.len(), report.remaining.len());
    for list in [
        &mut report.clashes,
        &mut report.remaining,
        &mut report.ignored,
    ] {
        list.truncate(MOST);
    }
    let mut object = match serde_json::to_value(&report) {
        Ok(Value::Object(object)) => object,
        // A tree of plain strings, numbers and lists has no way to fail.
        _ => Map::new(),
    };
    reword(&mut object);
    object.insert("clashes_total".to_owned(), json!(found));
    object.insert("remaining_total".to_owned(), json!(left));
    object.remove("diff");
    if asked.diff && !asked.only_looks {
        let mut sides = diff(&report);
        let diff = if sides.len() == 1 {
            sides.pop()
        } else {
            Some(Value::Array(sides))
        };
        object.insert("diff".to_owned(), diff.unwrap_or_default());
    }
    if let Some(shown) = asked.shown.filter(|_| !asked.no_log) {
        object.insert("invocation".to_owned(), json!({"module_args": shown}));
    }
    Answered {
        json: Value::Object(object).to_string() + "\n",
        code,
    }
}

/// One for the file, one for the networks that move.
fn diff(report: &Report) -> Vec<Value> {
    let file = (report.diff.before != report.diff.after).then(|| json!(report.diff));
    let moves = &report.plan.networks;
    let side = |subnet: fn(&Move) -> Ipv4Net| -> String {
        moves
            .iter()
            .map(|one| format!("{} {}\n", one.network, subnet(one)))
            .collect()
    };
    let networks = (!moves.is_empty()).then(|| {
        json!({
            "before_header": "Docker's networks", "before": side(|one| one.from),
            "after_header": "Docker's networks", "after": side(|one| one.to),
        })
    });
    file.into_iter().chain(networks).collect()
}

/// Options are named as in the play.
fn reword(object: &mut Map<String, Value>) {
    for (key, value) in object {
        match value {
            Value::String(text) if SENTENCES.contains(&key.as_str()) => *text = reworded(text),
            Value::Array(items) => {
                for item in items {
                    match item {
                        Value::String(text) if SENTENCES.contains(&key.as_str()) => {
                            *text = reworded(text)
                        }
                        Value::Object(inner) => reword(inner),
                        _ => {}
                    }
                }
            }
            Value::Object(inner) => reword(inner),
            _ => {}
        }
    }
}

fn reworded(text: &str) -> String {
    WORDS
        .iter()
        .fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::verbs::Usage;

    fn object(answered: &Answered) -> Value {
        serde_json::from_str(&answered.json).unwrap()
    }

    #[test]
    fn an_error_is_one_failed_object() {
        let answered = answer(
            Err(Usage("--pool: no".to_owned())),
            Asked {
                diff: true,
                ..Asked::default()
            },
        );
        let object = object(&answered);
        assert_eq!(
            (answered.code, &object["failed"], &object["msg"]),
            (2, &json!(true), &json!("pools: no"))
        );
        assert!(
            object.get("rc").is_none()
                && object.get("results").is_none()
                && object["diff"] == json!([])
        );
    }

    #[test]
    fn what_is_not_to_be_logged_is_not_repeated() {
        let asked = |no_log| Asked {
            no_log,
            shown: Some(Map::from_iter([("probe".to_owned(), json!(["x:1"]))])),
            ..Asked::default()
        };
        let report = || Ok(Report::without_facts("no".to_owned()));
        assert_eq!(
            object(&answer(report(), asked(false)))["invocation"]["module_args"]["probe"][0],
            "x:1"
        );
        assert!(
            object(&answer(report(), asked(true)))
                .get("invocation")
                .is_none()
        );
    }

    #[test]
    fn options_are_named_as_in_the_play() {
        let words =
            "run again with --restart-command, or with --no-restart; leave it out with --network";
        assert_eq!(
            reworded(words),
            "try again with restart_command, or with `restart: false`; leave it out with \
             network_names"
        );
        let words = "clashes with 10.0.0.0/8 (--avoid); run it with sudo";
        assert_eq!(
            reworded(words),
            "clashes with 10.0.0.0/8 (avoid); set become"
        );
    }
}
