//! The next step where a blocker is in the way.

use crate::engine_model::daemon_json::Fault;
use crate::engine_model::pool_trouble::PoolTrouble;
use crate::plan::blocker::Blocker;
use crate::policy::accept::Accept;
use crate::policy::option::Opt;
use crate::report::vocabulary::Vocabulary;

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

/// "run again with --accept old-address".
fn with_accept(accept: Accept, words: Vocabulary) -> String {
    format!("{} with {}", words.again(), words.accept(&[accept.word()]))
}

/// The option names the networks that move, so leaving one out means naming the others.
fn leave_out(network: &str, words: Vocabulary) -> String {
    let option = words.option(Opt::Network);
    format!("leave {network} out by naming the others with {option}")
}
