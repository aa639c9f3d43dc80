//! Whether an apply was interrupted: its journal is there as long as it is under way.

use crate::host::{Host, JOURNAL};
use serde::Deserialize;
use std::path::Path;

/// What every journal has; the rest is for those who undo it.
#[derive(Deserialize)]
struct Head {
    schema: u32,
}

/// Looks for the journal. One that is there and makes no sense is a journal all the same.
pub fn read(host: &Host, unseen: &mut Vec<String>) -> bool {
    let path = Path::new(JOURNAL);
    let problem = match host.read(path) {
        Ok(None) => return false,
        Ok(Some(bytes)) => match serde_json::from_slice::<Head>(&bytes) {
            Ok(Head { schema: 1, .. }) => return true,
            Ok(Head { schema, .. }) => {
                format!("it has schema {schema}, of another version of rebridge")
            }
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    unseen.push(format!("the journal {JOURNAL} cannot be read: {problem}"));
    // Its folder is open to root alone: to others it cannot be told whether there is one.
    host.exists(path)
}
