//! The Ansible module: the binary itself speaks the protocol of native modules. Its only argument is
//! a file with the options as one JSON object. It prints one JSON object, whatever happens.

pub mod answer;
mod fleet;
pub mod options;
pub mod read;

use crate::apply::progress::Silent;
use crate::host::operator_files;
use crate::policy::option::BadValue;
use crate::report::Report;
use crate::verbs;
use crate::verbs::consent::Consent;
use answer::{Asked, answer, answer_facts};
use fleet::answer_fleet;
use options::Job;
use serde_json::{Map, Value};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub struct Answered {
    /// One object, to be printed.
    pub json: String,
    /// Ansible ignores it; other callers may not.
    pub code: u8,
}

/// The args file, if Ansible called the program: with one argument, the path of a file or a pipe.
/// Ansible's paths have a slash. Without that rule, a file called `check` in the current folder
/// would hide the verb.
pub fn args_file(arguments: &[OsString]) -> Option<PathBuf> {
    let [only] = arguments else { return None };
    let path = Path::new(only);
    let is_a_path = path.components().count() > 1;
    (is_a_path && operator_files::is_readable(path)).then(|| path.to_owned())
}

pub fn run(path: &Path) -> Answered {
    let args = match read_args(path) {
        Ok(args) => args,
        Err(bad) => return answer(Err(bad.into()), Asked::default()),
    };
    let mut asked = Asked {
        diff: is_set(&args, "_ansible_diff"),
        no_log: is_set(&args, "_ansible_no_log"),
        ..Asked::default()
    };
    let check = is_set(&args, "_ansible_check_mode");
    let options = match options::read(args, check) {
        Ok(options) => options,
        Err(bad) => return answer(Err(bad.into()), asked),
    };
    asked.shown = Some(options.shown);
    asked.only_looks = matches!(options.job, Job::Check(_) | Job::Advice(_));
    match options.job {
        Job::Facts(target) => answer_facts(verbs::facts::take(&target), asked),
        Job::Fleet(request) => answer_fleet(verbs::fleet::with_page(&request), asked),
        Job::Check(request) => answer(verbs::check::run(&request), asked),
        Job::Advice(request) => {
            let ended = verbs::check::run(&request).map(Report::as_advice);
            answer(ended, asked)
        }
        Job::Apply(request) => {
            let ended = verbs::apply::run(&request, &Silent, Consent::Given);
            answer(ended, asked)
        }
        Job::Relieve(request) => answer(verbs::relieve::run(&request, Consent::Given), asked),
        Job::Rollback(request) => {
            let ended = verbs::rollback::run(&request, &Silent, Consent::Given);
            answer(ended, asked)
        }
    }
}

/// Whether Ansible has switched one of its own options on.
fn is_set(args: &Map<String, Value>, name: &str) -> bool {
    args.get(name).and_then(Value::as_bool).unwrap_or_default()
}

fn read_args(path: &Path) -> Result<Map<String, Value>, BadValue> {
    let why = match operator_files::read(path) {
        Err(error) => error.to_string(),
        Ok(text) => match serde_json::from_slice(&text) {
            Ok(Value::Object(args)) => return Ok(args),
            Ok(_) => "it holds no JSON object".to_owned(),
            Err(error) => format!("it is not JSON: {error}"),
        },
    };
    Err(BadValue::plain(format!(
        "cannot read the args file {}: {why}; nothing was touched",
        path.display()
    )))
}
