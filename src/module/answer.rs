//! A report as Ansible takes it: its own shape of `diff`, `invocation`, and the options' names in
//! the sentences.

use super::Answered;
use crate::plan::relocate::Move;
use crate::report::Report;
use crate::report::error::Error;
use crate::report::vocabulary::Vocabulary;
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

/// The most clashes of a list: the first ones are those to act on, and a fleet's addresses may make
/// 100,000.
const MOST: usize = 100;

/// The one object, and the exit code.
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
        // A tree of plain strings, numbers and lists has no way to fail.
        _ => Map::new(),
    };
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
    fn what_is_not_to_be_logged_is_not_repeated() {
        let asked = |no_log| Asked {
            no_log,
            shown: Some(Map::from_iter([("probe".to_owned(), json!(["x:1"]))])),
            ..Asked::default()
        };
        let shown = object(&answer(Err(bad_pool()), asked(false)));
        assert_eq!(shown["invocation"]["module_args"]["probe"][0], "x:1");
        let hidden = object(&answer(Err(bad_pool()), asked(true)));
        assert!(hidden.get("invocation").is_none());
    }
}
