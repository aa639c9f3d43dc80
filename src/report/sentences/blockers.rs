//! What keeps rebridge from acting, in words: what it cannot do, why, and the next step.

use crate::engine_model::pool_trouble::PoolTrouble;
use crate::facts::LanSign;
use crate::phrases::{count, first_few};
use crate::plan::blocker::Blocker;
use crate::policy::option::Opt;
use crate::report::vocabulary::Vocabulary;

/// More containers than these are only counted.
const NAMED: usize = 3;

/// "cannot …: …; run again with …".
pub fn refused(blocker: &Blocker, words: Vocabulary) -> String {
    format!("{}; {}", why(blocker, words), next(blocker, words))
}

fn why(blocker: &Blocker, words: Vocabulary) -> String {
    match blocker {
        Blocker::FileBroken { path, why } | Blocker::FileNotEdited { path, why } => {
            format!("cannot edit {path}: {why}")
        }
        Blocker::FileUnreadable { path, why } => format!("cannot read {path}: {why}"),
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
        Blocker::NoWayToRestart => "cannot restart Docker: it runs, but neither as docker.service \
                                    of systemd, nor as a snap, nor by an init script"
            .to_owned(),
        Blocker::EngineSilent { unseen } => format!(
            "cannot plan a restart: Docker runs but did not answer ({})",
            unseen.join("; ")
        ),
        Blocker::LiveRestore { containers } => format!(
            "cannot move docker0: live-restore is on and {} running ({}). While a container runs, \
             Docker leaves docker0 where it is",
            count(containers.len(), "container is", "containers are"),
            first_few(containers, NAMED, String::clone)
        ),
        Blocker::UnknownKey { path, key, version } => format!(
            "cannot restart Docker: {path} has the key \"{key}\", which Docker {version} does not \
             know: it would not start"
        ),
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
        Blocker::ListensOnDocker0 { address, .. } => {
            format!("cannot move docker0: \"hosts\" makes dockerd listen on its address {address}")
        }
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

fn next(blocker: &Blocker, words: Vocabulary) -> String {
    let again = words.again();
    match blocker {
        Blocker::FileBroken { .. } => format!("the file is untouched; fix it and {again}"),
        Blocker::FileUnreadable { .. } => format!(
            "the file is untouched; {}, or fix the file's permissions",
            words.as_root()
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
        Blocker::EngineSilent { .. } => {
            format!("make sure that `docker info` works as root, then {again}")
        }
        Blocker::LiveRestore { .. } => format!(
            "{again} with {}, which stops such containers for the restart and starts them again",
            words.switch(Opt::AllowContainerStop)
        ),
        Blocker::UnknownKey { .. } => format!("remove or correct the key, then {again}"),
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
        Blocker::ListensOnDocker0 { path, .. } => {
            format!("change \"hosts\" in {path} to an address that stays, then {again}")
        }
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
            "{again} with {} and re-create that container afterwards, or {}",
            words.switch(Opt::AcceptMacLoss),
            leave_out(network, words)
        ),
        Blocker::NoRangeForNetwork { network, .. } => format!(
            "give a wider pool with {}, or {} and re-create it with a smaller subnet",
            words.option(Opt::Pool),
            leave_out(network, words)
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
