//! What the operator should know about a plan, in words.

use crate::assess::sides::rule_in_words;
use crate::facts::Route;
use crate::phrases::{containers_are, first_few};
use crate::plan::notice::Notice;
use crate::subnet::short;

/// More routes than these are only counted.
const NAMED: usize = 3;

pub fn notice(notice: &Notice) -> String {
    match notice {
        Notice::FewNetworks { networks } => format!(
            "the pools have room for {networks} networks besides docker0; Docker's own have 30"
        ),
        Notice::PoolIsShared { pool } => format!(
            "the pool {} is not private address space: a carrier, Tailscale (100.64.0.0/10) or a \
             test network (198.18.0.0/15) may use it",
            pool.base
        ),
        Notice::ContainersStop { containers } => format!(
            "live-restore keeps docker0 where it is while a container runs: {} stopped before the \
             restart and started again after it",
            containers_are(containers)
        ),
        Notice::KeysLost { path, keys, set } => format!(
            "something else rewrites {path}: {}, set by rebridge on {}, {} gone from it",
            keys.join(" and "),
            set.get(..10).unwrap_or(set),
            if keys.len() == 1 { "is" } else { "are" }
        ),
        Notice::ContainersAreRemoved { containers } => match containers.as_slice() {
            [one] => format!(
                "the container {one} is removed when it stops (--rm) and does not come back"
            ),
            more => format!(
                "the containers {} are removed when they stop (--rm) and do not come back",
                more.join(", ")
            ),
        },
        Notice::PublishesOnOldAddress {
            containers,
            address,
        } => format!(
            "{} on docker0's old address {address}, which goes away: Docker cannot start such a \
             container again; publish on another address first",
            match containers.as_slice() {
                [one] => format!("the container {one} publishes a port"),
                more => format!("the containers {} publish ports", more.join(", ")),
            }
        ),
        Notice::DnsNamesOldAddress { path, address } => format!(
            "\"dns\" in {path} names docker0's old address {address}: containers get no answer \
             there until you change it"
        ),
        Notice::RegistryNamesOldAddress { key, path, address } => format!(
            "\"{key}\" in {path} names docker0's old address {address}: images cannot be pulled \
             from there until you change it"
        ),
        Notice::RoutesGoWithBridge { bridge, routes } => format!(
            "{} through {bridge} and {} lost when {bridge} moves: set {} again, to the new address of \
             the container",
            match routes.as_slice() {
                [one] => format!("the route {} goes", route_in_words(one)),
                more => format!("the routes {} go", first_few(more, NAMED, route_in_words)),
            },
            if routes.len() == 1 { "is" } else { "are" },
            if routes.len() == 1 { "it" } else { "them" },
        ),
        Notice::RuleNamesOldRange {
            network,
            from,
            to,
            rule,
        } => format!(
            "the policy {} is for {from}, the old range of {network}, and not for the new one, {to}: \
             {network}'s packets take another way then; change the rule too if it was meant for \
             Docker",
            rule_in_words(rule)
        ),
        Notice::SubnetByHand { networks } => format!(
            "the subnet of {} was given by hand: change it there too (a Compose file, a script), \
             or the old one comes back when the network is re-created",
            networks.join(", ")
        ),
        Notice::MacIsLost {
            network,
            container,
            mac,
        } => format!(
            "the container {container} on {network} has the fixed MAC address {mac} and gets \
             another"
        ),
    }
}

/// "10.200.0.0/16 via 172.17.0.2"
fn route_in_words(route: &Route) -> String {
    let dst = match route.dst.prefix_len() {
        0 => "default".to_owned(),
        _ => short(&route.dst),
    };
    let via = route.gateway.map(|via| format!(" via {via}"));
    let table = (!route.main_table()).then(|| format!(" in table {}", route.table));
    format!(
        "{dst}{}{}",
        via.unwrap_or_default(),
        table.unwrap_or_default()
    )
}
