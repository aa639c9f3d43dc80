//! `state: fleet`: the facts of many hosts come from the controller, and the answer goes back there.
//! No host is looked at, so it runs on any machine that can run the binary.

use super::Answered;
use super::answer::{Asked, answer};
use super::read::{Args, named};
use crate::fleet::result::Fleet;
use crate::policy::option::BadValue;
use crate::policy::{Origin, Policy};
use crate::report::error::Error;
use crate::verbs::request::FleetRequest;
use serde_json::{Map, json};
use std::time::Duration;

/// The files of the folder, as the action plugin has read them on the controller. Not for plays.
pub const FACTS: &str = "facts_named";

/// As the default of `rebridge fleet --max-age`.
const MAX_AGE: Duration = Duration::from_secs(7 * 86_400);

/// Each with its name.
pub fn files(args: &mut Args) -> Result<Vec<(String, String)>, BadValue> {
    let bad = || BadValue::plain(format!("{FACTS}: give a list of name and text"));
    let files = args.records(FACTS)?.into_iter().map(|record| {
        let (name, _, text) = named(&record).ok_or_else(bad)?;
        Ok((name.to_owned(), text.ok_or_else(bad)?.to_owned()))
    });
    files.collect()
}

pub fn request(mut policy: Policy, files: Vec<(String, String)>) -> FleetRequest {
    policy.given = given(&policy);
    FleetRequest {
        paths: Vec::new(),
        files,
        policy,
        max_age: MAX_AGE,
        html: None,
    }
}

/// The options as words of a command line: the page names them.
fn given(policy: &Policy) -> Vec<String> {
    let mut given: Vec<String> = Vec::new();
    for avoid in &policy.avoid {
        let (option, value) = match &avoid.origin {
            Origin::Option(_) => ("--avoid", avoid.net.to_string()),
            Origin::Named(name) | Origin::File { name, .. } => ("--avoid-file", name.to_string()),
        };
        // A file has many lines.
        if given.last() != Some(&value) {
            given.extend([option.to_owned(), value]);
        }
    }
    for pool in &policy.pools {
        let pool = format!("base={},size={}", pool.base, pool.size);
        given.extend(["--pool".to_owned(), pool]);
    }
    for ignore in &policy.ignore {
        given.extend(["--ignore".to_owned(), ignore.to_string()]);
    }
    given
}

pub fn answer_fleet(ended: Result<(Fleet, String), Error>, asked: Asked) -> Answered {
    let (fleet, page) = match ended {
        Ok(found) => found,
        Err(error) => return answer(Err(error), asked),
    };
    let object = Map::from_iter([
        ("changed".to_owned(), json!(false)),
        ("failed".to_owned(), json!(false)),
        ("msg".to_owned(), json!(fleet.msg)),
        ("warnings".to_owned(), json!(fleet.warnings)),
        ("fleet".to_owned(), json!(fleet)),
        ("page".to_owned(), json!(page)),
    ]);
    asked.answered(object, 0)
}
