//! `rebridge forecast`: what Docker will take next.

use super::{Usage, facts_of, host_of};
use crate::assess::forecast::{Forecast, forecast};
use crate::cli;
use crate::facts::Version;

/// Looks, and foretells.
pub fn run(arguments: &cli::Forecast) -> Result<Forecast, Usage> {
    let policy = arguments.look.policy(false)?;
    if let Some(version) = arguments
        .engine
        .as_deref()
        .filter(|version| Version::parse(version).is_none())
    {
        return Err(Usage(format!(
            "--engine {version}: not a version; write it as `docker version` does, for example \
             26.1.5"
        )));
    }
    let host = host_of(&arguments.look.observe)?;
    let facts = facts_of(&arguments.look, &host)?;
    Ok(forecast(
        &facts,
        &policy,
        usize::from(arguments.count),
        arguments.engine.as_deref(),
    ))
}
