//! A report as Ansible takes it: with `diff` in Ansible's shape, and with `invocation`.

use super::Answered;
use crate::facts::Facts;
use crate::plan::relocate::Move;
use crate::report::Report;
use crate::report::error::Error;
use crate::report::vocabulary::Vocabulary;
use ipnet::Ipv4Net;
use serde_json::{Map, Value, json};

/// What the caller asked for besides the job.
#[derive(Debug, Default)]
pub struct Asked {
    pub diff: bool,
    pub no_log: bool,
    /// A job that only looks changes nothing, and a clash it finds is not an error.
    pub only_looks: bool,
    /// The options as understood; none if they could not be read.
    pub shown: Option<Map<String, Value>>,
}

/// The most clashes in a list. The first ones are those to act on, and a fleet's addresses may make
/// 100,000.
const MOST: usize = 100;

impl Asked {
    /// The object, with the options as understood.
    pub fn answered(self, mut object: Map<String, Value>, code: u8) -> Answered {
        if let Some(shown) = self.shown.filter(|_| !self.no_log) {
            object.insert("invocation".to_owned(), json!({"module_args": shown}));
        }
        Answered {
            json: Value::Object(object).to_string() + "\n",
            code,
        }
    }
}

pub fn answer(ended: Result<Report, Error>, asked: Asked) -> Answered {
    let (mut report, code) = match ended {
        Ok(report) => {
            let code = report.exit_code(asked.only_looks);
            (report, code)
        }
        Err(error) => (
            Report::refused(&error, Vocabulary::Ansible),
            error.exit_code(),
        ),
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
        // Strings, numbers and lists always become JSON.
        _ => Map::new(),
    };
    object.insert("clashes_total".to_owned(), json!(found));
    object.insert("remaining_total".to_owned(), json!(left));
    object.remove("diff");
    if asked.diff && !asked.only_looks {
        let diff = match diff(&report).as_slice() {
            [only] => only.clone(),
            sides => json!(sides),
        };
        object.insert("diff".to_owned(), diff);
    }
    asked.answered(object, code)
}

/// What was seen, for `rebridge fleet`. Nothing is judged, so there is no report.
pub fn answer_facts(ended: Result<Facts, Error>, asked: Asked) -> Answered {
    let facts = match ended {
        Ok(facts) => facts,
        Err(error) => return answer(Err(error), asked),
    };
    let object = Map::from_iter([
        ("changed".to_owned(), json!(false)),
        ("failed".to_owned(), json!(false)),
        (
            "msg".to_owned(),
            json!("facts for `rebridge fleet`; nothing was judged"),
        ),
        ("warnings".to_owned(), json!(facts.unseen)),
        ("facts".to_owned(), json!(facts)),
    ]);
    asked.answered(object, 0)
}

/// One for daemon.json, one for the options that are kept, one for the networks that move.
fn diff(report: &Report) -> Vec<Value> {
    let mut sides = Vec::new();
    if report.diff.before != report.diff.after {
        sides.push(json!(report.diff));
    }
    if let Some(kept) = report.kept.as_ref().filter(|kept| !kept.added.is_empty()) {
        sides.push(json!({
            "before_header": kept.file, "before": kept.before,
            "after_header": kept.file, "after": kept.after,
        }));
    }
    let moves = &report.plan.networks;
    if !moves.is_empty() {
        sides.push(json!({
            "before_header": "Docker's networks", "before": listed(moves, |one| one.from),
            "after_header": "Docker's networks", "after": listed(moves, |one| one.to),
        }));
    }
    sides
}

fn listed(moves: &[Move], subnet: fn(&Move) -> Ipv4Net) -> String {
    let lines = moves
        .iter()
        .map(|one| format!("{} {}\n", one.network, subnet(one)));
    lines.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::policy::option::{BadValue, Opt};

    fn object(answered: &Answered) -> Value {
        serde_json::from_str(&answered.json).unwrap()
    }

    fn bad_pool() -> Error {
        Error::BadValue(BadValue::of(Opt::Pool, "no"))
    }

    #[test]
    fn an_error_is_one_failed_object() {
        let asked = Asked {
            diff: true,
            ..Asked::default()
        };
        let answered = answer(Err(bad_pool()), asked);
        let object = object(&answered);
        assert_eq!(
            (answered.code, &object["failed"], &object["msg"]),
            (2, &json!(true), &json!("pools: no"))
        );
        assert!(object.get("rc").is_none() && object.get("results").is_none());
        assert!(object["diff"] == json!([]) && object["docker"] == json!(null));
    }

    #[test]
    fn with_no_log_the_arguments_are_not_repeated() {
        for (no_log, seen) in [(false, json!("x:1")), (true, Value::Null)] {
            let asked = Asked {
                no_log,
                shown: Some(Map::from_iter([("probe".to_owned(), json!(["x:1"]))])),
                ..Asked::default()
            };
            let answered = object(&answer(Err(bad_pool()), asked));
            assert_eq!(answered["invocation"]["module_args"]["probe"][0], seen);
        }
    }
}
