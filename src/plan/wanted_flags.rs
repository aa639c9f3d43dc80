//! What ought to be, as flags of dockerd: for tools that write flags into its unit. Docker does not
//! start with a setting both as a flag and in the file, so these stand for all of `wanted`.

use super::{pool_list, wanted};
use crate::assess::Assessment;
use crate::facts::{ConfigState, Facts};
use crate::policy::read::read_pools;
use serde_json::{Map, Value};

/// The flags, each with its key of daemon.json.
const FLAGS: [(&str, &str); 6] = [
    ("bip", "bip"),
    ("default-address-pool", pool_list::KEY),
    ("fixed-cidr", "fixed-cidr"),
    ("default-gateway", "default-gateway"),
    ("host-gateway-ip", "host-gateway-ip"),
    ("ip", "ip"),
];

/// The same from run to run, as the keys are.
pub fn flags(assessment: &Assessment) -> Vec<String> {
    let keys = match as_if_in_the_file(assessment.facts) {
        Some(facts) => wanted::keys(&Assessment::of(&facts, assessment.policy)),
        None => wanted::keys(assessment),
    };
    let given = FLAGS
        .iter()
        .filter_map(|(flag, key)| Some((flag, keys.get(*key)?)));
    given
        .flat_map(|(flag, value)| in_words(flag, value))
        .collect()
}

/// The host as it would be if what its flags say stood in the file; none where they say nothing.
fn as_if_in_the_file(facts: &Facts) -> Option<Facts> {
    let mut keys = Map::new();
    for (flag, key) in FLAGS {
        let values = facts.docker.next_flag(flag);
        let value = match (key, values.last()) {
            (_, None) => continue,
            (pool_list::KEY, Some(_)) => {
                let pools = read_pools(values).ok()?.into_iter();
                pools.map(|pool| pool.to_value()).collect()
            }
            (_, Some(value)) => Value::String(value.clone()),
        };
        keys.insert(key.to_owned(), value);
    }
    if keys.is_empty() {
        return None;
    }
    let mut facts = facts.clone();
    let docker = &mut facts.docker;
    let next = docker.next_flags.iter_mut();
    for flags in next.chain([&mut docker.flags]) {
        flags.retain(|flag, _| FLAGS.iter().all(|(name, _)| name != flag));
    }
    let config = &mut docker.config;
    config.keys.extend(keys);
    config.names = config.keys.keys().cloned().collect();
    config.text = serde_json::to_string(&config.keys).ok();
    config.state = ConfigState::Object;
    Some(facts)
}

fn in_words(flag: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Array(pools) => pools
            .iter()
            .filter_map(|pool| pool_in_words(flag, pool))
            .collect(),
        Value::String(text) => vec![format!("--{flag}={text}")],
        other => vec![format!("--{flag}={other}")],
    }
}

fn pool_in_words(flag: &str, pool: &Value) -> Option<String> {
    let (base, size) = (pool.get("base")?.as_str()?, pool.get("size")?.as_u64()?);
    Some(format!("--{flag}=base={base},size={size}"))
}
