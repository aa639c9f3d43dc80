//! What is worth knowing and no clash, in words.

use crate::assess::finding::{Finding, Holder, Unusable};
use crate::assess::traffic::StaleCall;
use crate::phrases::shell_word;
use crate::policy::option::Opt;
use crate::report::vocabulary::Vocabulary;
use crate::subnet::short;

pub fn finding(finding: &Finding, words: Vocabulary) -> String {
    match finding {
        Finding::StaleCall(StaleCall { address, bridge }) => format!(
            "this host still calls {address} on {bridge}, where no container runs; most likely it \
             was a container's address. If it is a server, name its network with {}",
            words.option(Opt::Avoid)
        ),
        Finding::UnusableRange {
            holder,
            subnet,
            why,
        } => format!("{} {}", holder_in_words(holder), why_in_words(subnet, *why)),
        Finding::OwnNetworksOverlap {
            overlay,
            overlay_subnet,
            bridge,
            bridge_subnet,
        } => format!(
            "the swarm network {overlay} ({overlay_subnet}) and {bridge} ({bridge_subnet}) overlap: \
             tasks on this node cannot reach what lies in both; give the swarm another range \
             (`docker swarm init --default-addr-pool`) or move {bridge}"
        ),
        Finding::Ipv6PoolOverNeeded { pool, over } => format!(
            "Docker's IPv6 pool {pool} overlaps {}: a network with IPv6 may take that range. \
             rebridge moves IPv4 only; change default-address-pools yourself",
            over.describe()
        ),
        Finding::PastDocker {
            rule,
            table,
            subnet,
        } => format!(
            "packets that meet {rule} leave by the default route of table {table}, which has no \
             route to {subnet}: they do not reach containers on docker0, wherever it lies; add \
             Docker's route to that table, or a rule before it"
        ),
        Finding::ComposeOverNeeded { of, over } => format!(
            "{} line {} gives the network {} the subnet {}, over {}: change that line before the \
             network is created again",
            of.file,
            of.line,
            of.network,
            of.subnet,
            over.describe()
        ),
        Finding::RootlessOverNeeded { of, over } => format!(
            "the rootless Docker of user {} lives in {}, over {}: its containers cannot reach that. \
             Give it another range: \
             `DOCKERD_ROOTLESS_ROOTLESSKIT_FLAGS=--cidr=RANGE` in the environment of its unit",
            of.user,
            of.net,
            over.describe()
        ),
        Finding::PoolsOverlap { first, second } => format!(
            "Docker's address pools {first} and {second} overlap; engines differ in what they make \
             of that"
        ),
        Finding::EmptyNetwork { network, subnet } => format!(
            "no container runs on {network}: `docker network rm {}` frees {subnet} at once, without \
             a restart; its stopped containers do not start without it",
            shell_word(network)
        ),
        Finding::PoolsFull { capacity } => format!(
            "Docker's address pools are used up: none of their {capacity} subnets is free, so the \
             next network cannot be created"
        ),
    }
}

fn holder_in_words(holder: &Holder) -> String {
    match holder {
        Holder::Network(name) => format!("{name} uses"),
        Holder::Pool(pool) => format!("Docker's address pool {pool} uses"),
    }
}

fn why_in_words(subnet: &ipnet::IpNet, why: Unusable) -> String {
    let subnet = short(subnet);
    match why {
        Unusable::Public => format!(
            "{subnet}, which belongs to others on the Internet: this host cannot reach them there"
        ),
        Unusable::Loopback => format!("{subnet}, a loopback range: nothing can be reached there"),
        Unusable::LinkLocal => {
            format!("{subnet}, the link-local range, where clouds keep their metadata service")
        }
        Unusable::Multicast => {
            format!("{subnet}, which is reserved for multicast: no host can live there")
        }
        Unusable::Reserved => {
            format!("{subnet}, which is reserved (240/4): many routers drop its packets")
        }
    }
}
