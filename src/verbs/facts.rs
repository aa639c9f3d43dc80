//! `rebridge facts`: everything observed, as JSON.

use super::host_of;
use super::request::Target;
use crate::observe::observe_closely;
use crate::report::error::Error;

pub fn run(target: &Target) -> Result<String, Error> {
    let facts = observe_closely(&host_of(target)?);
    // A tree of plain strings, numbers and lists has no way to fail.
    Ok(serde_json::to_string_pretty(&facts).unwrap_or_default())
}
