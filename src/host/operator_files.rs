//! Files the operator named on the command line. They lie on the machine rebridge runs on, also
//! where an image is observed, so no root goes before them.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The text of a file; `-` is standard input.
pub fn read_text(name: &str) -> io::Result<String> {
    if name != "-" {
        return fs::read_to_string(name);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

/// The bytes of a file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

/// The path of a file from the root on, as the operator's folder makes it.
pub fn absolute(name: &str) -> io::Result<String> {
    let path = std::path::absolute(name)?;
    Ok(path.to_string_lossy().into_owned())
}

/// A folder, by the path that has no links in it.
pub fn folder(path: &Path) -> io::Result<PathBuf> {
    let path = path.canonicalize()?;
    match path.is_dir() {
        true => Ok(path),
        false => Err(io::Error::other("not a folder")),
    }
}

/// Whether a path leads to something other than a file, such as a device or a folder.
pub fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| !meta.is_file())
}

/// Whether a path leads to a file or a pipe.
pub fn is_readable(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    fs::metadata(path).is_ok_and(|meta| meta.is_file() || meta.file_type().is_fifo())
}
