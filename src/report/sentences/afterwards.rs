//! What rebridge noticed while it carried out a plan, in words.

use crate::apply::containers::Missing;
use crate::apply::journal::FOLDER;
use crate::apply::note::Note;

pub fn note(note: &Note) -> String {
    match note {
        Note::RuleNamesOldRange {
            network,
            range,
            rule,
        } => format!(
            "a firewall rule names {range}, the old range of {network}; see whether it was meant \
             for Docker: {rule}"
        ),
        Note::MoreRules { range, count } => {
            format!("and {count} more firewall rules name {range}")
        }
        Note::RecordNotKept { why } => format!(
            "the record of this change could not be kept in {FOLDER}: {why}. The change stands, but \
             rebridge cannot roll it back, and the next run will find an open journal there"
        ),
    }
}

/// A sentence for each container that is not as it was.
pub fn missing(missing: &Missing) -> Vec<String> {
    let down = missing.down.iter().map(|(name, why)| {
        format!("the container {name} could not be returned to its earlier state: {why}")
    });
    let removed = missing.removed.iter().map(|name| {
        format!(
            "the container {name} was started with --rm: Docker removed it when it stopped; start \
             it again yourself"
        )
    });
    down.chain(removed).collect()
}
