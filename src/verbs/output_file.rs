//! A file the operator wants something written to: the result, metrics, a picture. It is tried
//! before anything is done, so that a path that cannot be written is no surprise afterwards. It is
//! replaced in one step, so that no reader sees half of it.

use crate::host::replace::Staged;
use crate::host::{Host, operator_files};
use crate::policy::option::BadValue;
use std::path::{Path, PathBuf};

/// Others may read it: it holds no secret.
const MODE: u32 = 0o644;

/// A file that can be written.
#[derive(Debug)]
pub struct OutputFile {
    /// As typed: only the command line has such options.
    option: &'static str,
    path: PathBuf,
}

impl OutputFile {
    /// The file an option names, tried.
    pub fn at(option: &'static str, path: &Path) -> Result<OutputFile, BadValue> {
        match tried(path) {
            Ok(path) => Ok(OutputFile { option, path }),
            Err(why) => {
                let path = path.display();
                Err(BadValue::plain(format!("{option} {path}: {why}")))
            }
        }
    }

    /// Puts the text there; the error is a sentence.
    pub fn write(&self, text: &str) -> Result<(), String> {
        let staged = Host::live().stage_for_operator(&self.path, text.as_bytes(), MODE);
        staged.and_then(Staged::commit).map_err(|error| {
            let path = self.path.display();
            format!("{} {path} could not be written: {error}", self.option)
        })
    }
}

/// The absolute path, once a file beside it could be written.
fn tried(path: &Path) -> Result<PathBuf, String> {
    let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
    // A device or a pipe would be replaced by a file.
    if operator_files::is_special(&absolute) {
        return Err("not a regular file".to_owned());
    }
    let staged = Host::live().stage_for_operator(&absolute, b"", MODE);
    staged.map_err(|error| format!("cannot be written: {error}"))?;
    Ok(absolute)
}
