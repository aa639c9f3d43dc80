//! A file the operator wants something written to: the result, metrics, a picture. Tried before
//! anything is done, so that a path that cannot be written is no surprise afterwards; replaced in
//! one step, so that no reader sees half of it.

use crate::host::{Host, operator_files};
use crate::policy::option::{BadValue, Opt};
use crate::report::vocabulary::Vocabulary;
use std::path::{Path, PathBuf};

/// Others may read it: it holds no secret.
const MODE: u32 = 0o644;

/// A file that can be written.
#[derive(Debug)]
pub struct OutputFile {
    option: Opt,
    path: PathBuf,
}

impl OutputFile {
    /// The file an option names, tried.
    pub fn at(option: Opt, path: &Path) -> Result<OutputFile, BadValue> {
        let bad = |why: String| BadValue::of(option, format!("{}: {why}", path.display()));
        let absolute = std::path::absolute(path).map_err(|error| bad(error.to_string()))?;
        // A device or a pipe would be replaced by a file.
        if operator_files::is_special(&absolute) {
            return Err(bad("not a regular file".to_owned()));
        }
        Host::live()
            .stage(&absolute, b"", MODE)
            .map_err(|error| bad(format!("cannot be written: {error}")))?;
        Ok(OutputFile {
            option,
            path: absolute,
        })
    }

    /// Puts the text there; the error is a sentence.
    pub fn write(&self, text: &str) -> Result<(), String> {
        Host::live()
            .replace(&self.path, text.as_bytes(), MODE)
            .map_err(|error| {
                let option = Vocabulary::CommandLine.option(self.option);
                let path = self.path.display();
                format!("{option} {path} could not be written: {error}")
            })
    }
}
