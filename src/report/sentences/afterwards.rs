//! What rebridge noticed while it carried out a plan, in words.

use crate::apply::containers::Loss;
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
        Note::UnitIsDown { unit } => format!(
            "{unit} stopped with Docker and does not start again: see `systemctl status {unit}`"
        ),
        Note::RecordNotKept { why } => format!(
            "the record of this change could not be kept in {FOLDER}: {why}. The change stands, but \
             rebridge cannot roll it back, and the next run will find an open journal there"
        ),
        Note::RecordNotRemoved { why } => format!(
            "the record of the undone change could not be removed from {FOLDER}: {why}. The next \
             run will find an open journal there"
        ),
    }
}

/// That a container is not as it was.
pub fn missing(container: &str, why: &Loss) -> String {
    let why = match why {
        Loss::Removed => {
            return format!(
                "the container {container} was started with --rm: Docker removed it when it \
                 stopped; start it again yourself"
            );
        }
        Loss::DoesNotStay => format!("it starts and ends again: see `docker logs {container}`"),
        Loss::Gone => "it is gone".to_owned(),
        Loss::NotStarted(why) | Loss::EngineSilent(why) => why.to_string(),
        Loss::NotStopped(why) => format!("it was stopped and runs now: {why}"),
    };
    format!("the container {container} could not be returned to its earlier state: {why}")
}
