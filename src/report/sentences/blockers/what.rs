//! What rebridge cannot do because of a blocker, and why.

use super::{NAMED, process_in_words};
use crate::assess::sides::rule_in_words;
use crate::engine_model::daemon_json::Fault;
use crate::engine_model::pool_trouble::PoolTrouble;
use crate::facts::{DiesWith, FirewallRule, LanSign, Route};
use crate::phrases::{count, first_few};
use crate::plan::blocker::{Blocker, StartFault};
use crate::policy::option::Opt;
use crate::report::vocabulary::Vocabulary;
use crate::subnet::{overlap, short};
use ipnet::IpNet;

pub fn what(blocker: &Blocker, words: Vocabulary) -> String {
    match blocker {
        Blocker::FileBroken { path, why } | Blocker::FileNotEdited { path, why } => {
            format!("cannot edit {path}: {why}")
        }
        Blocker::FileUnreadable { path, why } => format!("cannot read {path}: {why}"),
        Blocker::FileReadOnly { path, why } => format!("cannot write {path}: {why}"),
        Blocker::SettingsElsewhere { system } => format!(
            "cannot change Docker's ranges: this is {system}, which keeps its settings in a \
             virtual machine of its own"
        ),
        Blocker::FlagInTheWay {
            flag,
            key,
            value,
            path,
            ..
        } => format!(
            "cannot put {key} into {path}: dockerd is started with --{flag} {value}, and it \
             refuses to start with an option in both places"
        ),
        Blocker::BridgeSwitchedOff { path } => {
            format!("docker0 is switched off: {path} has \"bridge\": \"none\"")
        }
        Blocker::BridgeOfTheOperator { path, name } => format!(
            "cannot move docker0: \"bridge\": \"{name}\" in {path} gives Docker a bridge that you \
             manage"
        ),
        Blocker::NoWayToRestart => "cannot restart Docker: it runs, but neither in a unit of its \
                                    own under systemd, nor as a snap, nor by an init script"
            .to_owned(),
        Blocker::EngineWantsTls { at } => format!(
            "cannot plan a restart: Docker listens on {at} alone and wants a certificate (TLS), \
             which rebridge does not have"
        ),
        Blocker::Podman { at } => format!(
            "cannot change Docker's ranges: what answers at {at} is Podman, which reads no \
             daemon.json"
        ),
        Blocker::EngineSilent { unseen } => format!(
            "cannot plan a restart: Docker runs but did not answer ({})",
            unseen.join("; ")
        ),
        Blocker::LiveRestore { containers, .. } => format!(
            "cannot move docker0: live-restore is on and {} running ({}). While a container runs, \
             Docker leaves docker0 where it is",
            count(containers.len(), "container is", "containers are"),
            first_few(containers, NAMED, String::clone)
        ),
        Blocker::FileTurnedDown {
            path,
            version,
            faults,
        } => {
            let faults = first_few(faults, NAMED, fault_in_words);
            match version {
                Some(version) => {
                    format!("Docker {version} would not start again with {path}: {faults}")
                }
                None => format!("no Docker from 20.10 to 29 starts with {path}: {faults}"),
            }
        }
        Blocker::PoolsUnusable { trouble } => {
            format!("cannot use these pools: {}", trouble_in_words(*trouble))
        }
        Blocker::NoSubnetForDocker0 => {
            "cannot place docker0: every subnet of the pools is held by a Docker network".to_owned()
        }
        Blocker::PoolsCovered { pools, by } => {
            let pools: Vec<String> = pools.iter().map(|pool| pool.base.to_string()).collect();
            let by = by.as_ref().map(|side| side.describe()).unwrap_or_default();
            let named = match pools.as_slice() {
                [one] => format!("the pool {one}"),
                more => format!("the pools {}", more.join(", ")),
            };
            format!("cannot use {named}: this host needs almost all of that space ({by})")
        }
        Blocker::PoolTooNarrow {
            pool,
            network,
            containers,
            ..
        } => format!(
            "cannot use the pool {}: {} on {}, and a /{} is too narrow for twice as many",
            pool.base,
            match containers {
                1 => "1 container is".to_owned(),
                more => format!("{more} containers are"),
            },
            match network.as_str() {
                "bridge" => "docker0",
                other => other,
            },
            pool.size
        ),
        Blocker::NoFreeRange => format!(
            "cannot find a free range: routes, addresses, nameservers and {} cover all private \
             address space down to a /21",
            words.option(Opt::Avoid)
        ),
        Blocker::KeyCannotFollow {
            key,
            value,
            docker0,
        } => format!(
            "cannot move docker0 to {docker0}: \"{key}\": \"{value}\" has no counterpart there"
        ),
        Blocker::DockerListensOnOldAddress {
            setting,
            place,
            address,
        } => format!(
            "cannot move docker0: {setting} in {place} makes dockerd listen on its address \
             {address}, and without that address it would not start"
        ),
        Blocker::DockerNamesOldAddress {
            setting,
            place,
            address,
        } => format!("{setting} in {place} names docker0's address {address}, which goes away"),
        Blocker::ListensOnOldAddress { network, listener } => format!(
            "{} listens on {}:{} ({}), the address of {network}, which goes away: nobody reaches \
             it there afterwards, and it may not start again",
            process_in_words(listener),
            listener.address,
            listener.port,
            listener.protocol
        ),
        Blocker::ResolvesAtOldAddress {
            network,
            address,
            place,
        } => format!(
            "this host resolves names at {address} ({place}), an address on {network} that goes \
             away: names do not resolve afterwards"
        ),
        Blocker::HostNamesOldAddress { network, named } => format!(
            "{} in {} line {} names {}, the address of {network}, which goes away",
            named.setting, named.file, named.line, named.address
        ),
        Blocker::PublishesOnOldAddress {
            network,
            container,
            address,
        } => format!(
            "the container {container} publishes a port on {address}, the address of {network}, \
             which goes away: Docker cannot start it again"
        ),
        Blocker::ContainerNamesOldAddress {
            network,
            container,
            mention,
        } => format!(
            "the container {container} was created with {}, which names {}, the address of \
             {network}, which goes away",
            mention.setting, mention.address
        ),
        Blocker::RoutesGoWithBridge { bridge, routes } => format!(
            "{} through {bridge} and {} lost when {bridge} moves",
            match routes.as_slice() {
                [one] => format!("the route {} goes", route_in_words(one)),
                more => format!("the routes {} go", first_few(more, NAMED, route_in_words)),
            },
            if routes.len() == 1 { "is" } else { "are" },
        ),
        Blocker::PolicyRuleForOldRange {
            network,
            from,
            to,
            rule,
        } => {
            let old = IpNet::V4(*from);
            let leaks = rule.from.is_some_and(|net| overlap(&net, &old));
            let does = match leaks {
                true => "containers leave by another way then, past a VPN if it led into one",
                false => "packets for containers take another way then",
            };
            format!(
                "the policy {} is for {from}, the old range of {network}, and not for the new one, \
                 {to}: {does}",
                rule_in_words(rule)
            )
        }
        Blocker::FirewallRuleForOldRange {
            network,
            from,
            to,
            rule,
        } => format!(
            "the rule \"{}\" ({}) is for {from}, the old range of {network}, and not for \
             the new one, {to}",
            rule.text,
            place_of_rule(rule)
        ),
        Blocker::PendingSetting {
            setting,
            place,
            now,
            next,
        } => pending_in_words(setting, place, now.as_deref(), next.as_deref()),
        Blocker::OtherConfigFile { now, next } => format!(
            "cannot restart Docker: it runs with {now}, and its next start reads {next} instead"
        ),
        Blocker::WouldNotStart { path, fault } => match fault {
            StartFault::FlagAndKey { flag, key } => format!(
                "Docker would not start again, whatever rebridge does: --{flag} is a flag of \
                 dockerd, and \"{key}\" stands in {path} too"
            ),
            StartFault::IccWithoutIptables => format!(
                "Docker would not start again, whatever rebridge does: {path} has \"icc\": false \
                 together with \"iptables\": false"
            ),
        },
        Blocker::Lockout { peer, range } => format!(
            "cannot bring {range} back: you work from {peer}, which docker0 would hide again"
        ),
        Blocker::DiesWithDocker { place } => match place {
            DiesWith::Unit(unit) => format!(
                "cannot restart Docker from {unit}: systemd stops that unit, and rebridge in it, \
                 when it stops Docker"
            ),
            DiesWith::Container(container) => format!(
                "cannot restart Docker from its container {container}: rebridge would end with it"
            ),
        },
        Blocker::MovesNeedRestart => "cannot move networks: the new pools come into force only \
                                      when Docker restarts"
            .to_owned(),
        Blocker::NoSuchNetwork { name, .. } => {
            format!("cannot move {name}: Docker has no network of that name")
        }
        Blocker::NetworkOnYourLan {
            network,
            bridge,
            sign,
        } => format!(
            "cannot move {network}: its bridge {bridge} is a LAN of this host ({}), which Docker \
             would take down with the network",
            lan_sign_in_words(sign)
        ),
        Blocker::NetworkOfProduct { network, product } => format!(
            "cannot move {network}: it belongs to {}, and {}",
            product.name, product.why
        ),
        Blocker::NetworkBorrowsSettings { network, from } => {
            format!("cannot move {network}: it takes its settings from the network {from}")
        }
        Blocker::ContainerMadeById { network, container } => format!(
            "cannot move {network}: the container {container} was created with the network's id, \
             and this engine would not start it again"
        ),
        Blocker::ContainerPublishesOnNetwork {
            network,
            container,
            address,
        } => format!(
            "cannot move {network}: the container {container} publishes a port on {address}, \
             an address that goes away with the network"
        ),
        Blocker::ContainerLosesMac {
            network,
            container,
            mac,
        } => format!(
            "cannot move {network}: the container {container} on {network} has the fixed MAC \
             address {mac}, which this engine does not keep"
        ),
        Blocker::NoSubnetForNetwork { network } => {
            format!("cannot move {network}: Docker's address pools have no subnet left for it")
        }
        Blocker::NoRangeForNetwork { network, prefix } => format!(
            "cannot move {network}: it was created as a /{prefix}, and no clear range of that \
             size is left for it"
        ),
    }
}

fn fault_in_words(fault: &Fault) -> String {
    match fault {
        Fault::Empty => "it is empty".to_owned(),
        Fault::ByteOrderMark => "it begins with a byte-order mark".to_owned(),
        Fault::UnknownKey {
            key,
            line,
            near,
            since,
            until,
        } => {
            let hint = match (near, since, until) {
                (Some(near), _, _) => format!(" (did you mean \"{near}\"?)"),
                (None, Some(since), _) => format!(" (new in {}.{})", since.major, since.minor),
                (None, None, Some(until)) => {
                    format!(" (gone since {}.{})", until.major, until.minor)
                }
                (None, None, None) => String::new(),
            };
            let line = line.map(|line| format!(" in line {line}"));
            let line = line.unwrap_or_default();
            format!("\"{key}\"{line} is an unknown key{hint}")
        }
        Fault::WrongValue { key, line, wants } => {
            format!("\"{key}\" in line {line} must be {wants}")
        }
    }
}

fn pending_in_words(setting: &str, place: &str, now: Option<&str>, next: Option<&str>) -> String {
    let restart = "a restart of Docker would also";
    match (now, next) {
        (Some(now), Some(next)) => format!(
            "{restart} put {setting} {next} into force ({place}); Docker runs with {now} now"
        ),
        (Some(now), None) => format!(
            "{restart} end {setting} {now}, which Docker runs with now and {place} does not have"
        ),
        (None, Some(next)) => format!(
            "{restart} put {setting} {next} into force ({place}), which changed after Docker started"
        ),
        (None, None) => format!(
            "{restart} put {setting} into force ({place}), which changed after Docker started"
        ),
    }
}

fn lan_sign_in_words(sign: &LanSign) -> String {
    match sign {
        LanSign::Port(port) => format!("its port {port} leads to no container"),
        LanSign::DefaultRoute => "the default route leaves by it".to_owned(),
    }
}

fn trouble_in_words(trouble: PoolTrouble) -> String {
    match trouble {
        PoolTrouble::TooMany(subnets) => format!(
            "Docker up to 26 keeps each of their {subnets} subnets in memory and may not start"
        ),
        PoolTrouble::Covered => "every subnet of them lies under an on-link route or a nameserver \
                                 of this host, so Docker could not create a network (and up to \
                                 23.0.3 would not start)"
            .to_owned(),
        PoolTrouble::Refused(..) | PoolTrouble::NoIpv4 | PoolTrouble::Ipv6First => {
            "Docker would not start with them, or would have no IPv4 subnets".to_owned()
        }
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

fn place_of_rule(rule: &FirewallRule) -> String {
    let place = format!("{}, {}", rule.tool, rule.place);
    match &rule.written {
        Some(written) => format!("{place}, written in {written}"),
        None => place,
    }
}
