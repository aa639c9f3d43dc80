//! The Ansible module: the binary itself speaks the protocol of native modules. Its only argument
//! is a file with the options as one JSON object; it prints one JSON object, whatever happens.

pub mod answer;
pub mod options;
pub mod read;

use crate::report::Report;
use crate::verbs::{self, Ended, Usage};
use answer::{Asked, answer};
use options::Job;
use serde_json::{Map, Value};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// What is printed, and the exit code.
#[derive(Debug)]
pub struct Answered {
    /// One JSON object.
    pub json: String,
    /// As DESIGN's table has it; Ansible does not look at it, other callers may.
    pub code: u8,
}

/// The args file, where the program was called as a module: with one argument that is a path of a
/// file, or of a pipe. A path has a slash, as Ansible's always have, so that no file can be taken
/// for a verb.
pub fn args_file(arguments: &[OsString]) -> Option<PathBuf> {
    let [only] = arguments else { return None };
    let path = Path::new(only);
    let is_a_path = path.components().count() > 1;
    let readable = |kind: fs::FileType| kind.is_file() || kind.is_fifo();
    (is_a_path && fs::metadata(path).is_ok_and(|meta| readable(meta.file_type())))
        .then(|| path.to_owned())
}

/// Does what the args file asks for.
pub fn run(path: &Path) -> Answered {
    let args = match read_args(path) {
        Ok(args) => args,
        Err(why) => return answer(Err(Usage(why)), Asked::default()),
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
        Err(why) => return answer(Err(Usage(why)), asked),
    };
    asked.shown = Some(options.shown);
    asked.only_looks = matches!(options.job, Job::Check(_));
    answer(work(&options.job), asked)
}

fn work(job: &Job) -> Ended {
    // Check mode is the verbs' own; nobody is there to be asked.
    let yes = |_: &Report| true;
    match job {
        Job::Check(look) => verbs::check::run(look),
        Job::Apply(apply) => verbs::apply::run(apply, false, &yes),
        Job::Rollback(rollback) => verbs::rollback::run(rollback, false, &yes),
    }
}

fn read_args(path: &Path) -> Result<Map<String, Value>, String> {
    let cannot = |why: &str| {
        format!(
            "cannot read the args file {}: {why}; nothing was touched",
            path.display()
        )
    };
    let text = fs::read(path).map_err(|error| cannot(&error.to_string()))?;
    match serde_json::from_slice(&text) {
        Ok(Value::Object(args)) => Ok(args),
        Ok(_) => Err(cannot("it holds no JSON object")),
        Err(error) => Err(cannot(&format!("it is no JSON: {error}"))),
    }
}
