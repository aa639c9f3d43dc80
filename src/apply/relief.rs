//! Carries relief out, proves it, and takes it away again. Nothing of it outlives a reboot.
//!
//! Relief routes are known by their protocol number, so the kernel is their record. What proxy ARP was
//! before is on disk before it is changed: whatever kills a run, the next one settles the rest.

use super::check::{Check, Probe};
use super::deadman;
use super::reachable::reachable;
use super::refusal::Refusal;
use crate::facts::{Facts, Hop, RELIEF_PROTOCOL, ReliefRoute};
use crate::host::relief_routes::{HopOrder, Order};
use crate::host::{Host, RELIEF_RECORD, STATE_FOLDER};
use crate::observe::route_of::{forwarded_route_of, route_of};
use crate::plan::relief::{Proof, Relief, RelievedRange};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

/// The shape of records that this version writes and reads.
const SCHEMA: u32 = 1;

/// What was before, for the boot that it was found in.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    schema: u32,
    boot: String,
    /// The bridges on which proxy ARP was off.
    proxy_arp_was_off: BTreeSet<String>,
    /// What this host needs, or will in a moment. Others may take routes away.
    #[serde(default)]
    routes: Vec<ReliefRoute>,
}

/// A change of the kernel's state, which may fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    ReadRecord,
    WriteRecord,
    AddRoute(Ipv4Net),
    RemoveRoute(Ipv4Net),
    SwitchProxyArp(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub deed: Deed,
    pub why: String,
}

#[derive(Debug)]
pub struct Done {
    pub verified: Vec<Check>,
    pub end: End,
}

#[derive(Debug)]
pub enum End {
    Relieved,
    /// It did not work, and all of it is taken away. None: what was verified says why.
    TakenAway(Option<Fault>),
    /// It did not work, and a part of it is still there.
    Stranded(Option<Fault>, Fault),
}

/// Whether the host has this relief, and no other.
pub fn is_in_place(host: &Host, facts: &Facts, relief: &Relief) -> bool {
    let mut ranges = relief.ranges.iter();
    has_its_routes(facts, relief)
        && ranges
            .all(|range| !range.for_containers || host.proxy_arp(&range.bridge).unwrap_or(false))
        && (!relief.ranges.is_empty() || !is_on_record(host))
}

/// The same as far as facts tell, which may be another host's.
pub fn has_its_routes(facts: &Facts, relief: &Relief) -> bool {
    let wanted: Vec<&ReliefRoute> = relief.routes().collect();
    let there = &facts.kernel.relief;
    there.len() == wanted.len() && there.iter().all(|route| wanted.contains(&route))
}

/// Whether something of this boot waits to be undone.
fn is_on_record(host: &Host) -> bool {
    Record::read(host).is_ok_and(|record| !record.is_empty())
}

/// The same, undone by a timer unless it is verified by then, even if this run is killed.
pub fn relieve_watched(
    host: &Host,
    facts: &Facts,
    relief: &Relief,
    probes: &[Probe],
    dead_man: Option<u64>,
) -> Result<Done, Refusal> {
    if let Some(seconds) = dead_man {
        deadman::arm_for_relief(host, seconds).map_err(|why| Refusal::DeadManNotArmed { why })?;
    }
    let done = relieve(host, facts, relief, probes);
    // The timer may also be that of an earlier run, which was killed.
    deadman::disarm_for_relief(host);
    Ok(done)
}

/// Brings the host to this relief and proves it; if that fails, takes all relief away.
pub fn relieve(host: &Host, facts: &Facts, relief: &Relief, probes: &[Probe]) -> Done {
    let (verified, fault) = match settle(host, &facts.kernel.relief, relief) {
        Ok(()) => (verify(host, facts, relief, probes), None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    if fault.is_none() && verified.iter().all(|check| check.ok) {
        let end = End::Relieved;
        return Done { verified, end };
    }
    let mut there = facts.kernel.relief.clone();
    there.extend(relief.routes().cloned());
    let end = match take_away(host, &there) {
        Ok(()) => End::TakenAway(fault),
        Err(then) => End::Stranded(fault, then),
    };
    Done { verified, end }
}

/// Brings back relief that stood before a cure, once that is undone. None where nothing is missing.
pub fn restore(host: &Host, facts: &Facts, routes: &[ReliefRoute]) -> Option<Done> {
    let relief = Relief::again(facts, routes);
    let there = &facts.kernel.relief;
    let is_missing = relief.routes().any(|route| !there.contains(route));
    is_missing.then(|| relieve(host, facts, &relief, &[]))
}

/// Takes all relief away. Goes on after a fault, and reports the first.
pub fn take_away(host: &Host, there: &[ReliefRoute]) -> Result<(), Fault> {
    let mut first = Ok(());
    for route in there {
        first = first.and(remove(host, route));
    }
    first.and(settle(host, &[], &Relief::default()))
}

/// Removes what is not wanted, then adds what is missing.
pub fn settle(host: &Host, there: &[ReliefRoute], relief: &Relief) -> Result<(), Fault> {
    let mut record = Record::read(host)?;
    let wanted: Vec<&ReliefRoute> = relief.routes().collect();
    for route in there.iter().filter(|route| !wanted.contains(route)) {
        remove(host, route)?;
    }
    for bridge in record.proxy_arp_was_off.clone() {
        let mut ranges = relief.ranges.iter();
        if ranges.all(|range| range.bridge != bridge || !range.for_containers) {
            restore_proxy_arp(host, &bridge)?;
            record.proxy_arp_was_off.remove(&bridge);
        }
    }
    record.routes = wanted.iter().copied().cloned().collect();
    record.write(host)?;
    for range in relief.ranges.iter().filter(|range| range.for_containers) {
        switch_proxy_arp_on(host, &mut record, range)?;
    }
    for route in wanted.iter().filter(|route| !there.contains(route)) {
        add(host, route)?;
    }
    Ok(())
}

/// What was there is on disk before it is changed.
fn switch_proxy_arp_on(
    host: &Host,
    record: &mut Record,
    range: &RelievedRange,
) -> Result<(), Fault> {
    let bridge = &range.bridge;
    let fault = |error: io::Error| Fault::new(Deed::SwitchProxyArp(bridge.clone()), &error);
    if host.proxy_arp(bridge).map_err(fault)? {
        return Ok(());
    }
    record.proxy_arp_was_off.insert(bridge.clone());
    record.write(host)?;
    host.set_proxy_arp(bridge, true).map_err(fault)
}

/// A bridge that is gone took its setting along.
fn restore_proxy_arp(host: &Host, bridge: &str) -> Result<(), Fault> {
    match host.set_proxy_arp(bridge, false) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Fault::new(Deed::SwitchProxyArp(bridge.to_owned()), &error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn add(host: &Host, route: &ReliefRoute) -> Result<(), Fault> {
    host.add_route(&order(route))
        .map_err(|error| Fault::new(Deed::AddRoute(route.dst), &error))
}

fn remove(host: &Host, route: &ReliefRoute) -> Result<(), Fault> {
    host.remove_route(&order(route))
        .map_err(|error| Fault::new(Deed::RemoveRoute(route.dst), &error))
}

fn order(route: &ReliefRoute) -> Order<'_> {
    Order {
        dst: route.dst,
        table: route.table,
        protocol: RELIEF_PROTOCOL,
        source: route.source,
        hops: route.hops.iter().map(hop_order).collect(),
    }
}

fn hop_order(hop: &Hop) -> HopOrder<'_> {
    HopOrder {
        gateway: hop.gateway,
        dev: &hop.dev,
        onlink: hop.onlink,
    }
}

/// The kernel's own answers: what was lost gets past the bridge, containers are where they were.
fn verify(host: &Host, facts: &Facts, relief: &Relief, probes: &[Probe]) -> Vec<Check> {
    let proofs = relief.ranges.iter().flat_map(|range| &range.proofs);
    let mut checks: Vec<Check> = proofs.filter_map(leads_past).collect();
    let containers = facts.docker.engine.iter();
    let containers = containers.flat_map(|engine| &engine.containers);
    for container in containers {
        for address in container.addresses.iter().filter_map(ipv4) {
            let lies_in = |range: &&RelievedRange| range.subnet.contains(&address);
            if let Some(range) = relief.ranges.iter().find(lies_in) {
                let what = format!("the way to container {}", container.name);
                checks.push(Check::equal(&what, &range.bridge, device_to(address)));
                checks.extend(gets_past(&container.name, address, range));
            }
        }
    }
    checks.extend(reachable(host, probes, None));
    checks
}

/// Of several next hops the kernel picks one.
fn leads_past(proof: &Proof) -> Option<Check> {
    let [dev] = proof.devices.as_slice() else {
        return None;
    };
    let what = format!("the way to {}", proof.to);
    Some(Check::equal(&what, dev, device_to(proof.to)))
}

/// The kernel's answer about a packet that this container sends. The routes of rules that hold for
/// containers alone lead elsewhere, but never into the bridge.
fn gets_past(name: &str, address: Ipv4Addr, range: &RelievedRange) -> Option<Check> {
    let proof = range.proofs.first().filter(|_| range.for_containers)?;
    let what = format!("the way from container {name} to {}", proof.to);
    let past = format!("past {}", range.bridge);
    let fault = match forwarded_route_of(address, &range.bridge, proof.to) {
        Ok(hop) if hop.dev.as_ref() == Some(&range.bridge) => Some(range.bridge.clone()),
        Ok(_) => None,
        Err(error) => Some(format!("nowhere ({error})")),
    };
    Some(Check::faultless(&what, &past, fault))
}

fn device_to(address: Ipv4Addr) -> String {
    match route_of(address) {
        Ok(hop) => hop.dev.unwrap_or_else(|| "nowhere".to_owned()),
        Err(error) => format!("nowhere ({error})"),
    }
}

fn ipv4(address: &IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(*address),
        IpAddr::V6(_) => None,
    }
}

impl Record {
    /// What this boot has on record; an earlier boot's settings are gone.
    fn read(host: &Host) -> Result<Record, Fault> {
        let fault = |error: io::Error| Fault::new(Deed::ReadRecord, &error);
        let boot = host.boot().map_err(fault)?;
        let none = Record {
            schema: SCHEMA,
            boot,
            ..Record::default()
        };
        let Some(bytes) = host.read(Path::new(RELIEF_RECORD)).map_err(fault)? else {
            return Ok(none);
        };
        let record: Record = serde_json::from_slice(&bytes)
            .map_err(|error| fault(io::Error::other(error.to_string())))?;
        if record.schema != SCHEMA {
            let why = format!("schema {} is not known to this version", record.schema);
            return Err(fault(io::Error::other(why)));
        }
        Ok(if record.boot == none.boot {
            record
        } else {
            none
        })
    }

    fn write(&self, host: &Host) -> Result<(), Fault> {
        let fault = |error: io::Error| Fault::new(Deed::WriteRecord, &error);
        if self.is_empty() {
            return host.remove(Path::new(RELIEF_RECORD)).map_err(fault);
        }
        let text = serde_json::to_vec_pretty(self).map_err(|error| fault(error.into()))?;
        host.make_folder(STATE_FOLDER.as_ref(), 0o700)
            .map_err(fault)?;
        host.replace(Path::new(RELIEF_RECORD), &text, 0o600)
            .map_err(fault)
    }

    fn is_empty(&self) -> bool {
        self.proxy_arp_was_off.is_empty() && self.routes.is_empty()
    }
}

impl Fault {
    fn new(deed: Deed, error: &io::Error) -> Fault {
        Fault {
            deed,
            why: error.to_string(),
        }
    }
}
