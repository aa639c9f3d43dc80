//! What dockerd of a version says of a daemon.json before it starts: keys it does not know, and
//! values of the wrong type. It stops at the first of them.
//!
//! From daemon/config/config.go of moby/moby: the keys are those of its flags and its named options,
//! spelled exactly so. An object under a key that is not kept flat counts as the keys inside it. Then
//! the whole is decoded into a struct, whose types must fit.

mod keys;
mod kind;

use crate::facts::{BYTE_ORDER_MARK, Version};
use crate::phrases::nearest;
use jsonc_parser::ast::{Object, Value as Node};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use serde_json::Value;

/// Only JSON that every engine reads.
pub const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Why dockerd does not start with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It has no text at all, which counts as `{}` from 23.0 on.
    Empty,
    /// It begins with a byte-order mark, which is skipped from 23.0 on.
    ByteOrderMark,
    UnknownKey {
        key: String,
        line: Option<u32>,
        /// What was probably meant.
        near: Option<&'static str>,
        /// The first version that knows it.
        since: Option<Version>,
        /// The first version that no longer knows it.
        until: Option<Version>,
    },
    WrongValue {
        key: String,
        line: u32,
        /// The type that is wanted, or the form.
        wants: &'static str,
    },
}

/// A key that dockerd takes and does not look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub key: String,
    pub line: u32,
    /// The key it reads.
    pub reads: &'static str,
}

/// What dockerd of this version has against the text. Of an unknown version only what holds for all
/// of them counts. A version that is newer than this table knows more; it has `--validate`.
pub fn faults(text: &str, version: Option<Version>) -> Vec<Fault> {
    if keys::are_others_in(version) {
        return Vec::new();
    }
    let old = version.is_some_and(|version| !version.reads_marked_and_empty_files());
    let mut faults = Vec::new();
    let bare = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if old && bare.len() < text.len() {
        faults.push(Fault::ByteOrderMark);
    }
    if old && bare.trim().is_empty() {
        faults.push(Fault::Empty);
    }
    for entry in entries(bare) {
        faults.extend(entry.unknown(version));
        faults.extend(entry.wrong_values(version));
    }
    faults
}

/// The same where only the names of the keys were kept.
pub fn faults_of_names<'a>(
    names: impl Iterator<Item = &'a str>,
    version: Option<Version>,
) -> Vec<Fault> {
    names
        .filter(|_| !keys::are_others_in(version))
        .filter(|name| !keys::is_known(name, version))
        // Whether what it holds is an object is not known.
        .filter(|name| !keys::may_be_taken_apart(name))
        .map(|name| unknown(name, None))
        .collect()
}

/// The keys of the text that are names of flags only.
pub fn unread(text: &str) -> Vec<Unread> {
    entries(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))
        .into_iter()
        .filter_map(|entry| {
            let reads = keys::read_instead_of(&entry.key)?;
            Some(Unread {
                key: entry.key,
                line: entry.line,
                reads,
            })
        })
        .collect()
}

/// A key with its value, and the keys inside that.
struct Entry {
    key: String,
    line: u32,
    value: Value,
    inside: Vec<(String, u32)>,
}

impl Entry {
    fn unknown(&self, version: Option<Version>) -> Vec<Fault> {
        let takes_apart = self.value.is_object() && !keys::is_kept_whole(&self.key, version);
        let names: Vec<(&str, u32)> = match takes_apart {
            true => {
                let inside = self.inside.iter();
                inside.map(|(key, line)| (key.as_str(), *line)).collect()
            }
            false => vec![(&self.key, self.line)],
        };
        names
            .into_iter()
            .filter(|(name, _)| !keys::is_known(name, version))
            .map(|(name, line)| unknown(name, Some(line)))
            .collect()
    }

    fn wrong_values(&self, version: Option<Version>) -> Option<Fault> {
        let key = keys::field(&self.key, version)?;
        let wants = key.kind.objection(&self.value)?;
        Some(Fault::WrongValue {
            key: self.key.clone(),
            line: self.line,
            wants,
        })
    }
}

fn unknown(name: &str, line: Option<u32>) -> Fault {
    let known = keys::find(name);
    Fault::UnknownKey {
        key: name.to_owned(),
        line,
        near: match known {
            Some(_) => None,
            None => near_miss(name),
        },
        since: known.and_then(|key| key.since),
        until: known.and_then(|key| key.until),
    }
}

/// Wrong case first, then underscores, then a letter too many or too few.
fn near_miss(name: &str) -> Option<&'static str> {
    let plain = name.replace('_', "-").to_ascii_lowercase();
    let names: Vec<&'static str> = keys::read_names().collect();
    let same = names.iter().copied().find(|known| *known == plain);
    same.or_else(|| keys::read_instead_of(&plain))
        .or_else(|| nearest(&plain, &names))
}

/// The pairs of the top-level object; none of a text that is no object.
fn entries(text: &str) -> Vec<Entry> {
    let collect = CollectOptions {
        comments: CommentCollectionStrategy::Off,
        tokens: false,
    };
    let Ok(parsed) = parse_to_ast(text, &collect, &STRICT) else {
        return Vec::new();
    };
    let Some(Node::Object(object)) = &parsed.value else {
        return Vec::new();
    };
    let properties = object.properties.iter();
    properties
        .filter_map(|property| {
            let range = property.value.range();
            let value = text.get(range.start..range.end)?;
            Some(Entry {
                key: property.name.as_str().to_owned(),
                line: line_of(text, property.range.start),
                value: serde_json::from_str(value).ok()?,
                inside: match &property.value {
                    Node::Object(inner) => names_of(text, inner),
                    _ => Vec::new(),
                },
            })
        })
        .collect()
}

fn names_of(text: &str, object: &Object) -> Vec<(String, u32)> {
    let properties = object.properties.iter();
    properties
        .map(|property| {
            let name = property.name.as_str().to_owned();
            (name, line_of(text, property.range.start))
        })
        .collect()
}

fn line_of(text: &str, at: usize) -> u32 {
    let before = text.get(..at).unwrap_or_default();
    let breaks = before.bytes().filter(|byte| *byte == b'\n').count();
    u32::try_from(breaks).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests;
