//! The options file of a host: read by every verb, written by `apply --remember`.

use super::host_of;
use super::request::{Look, Target};
use crate::host::replace::Staged;
use crate::host::{Host, operator_files};
use crate::policy::option::{BadValue, Opt};
use crate::policy::options_file::{Kept, KeptNetwork, PATH, parse};
use crate::policy::{Origin, Policy};
use crate::report::error::Error;
use crate::report::kept_options::KeptOptions;
use crate::report::vocabulary::Vocabulary;
use std::io;
use std::path::Path;

/// Anyone may read it: `check` needs no root, and the file holds no secret.
const MODE: u32 = 0o644;

/// What was given for this run, and what the host's file says. Saved facts are another host's, and
/// its file is not among them.
pub fn policy_of(look: &Look) -> Result<Policy, BadValue> {
    let mut policy = look.policy.clone();
    if !look.no_options && !matches!(look.target, Target::SavedFacts(_)) {
        let host = host_of(&look.target)?;
        if let Some(text) = text(&host)? {
            policy.add_options(parse(&text)?, |path| read(&host, path))?;
        }
    }
    match policy.pin && policy.pools.is_empty() {
        true => Err(BadValue::plain(no_pools(look.vocabulary))),
        false => Ok(policy),
    }
}

fn no_pools(words: Vocabulary) -> String {
    let (pin, pool) = match words {
        Vocabulary::CommandLine => ("--pin", "--pool is not given"),
        Vocabulary::Ansible => ("state: pinned", "pools is empty"),
    };
    format!("{pin}: there is no pool to take; {pool}, and {PATH} has none either")
}

fn text(host: &Host) -> Result<Option<String>, BadValue> {
    let unreadable = |error: io::Error| BadValue {
        option: None,
        value: Some(PATH.to_owned()),
        why: format!("cannot be read: {error}"),
    };
    let bytes = host.read(Path::new(PATH)).map_err(unreadable)?;
    let text = bytes.map(String::from_utf8).transpose();
    text.map_err(|_| unreadable(not_utf8()))
}

/// A file that the options name lies on the same host, or in the same image.
fn read(host: &Host, path: &Path) -> io::Result<String> {
    let bytes = host.read(path)?;
    let bytes = bytes.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    String::from_utf8(bytes).map_err(|_| not_utf8())
}

fn not_utf8() -> io::Error {
    io::Error::other("it is not UTF-8")
}

/// The new text of the file, ready to take the old one's place.
pub struct Remembering {
    staged: Option<Staged>,
    kept: KeptOptions,
}

/// What keeping the options of this run would change.
pub fn preview(host: &Host, look: &Look) -> Result<KeptOptions, BadValue> {
    let old = text(host)?;
    let (after, added) = kept(look)?.written_into(old.as_deref())?;
    let before = old.unwrap_or_default();
    Ok(KeptOptions {
        file: PATH.to_owned(),
        after: if added.is_empty() {
            before.clone()
        } else {
            after
        },
        before,
        added,
    })
}

/// Puts the new text beside the file. What cannot be kept is found out before anything is touched.
pub fn prepare(host: &Host, look: &Look) -> Result<Remembering, Error> {
    let kept = preview(host, look)?;
    if kept.added.is_empty() {
        let staged = None;
        return Ok(Remembering { staged, kept });
    }
    let path = Path::new(PATH);
    let folder = path.parent().unwrap_or(path);
    let staged = host
        .make_folder(folder, 0o755)
        .and_then(|()| host.stage(path, kept.after.as_bytes(), MODE));
    match staged {
        Ok(staged) => Ok(Remembering {
            staged: Some(staged),
            kept,
        }),
        Err(error) => Err(Error::OptionsNotKept {
            path: PATH.to_owned(),
            why: error.to_string(),
        }),
    }
}

impl Remembering {
    /// Lets the new text be the file. Gives why it is not, if so.
    pub fn commit(self) -> (KeptOptions, Option<String>) {
        let failed = self.staged.map(Staged::commit).and_then(Result::err);
        (self.kept, failed.map(|error| error.to_string()))
    }
}

/// What was given for this run. A file of networks is kept by its path where the host has it too,
/// otherwise network by network.
fn kept(look: &Look) -> Result<Kept, BadValue> {
    let policy = &look.policy;
    let mut kept = Kept {
        ignore: policy.ignore.clone(),
        pools: policy.pools.clone(),
        ..Kept::default()
    };
    let has_the_files =
        look.vocabulary == Vocabulary::CommandLine && look.target == Target::ThisHost;
    for one in &policy.avoid {
        let from = match &one.origin {
            Origin::File { name, .. } if has_the_files && **name != *"-" => {
                let path = operator_files::absolute(name)
                    .map_err(|error| BadValue::at(Opt::AvoidFile, name, error))?;
                if !kept.avoid_files.contains(&path) {
                    kept.avoid_files.push(path);
                }
                continue;
            }
            Origin::File { name, .. } if **name == *"-" => None,
            Origin::File { .. } => Some(one.origin.to_string()),
            Origin::Option(_) => None,
            // Hosts of an inventory come and go, and each run of the play names them again.
            Origin::Named(_) => continue,
        };
        let net = one.net;
        kept.avoid.push(KeptNetwork { net, from });
    }
    Ok(kept)
}
