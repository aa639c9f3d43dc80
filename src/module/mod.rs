//! The Ansible module: the binary itself speaks the protocol of native modules. Its only argument is
//! a file with the options as one JSON object; it prints one JSON object, whatever happens.

pub mod answer;
pub mod options;
pub mod read;

use crate::apply::progress::Silent;
use crate::host::operator_files;
use crate::policy::option::BadValue;
use crate::report::Report;
use crate::report::error::Error;
use crate::verbs;
use answer::{Asked, answer};
use options::Job;
use serde_json::{Map, Value};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What is printed, and the exit code.
#[derive(Debug)]
pub struct Answered {
    /// One JSON object.
    pub json: String,
    /// The outcome's exit code; Ansible does not look at it, other callers may.
    pub code: u8,
}

/// The args file, where the program was called as a module: with one argument that is a path of a
/// file, or of a pipe. A path has a slash, as Ansible's always have, so that no file can be taken
/// for a verb.
pub fn args_file(arguments: &[OsString]) -> Option<PathBuf> {
    let [only] = arguments else { return None };
    let path = Path::new(only);
    let is_a_path = path.components().count() > 1;
    (is_a_path && operator_files::is_readable(path)).then(|| path.to_owned())
}

/// Does what the args file asks for.
pub fn run(path: &Path) -> Answered {
    let args = match read_args(path) {
        Ok(args) => args,
        Err(bad) => return answer(Err(bad.into()), Asked::default()),
    };
    let internal = |name: &str| args.get(name).and_then(Value::as_bool).unwrap_or_default();
    let mut asked = Asked {
        diff: internal("_ansible_diff"),
        no_log: internal("_ansible_no_log"),
        ..Asked::default()
    };
    let check = internal("_ansible_check_mode");
    let options = match options::read(args, check) {
        Ok(options) => options,
        Err(bad) => return answer(Err(bad.into()), asked),
    };
    asked.shown = Some(options.shown);
    asked.only_looks = matches!(options.job, Job::Check(_));
    answer(work(&options.job), asked)
}

fn work(job: &Job) -> Result<Report, Error> {
    // Check mode is the verbs' own, and a play is its own yes.
    let yes = |_: &Report| true;
    match job {
        Job::Check(request) => verbs::check::run(request),
        Job::Apply(request) => verbs::apply::run(request, &Silent, &yes),
        Job::Rollback(request) => verbs::rollback::run(request, &Silent, &yes),
    }
}

fn read_args(path: &Path) -> Result<Map<String, Value>, BadValue> {
    let cannot = |why: &str| {
        BadValue::plain(format!(
            "cannot read the args file {}: {why}; nothing was touched",
            path.display()
        ))
    };
    let text = operator_files::read(path).map_err(|error| cannot(&error.to_string()))?;
    match serde_json::from_slice(&text) {
        Ok(Value::Object(args)) => Ok(args),
        Ok(_) => Err(cannot("it holds no JSON object")),
        Err(error) => Err(cannot(&format!("it is not JSON: {error}"))),
    }
}
