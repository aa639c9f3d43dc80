//! What `--remember` has kept for later runs, as data and in words.

use super::Report;
use crate::phrases::first_few;
use serde::{Deserialize, Serialize};

/// More options than these are only counted.
const NAMED: usize = 3;

/// The options that `--remember` keeps for later runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeptOptions {
    /// The file that holds them.
    pub file: String,
    /// The lines that are new in it (or, in check mode, would be).
    pub added: Vec<String>,
    /// The whole file, before and after. Not a part of the result.
    #[serde(skip)]
    pub before: String,
    #[serde(skip)]
    pub after: String,
}

impl Report {
    /// The options would be kept if this went well.
    pub fn would_keep(&mut self, kept: KeptOptions) {
        self.keep(kept, "would be kept");
    }

    /// The options are kept.
    pub fn has_kept(&mut self, kept: KeptOptions) {
        self.keep(kept, "kept");
    }

    fn keep(&mut self, kept: KeptOptions, done: &str) {
        if !kept.added.is_empty() {
            self.changed = true;
            let lines = first_few(&kept.added, NAMED, String::clone);
            self.notes.push(format!(
                "{done} in {} for every later run: {lines}",
                kept.file
            ));
        }
        self.kept = Some(kept);
    }

    /// What was done stands, but later runs will not know the options.
    pub fn has_not_kept(&mut self, kept: &KeptOptions, why: &str) {
        self.warnings.push(format!(
            "{} could not be written: {why}; later runs do not know these options: {}",
            kept.file,
            first_few(&kept.added, NAMED, String::clone)
        ));
    }
}
