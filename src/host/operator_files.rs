//! Files the operator named on the command line. They lie on the machine rebridge runs on, also
//! where an image is observed, so no root goes before them.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
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

/// What comes over standard input.
pub fn read_standard_input() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where the lines of a file begin and end, without keeping them.
pub fn lines(path: &Path) -> io::Result<Vec<(u64, u64)>> {
    let mut reader = BufReader::with_capacity(1 << 20, fs::File::open(path)?);
    let (mut lines, mut line, mut from) = (Vec::new(), Vec::new(), 0);
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok(lines);
        }
        lines.push((from, from + read));
        from += read;
    }
}

/// A part of a file.
pub fn read_part(path: &Path, (from, to): (u64, u64)) -> io::Result<Vec<u8>> {
    let length = usize::try_from(to.saturating_sub(from)).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    fs::File::open(path)?.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}

/// The files in a folder and its folders, by name, without hidden ones; of a file the file itself.
pub fn files_below(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => files.extend(files_below(&entry.path())?),
            // A link to a folder could lead round in a circle.
            false if entry.path().is_dir() => {}
            false => files.push(entry.path()),
        }
    }
    Ok(files)
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
