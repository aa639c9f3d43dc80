//! `rebridge facts`: everything observed, as JSON.

use super::host_of;
use super::request::Target;
use crate::facts::{Facts, Taken};
use crate::host::Host;
use crate::observe::observe_closely;
use crate::report::error::Error;
use std::path::Path;
use std::time::SystemTime;

pub fn run(target: &Target) -> Result<String, Error> {
    let facts = take(target)?;
    // A tree of plain strings, numbers and lists has no way to fail.
    Ok(serde_json::to_string_pretty(&facts).unwrap_or_default())
}

pub fn take(target: &Target) -> Result<Facts, Error> {
    let host = host_of(target)?;
    let mut facts = observe_closely(&host);
    facts.taken = Some(taken(&host));
    Ok(facts)
}

fn taken(host: &Host) -> Taken {
    let place = match host.is_image() {
        true => "/etc/hostname",
        false => "/proc/sys/kernel/hostname",
    };
    let name = host.read(Path::new(place)).ok().flatten();
    let name = String::from_utf8(name.unwrap_or_default()).unwrap_or_default();
    Taken {
        host: name.trim().to_owned(),
        at: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
