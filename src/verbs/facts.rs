//! `rebridge facts`: everything observed, as JSON.

use super::{Usage, host_of};
use crate::cli::Observe;
use crate::observe::observe_closely;

/// The facts as text.
pub fn run(arguments: &Observe) -> Result<String, Usage> {
    let facts = observe_closely(&host_of(arguments)?);
    serde_json::to_string_pretty(&facts).map_err(|error| Usage(error.to_string()))
}
