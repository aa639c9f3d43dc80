//! What is on record of relief.

use crate::facts::{ReliefOnRecord, ReliefRoute};
use crate::host::{Host, RELIEF_RECORD};
use serde::Deserialize;
use std::path::Path;

/// The part of the record that counts here.
#[derive(Deserialize)]
struct Head {
    schema: u32,
    boot: String,
    #[serde(default)]
    routes: Vec<ReliefRoute>,
}

/// Reads the record. Only root may; where there is none, or none that makes sense, nothing is known.
pub fn read(host: &Host) -> Option<ReliefOnRecord> {
    let bytes = host.read(Path::new(RELIEF_RECORD)).ok()??;
    let head: Head = serde_json::from_slice(&bytes).ok()?;
    if head.schema != 1 || head.routes.is_empty() {
        return None;
    }
    Some(ReliefOnRecord {
        ended_by_a_boot: host.is_image() || host.boot().ok()? != head.boot,
        routes: head.routes,
    })
}
