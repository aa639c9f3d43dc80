//! What keeps rebridge from acting, in words: what it cannot do, why, and the next step.

use crate::assess::sides::rule_in_words;
use crate::engine_model::daemon_json::Fault;
use crate::engine_model::pool_trouble::PoolTrouble;
use crate::facts::{DiesWith, FirewallRule, LanSign, Listener, Route};
use crate::phrases::{and_more, count, first_few};
use crate::plan::blocker::{Blocker, StartFault};
use crate::policy::accept::Accept;
use crate::policy::option::Opt;
use crate::report::vocabulary::Vocabulary;
use crate::subnet::{overlap, short};
use ipnet::IpNet;

/// More containers, routes or blockers than these are only counted.
const NAMED: usize = 3;

/// "cannot …: …; run again with …".
pub fn refused(blocker: &Blocker, words: Vocabulary) -> String {
    format!("{}; {}", what(blocker, words), next(blocker, words))
}

/// All that is in the way, in one sentence.
pub fn all_refused(blockers: &[Blocker], words: Vocabulary) -> String {
    if let [only] = blockers {
        return refused(only, words);
    }
    let mut said: Vec<String> = blockers
        .iter()
        .take(NAMED)
        .map(|blocker| what(blocker, words))
        .collect();
    if blockers.len() > NAMED {
        said.push(and_more(blockers.len() - NAMED));
    }
    format!(
        "{} in the way: {}; {}",
        count(blockers.len(), "thing is", "things are"),
        said.join("; "),
        settle(blockers, words)
    )
}

/// The same in one line, where all of them are listed below it.
pub fn headline(blockers: &[Blocker], words: Vocabulary) -> Option<String> {
    (blockers.len() > 1).then(|| {
        format!(
            "{} in the way; {}",
            count(blockers.len(), "thing is", "things are"),
            settle(blockers, words)
        )
    })
}

/// What goes ahead because it was accepted. That containers stop, a notice says already.
pub fn accepted(blockers: &[Blocker], words: Vocabulary) -> Vec<String> {
    let told = blockers.iter().filter_map(|blocker| {
        let accept = blocker.accept()?;
        let what = what(blocker, words);
        (accept != Accept::ContainerStop).then(|| format!("accepted ({}): {what}", accept.word()))
    });
    told.collect()
}

/// What to do about several blockers together.
fn settle(blockers: &[Blocker], words: Vocabulary) -> String {
    let again = words.again();
    let mut accepts: Vec<Accept> = blockers.iter().filter_map(Blocker::accept).collect();
    accepts.sort();
    accepts.dedup();
    let accept: Vec<&str> = accepts.into_iter().map(Accept::word).collect();
    let hard = blockers.iter().any(|blocker| blocker.accept().is_none());
    match (accept.is_empty(), hard) {
        (true, _) => format!("settle them and {again}"),
        (false, true) => format!(
            "settle them and {again}; {} accepts those that can be accepted",
            words.accept(&accept)
        ),
        (false, false) => format!("settle them, or {again} with {}", words.accept(&accept)),
    }
}

/// "run again with --accept old-address".
fn with_accept(accept: Accept, words: Vocabulary) -> String {
    format!("{} with {}", words.again(), words.accept(&[accept.word()]))
}

/// Where the thing is: a file and its line, a process, a container.
pub fn place(blocker: &Blocker) -> Option<String> {
    Some(match blocker {
        Blocker::FileBroken { path, .. }
        | Blocker::FileUnreadable { path, .. }
        | Blocker::FileReadOnly { path, .. }
        | Blocker::FileNotEdited { path, .. }
        | Blocker::BridgeSwitchedOff { path }
        | Blocker::BridgeOfTheOperator { path, .. }
        | Blocker::FileTurnedDown { path, .. }
        | Blocker::WouldNotStart { path, .. } => path.clone(),
        Blocker::FlagInTheWay { place, .. } => place.clone()?,
        Blocker::DockerListensOnOldAddress { place, .. }
        | Blocker::DockerNamesOldAddress { place, .. }
        | Blocker::ResolvesAtOldAddress { place, .. }
        | Blocker::PendingSetting { place, .. } => place.clone(),
        Blocker::ListensOnOldAddress { listener, .. } => process_in_words(listener),
        Blocker::HostNamesOldAddress { named, .. } => format!("{} line {}", named.file, named.line),
        Blocker::PublishesOnOldAddress { container, .. }
        | Blocker::ContainerNamesOldAddress { container, .. }
        | Blocker::ContainerLosesMac { container, .. }
        | Blocker::ContainerMadeById { container, .. }
        | Blocker::ContainerPublishesOnNetwork { container, .. } => {
            format!("container {container}")
        }
        Blocker::PolicyRuleForOldRange { rule, .. } => rule_in_words(rule),
        Blocker::FirewallRuleForOldRange { rule, .. } => match &rule.written {
            Some(place) => place.clone(),
            None => format!("{} {}", rule.tool, rule.place),
        },
        Blocker::DiesWithDocker { place } => match place {
            DiesWith::Unit(unit) => unit.clone(),
            DiesWith::Container(container) => format!("container {container}"),
        },
        _ => return None,
    })
}

fn process_in_words(listener: &Listener) -> String {
    match (&listener.process, listener.pid) {
        (Some(process), Some(pid)) => format!("{process} (pid {pid})"),
        _ => "a process that rebridge cannot see".to_owned(),
    }
}

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
        Blocker::NoWayToRestart => {
            "cannot restart Docker: it runs, but neither in a unit of its own \
                                    under systemd, nor as a snap, nor by an init script"
                .to_owned()
        }
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

pub fn next(blocker: &Blocker, words: Vocabulary) -> String {
    let again = words.again();
    match blocker {
        Blocker::FileBroken { .. } => format!("the file is untouched; fix it and {again}"),
        Blocker::FileUnreadable { .. } => format!(
            "the file is untouched; {}, or fix the file's permissions",
            words.as_root()
        ),
        Blocker::FileReadOnly { .. } => format!(
            "the file is untouched; make its folder writable and {again}, or give the keys of \
             wanted.daemon_json to whatever makes the file"
        ),
        Blocker::FileNotEdited { .. } => {
            "the file is untouched; this is a fault of rebridge, please report it".to_owned()
        }
        Blocker::SettingsElsewhere { .. } => {
            "set bip and default-address-pools there, under Settings, Docker Engine".to_owned()
        }
        Blocker::FlagInTheWay { flag, place, .. } => match place {
            Some(place) => format!("take --{flag} out of {place} and {again}"),
            None => format!(
                "take --{flag} out of the unit (see `systemctl cat docker.service`) and {again}"
            ),
        },
        Blocker::BridgeSwitchedOff { .. } => {
            "remove that key if docker0 should exist, or set other pools for new networks yourself"
                .to_owned()
        }
        Blocker::BridgeOfTheOperator { name, .. } => {
            format!("give {name} another address where you configure it, or remove the key")
        }
        Blocker::NoWayToRestart => format!(
            "{again} with {}, or with {} and then restart Docker the way you started it",
            words.option(Opt::RestartCommand),
            words.switch(Opt::NoRestart)
        ),
        Blocker::EngineWantsTls { .. } => format!(
            "let dockerd listen on a socket as well (`-H unix:///run/docker.sock`, or the same in \
             \"hosts\") and {again}"
        ),
        Blocker::Podman { .. } => {
            "set default_subnet and default_subnet_pools in /etc/containers/containers.conf, under \
             [network]"
                .to_owned()
        }
        Blocker::EngineSilent { .. } => {
            format!("make sure that `docker info` works as root, then {again}")
        }
        Blocker::LiveRestore { is_relieved, .. } => {
            let relief = match is_relieved {
                true => "relief holds until then".to_owned(),
                false => format!("or {} ends the outage and stops nothing", words.relieve()),
            };
            format!(
                "{}, which stops such containers for the restart and starts them again; {relief}",
                with_accept(Accept::ContainerStop, words),
            )
        }
        Blocker::FileTurnedDown { faults, .. } => match faults.as_slice() {
            [Fault::Empty] => {
                format!("the file is untouched; write {{}} into it or remove it, then {again}")
            }
            _ => format!("the file is untouched; fix it and {again}"),
        },
        Blocker::PoolsUnusable { trouble } => {
            let pool = words.option(Opt::Pool);
            match trouble {
                PoolTrouble::TooMany(_) => {
                    format!("give narrower pools with {pool}, or larger subnets such as size=24")
                }
                PoolTrouble::Covered => {
                    format!("remove the on-link route, or give a pool outside it with {pool}")
                }
                PoolTrouble::Refused(..) | PoolTrouble::NoIpv4 | PoolTrouble::Ipv6First => {
                    format!("give an IPv4 pool with {pool}, such as base=10.200.0.0/16,size=24")
                }
            }
        }
        Blocker::NoSubnetForDocker0 | Blocker::NoSubnetForNetwork { .. } => format!(
            "give a wider pool with {}, or remove networks you no longer need",
            words.option(Opt::Pool)
        ),
        Blocker::PoolsCovered { .. } => format!(
            "give other pools with {}, or none and let rebridge choose",
            words.option(Opt::Pool)
        ),
        Blocker::PoolTooNarrow { pool, size, .. } => format!(
            "{again} with {} base={},size={size}, or a wider base",
            words.option(Opt::Pool),
            pool.base
        ),
        Blocker::NoFreeRange => format!(
            "name a range you know is free with {}; rebridge then takes it even under a broader \
             route through a gateway",
            words.option(Opt::Pool)
        ),
        Blocker::KeyCannotFollow { key, .. } => {
            format!("remove or correct \"{key}\" in daemon.json, then {again}")
        }
        Blocker::DockerListensOnOldAddress { setting, .. } => {
            format!("change {setting} to an address that stays, then {again}")
        }
        Blocker::DockerNamesOldAddress { setting, .. } => format!(
            "change {setting} first, or {} and change it afterwards",
            with_accept(Accept::OldAddress, words)
        ),
        Blocker::ListensOnOldAddress { .. } => format!(
            "bind it to another address first, or {} and restart it on the new address",
            with_accept(Accept::OldAddress, words)
        ),
        Blocker::ResolvesAtOldAddress { .. } | Blocker::HostNamesOldAddress { .. } => format!(
            "name an address that stays, or {} and change it afterwards",
            with_accept(Accept::OldAddress, words)
        ),
        Blocker::PublishesOnOldAddress { .. } => format!(
            "publish it on another address first, or {} and re-create it afterwards",
            with_accept(Accept::OldAddress, words)
        ),
        Blocker::ContainerNamesOldAddress { .. } => format!(
            "re-create it with host-gateway or an address that stays, or {}",
            with_accept(Accept::OldAddress, words)
        ),
        Blocker::RoutesGoWithBridge { .. } => format!(
            "{} and set them again, to the new address of the container",
            with_accept(Accept::OldRangeRules, words)
        ),
        Blocker::PolicyRuleForOldRange { to, .. } => format!(
            "add the same rule for {to} first, or {} if it is not for Docker",
            with_accept(Accept::OldRangeRules, words)
        ),
        Blocker::FirewallRuleForOldRange { to, .. } => format!(
            "add the same rule for {to} first, or {} if it is not for Docker",
            with_accept(Accept::OldRangeRules, words)
        ),
        Blocker::PendingSetting { .. } => format!(
            "take that edit back, or restart Docker yourself to see that it is right, or {}",
            with_accept(Accept::PendingSettings, words)
        ),
        Blocker::OtherConfigFile { .. } => {
            format!("restart Docker yourself, so that one file counts, then {again}")
        }
        Blocker::WouldNotStart { .. } => {
            format!("take one of the two out, see that Docker starts, then {again}")
        }
        Blocker::Lockout { .. } => format!(
            "come from another network, or {}",
            with_accept(Accept::Lockout, words)
        ),
        Blocker::DiesWithDocker { .. } => format!(
            "{again} outside of it, for example from a shell on the host or with systemd-run"
        ),
        Blocker::MovesNeedRestart => {
            format!("{again} without {}", words.switch(Opt::NoRestart))
        }
        Blocker::NoSuchNetwork { near, known, .. } => {
            let near = near.as_ref().map(|near| format!("; did you mean {near}?"));
            format!(
                "its networks are {}{}",
                known.join(", "),
                near.unwrap_or_default()
            )
        }
        Blocker::NetworkOnYourLan {
            network, bridge, ..
        } => format!(
            "change the addresses where you configure {bridge}, or {}",
            leave_out(network, words)
        ),
        Blocker::NetworkOfProduct { network, product } => {
            format!("{}; or {}", product.instead, leave_out(network, words))
        }
        Blocker::NetworkBorrowsSettings { network, from } => format!(
            "re-create {from} with another subnet, then {network}; or {}",
            leave_out(network, words)
        ),
        Blocker::ContainerMadeById { network, .. } => format!(
            "re-create that container with the network's name, or {}",
            leave_out(network, words)
        ),
        Blocker::ContainerPublishesOnNetwork { network, .. } => format!(
            "publish it on another address first, or {}",
            leave_out(network, words)
        ),
        Blocker::ContainerLosesMac { network, .. } => format!(
            "{} and re-create that container afterwards, or {}",
            with_accept(Accept::MacLoss, words),
            leave_out(network, words)
        ),
        Blocker::NoRangeForNetwork { network, .. } => format!(
            "give a wider pool with {}, or {} and re-create it with a smaller subnet",
            words.option(Opt::Pool),
            leave_out(network, words)
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

/// The option names the networks that move, so leaving one out means naming the others.
fn leave_out(network: &str, words: Vocabulary) -> String {
    let option = words.option(Opt::Network);
    format!("leave {network} out by naming the others with {option}")
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
