//! What ought to stand in daemon.json, whether it does or not: for roles and tools that own the
//! file. It rests on lasting evidence only, so that it is the same from run to run.

use super::{Permits, decide, pool_list};
use crate::assess::Assessment;
use crate::policy::accept::Accepted;
use serde_json::{Map, Value};

/// The keys that say where docker0 and new networks lie, and those that follow docker0.
const KEYS: [&str; 6] = [
    "bip",
    pool_list::KEY,
    "fixed-cidr",
    "default-gateway",
    "host-gateway-ip",
    "ip",
];

/// The keys and values of the file as it ought to be.
pub fn keys(assessment: &Assessment) -> Map<String, Value> {
    let unattended = Permits {
        act_on_suspected: false,
        accepted: Accepted::all(),
        own_command: true,
        ..Permits::plain()
    };
    let mut keys = assessment.facts.docker.config.keys.clone();
    match decide(assessment, &unattended) {
        Ok(Some(plan)) => {
            let write = plan.write.into_iter();
            keys.extend(write.flat_map(|change| change.keys_after));
        }
        Ok(None) | Err(_) => set_before(assessment, &mut keys),
    }
    keys.retain(|key, _| KEYS.contains(&key.as_str()));
    keys
}

/// What rebridge had set stands there again when something else has rewritten the file.
fn set_before(assessment: &Assessment, keys: &mut Map<String, Value>) {
    let set = assessment.facts.docker.set_by_rebridge.iter();
    let set = set.flat_map(|set| &set.keys);
    let both_gone = !keys.contains_key("bip") && !keys.contains_key(pool_list::KEY);
    keys.extend(
        set.filter(|_| both_gone)
            .map(|(key, value)| (key.clone(), value.clone())),
    );
}
