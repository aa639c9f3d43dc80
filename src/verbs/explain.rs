//! `rebridge explain`: why Docker is where it is.

use super::{Usage, facts_of, host_of};
use crate::assess::explanation::{Explanation, explain};
use crate::cli;

/// Looks, and tells.
pub fn run(arguments: &cli::Explain) -> Result<Explanation, Usage> {
    let policy = arguments.look.policy(false)?;
    let facts = facts_of(&arguments.look, &host_of(&arguments.look.observe)?)?;
    explain(&facts, &policy, arguments.about.as_deref()).map_err(Usage)
}
