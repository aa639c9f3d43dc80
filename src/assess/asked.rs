//! The kernel model, asked with a range of Docker's and without it.

use super::kernel::{Kernel, Range};
use crate::facts::{Route, Rule};
use crate::kernel_model::{Change, Fate, Packet, Verdict, connected};
use ipnet::IpNet;
use std::net::IpAddr;

/// Where narrower routes share a range, at most so many of them are looked at.
const MOST_BOUNDARIES: usize = 64;

/// One range of Docker's, and what would be without it.
pub(super) struct Asked<'k, 'a> {
    kernel: &'k Kernel<'a>,
    subnet: IpNet,
    bridge: &'k str,
    /// Docker's route, where the kernel does not have it, or not yet.
    to_come: Vec<Route>,
    /// The bridges whose routes do not count: where the range is still to come, what Docker holds now
    /// may be gone by then.
    gone: &'k [&'a str],
}

/// The name of a bridge that is still to come; no interface can have it.
const TO_COME: &str = "/";

impl<'k, 'a> Asked<'k, 'a> {
    pub(super) fn of(kernel: &'k Kernel<'a>, range: &Range<'k>) -> Asked<'k, 'a> {
        let bridge = range.bridge.unwrap_or(TO_COME);
        let is_there = kernel.routes_inside(&range.subnet).any(|route| {
            route.dev.as_deref() == Some(bridge) && route.dst == range.subnet && !route.dead
        });
        Asked {
            kernel,
            subnet: range.subnet,
            bridge,
            gone: match range.bridge {
                Some(_) => &[],
                None => &kernel.docker,
            },
            to_come: match is_there {
                true => Vec::new(),
                false => vec![connected(range.subnet, bridge)],
            },
        }
    }

    pub(super) fn now<'v>(&'v self, packet: &Packet<'v>) -> Verdict<'v> {
        let with = Change {
            with: &self.to_come,
            without: self.gone,
        };
        self.kernel.model().route_after(with, packet)
    }

    pub(super) fn is_taken_past(&self, rule: &Rule, packet: &Packet) -> bool {
        let now = self.now(packet);
        let mut routes = now.routes.iter();
        now.fate == Fate::Sent
            && now.rule == Some(rule)
            && !self.leaves_by_docker(&now)
            && routes.all(|route| route.dst.prefix_len() == 0)
    }

    pub(super) fn leaves_by_docker(&self, verdict: &Verdict) -> bool {
        verdict.devices().any(|dev| dev == self.bridge)
    }

    pub(super) fn reaches_docker(&self, packet: &Packet) -> bool {
        self.leaves_by_docker(&self.now(packet))
    }

    /// The same; none for an address of this host and for broadcasts.
    pub(super) fn goes_into_docker(&self, packet: &Packet) -> Option<bool> {
        let now = self.now(packet);
        let is_sent = !matches!(now.fate, Fate::Local | Fate::Broadcast);
        is_sent.then(|| self.leaves_by_docker(&now))
    }

    /// Whether a packet would go by this route if Docker were not there.
    pub(super) fn is_used(&self, packet: &Packet, route: &Route) -> bool {
        let without = Change {
            with: &[],
            without: &self.kernel.docker,
        };
        let verdict = self.kernel.model().route_after(without, packet);
        verdict
            .all()
            .any(|verdict| verdict.routes.iter().any(|used| std::ptr::eq(*used, route)))
    }

    /// Whether a packet would go into Docker's bridge if it were not for this route.
    pub(super) fn hides_docker(&self, packet: &Packet, route: &Route) -> bool {
        let Some(dev) = route.dev.as_deref() else {
            return true;
        };
        let without = Change {
            with: &self.to_come,
            without: &[self.gone, &[dev]].concat(),
        };
        self.leaves_by_docker(&self.kernel.model().route_after(without, packet))
    }

    /// Addresses that Docker's range and a network share, one at least for each part that a narrower
    /// route may decide about.
    pub(super) fn samples(&self, net: &IpNet) -> Vec<IpAddr> {
        let shared = match self.subnet.contains(net) {
            true => *net,
            false => self.subnet,
        };
        let narrower = self
            .kernel
            .routes_inside(&shared)
            .map(|route| route.dst)
            .filter(|dst| *dst != shared)
            .take(MOST_BOUNDARIES);
        let mut samples = inside(&shared);
        for narrow in narrower {
            samples.extend(inside(&narrow).into_iter().take(1));
            samples.extend(behind(&narrow).filter(|next| shared.contains(next)));
        }
        samples
    }
}

/// A few addresses of a network, its own and its broadcast address last.
fn inside(net: &IpNet) -> Vec<IpAddr> {
    let hosts = net.hosts();
    let mut few: Vec<IpAddr> = hosts.take(3).collect();
    few.extend(before_last(net));
    few.sort();
    few.dedup();
    few
}

/// The last address but one.
fn before_last(net: &IpNet) -> Option<IpAddr> {
    match net {
        IpNet::V4(net) => u32::from(net.broadcast())
            .checked_sub(1)
            .map(|last| IpAddr::V4(last.into())),
        IpNet::V6(net) => u128::from(net.broadcast())
            .checked_sub(1)
            .map(|last| IpAddr::V6(last.into())),
    }
    .filter(|last| net.contains(last))
}

/// The address behind a network.
fn behind(net: &IpNet) -> impl Iterator<Item = IpAddr> {
    let next = match net {
        IpNet::V4(net) => u32::from(net.broadcast())
            .checked_add(2)
            .map(|next| IpAddr::V4(next.into())),
        IpNet::V6(net) => u128::from(net.broadcast())
            .checked_add(2)
            .map(|next| IpAddr::V6(next.into())),
    };
    next.into_iter()
}
