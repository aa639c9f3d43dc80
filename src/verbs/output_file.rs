//! A file in which the operator wants something left: the result, metrics, a picture. Tried before
//! anything is done, so that nobody learns afterwards that it cannot be written; replaced in one
//! step, so that no reader sees half of it.

use super::Usage;
use crate::host::Host;
use std::fs;
use std::path::{Path, PathBuf};

/// Others may read it: it holds no secret.
const MODE: u32 = 0o644;

/// A file that can be written.
#[derive(Debug)]
pub struct OutputFile {
    option: &'static str,
    path: PathBuf,
}

impl OutputFile {
    /// The file an option names, tried.
    pub fn at(option: &'static str, path: &Path) -> Result<OutputFile, Usage> {
        let cannot = |why: String| Usage(format!("{option} {}: {why}", path.display()));
        let absolute = std::path::absolute(path).map_err(|error| cannot(error.to_string()))?;
        // A device or a pipe would be replaced by a file.
        if fs::metadata(&absolute).is_ok_and(|meta| !meta.is_file()) {
            return Err(cannot("not a regular file".to_owned()));
        }
        Host::live()
            .stage(&absolute, b"", MODE)
            .map_err(|error| cannot(format!("cannot be written: {error}")))?;
        Ok(OutputFile {
            option,
            path: absolute,
        })
    }

    /// Puts the text there.
    pub fn write(&self, text: &str) -> Result<(), String> {
        let written = Host::live().replace(&self.path, text.as_bytes(), MODE);
        written.map_err(|error| {
            format!(
                "{} {} could not be written: {error}",
                self.option,
                self.path.display()
            )
        })
    }
}
