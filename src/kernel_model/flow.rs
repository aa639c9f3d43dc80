//! A packet as the rules see it: with what follows from the interfaces it names.

use super::Links;
use super::packet::Packet;

/// The interface of packets that come from this host itself.
const LOOPBACK: &str = "lo";

/// A packet and the VRF it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flow<'p> {
    pub packet: Packet<'p>,
    pub iif: &'p str,
    /// The interface its socket is bound to. A VRF device is none: it stands for its table.
    pub oif: Option<&'p str>,
    pub vrf: Option<&'p str>,
}

impl<'p> Flow<'p> {
    pub fn new(packet: Packet<'p>, links: &Links<'p>) -> Flow<'p> {
        let bound = packet.oif.map(|name| (name, vrf_of(name, links)));
        let vrf = match (bound, packet.iif) {
            (Some((_, vrf)), _) => vrf,
            (None, Some(iif)) => vrf_of(iif, links),
            (None, None) => None,
        };
        Flow {
            packet,
            iif: packet.iif.unwrap_or(LOOPBACK),
            oif: packet.oif.filter(|name| vrf != Some(name)),
            vrf,
        }
    }

    /// Whether a rule's interface is this one of the packet's. A VRF device means all its ports.
    pub fn is_on(&self, wanted: &str, interface: Option<&str>, links: &Links) -> bool {
        if is_vrf(wanted, links) {
            self.vrf == Some(wanted)
        } else {
            interface == Some(wanted)
        }
    }
}

fn vrf_of<'p>(name: &'p str, links: &Links<'p>) -> Option<&'p str> {
    if is_vrf(name, links) {
        return Some(name);
    }
    let master = links.get(name)?.master.as_deref()?;
    is_vrf(master, links).then_some(master)
}

fn is_vrf(name: &str, links: &Links) -> bool {
    links.get(name).is_some_and(|link| link.table.is_some())
}
