//! What is asked about a network.

use super::dice::Dice;
use super::network::{FLOW_LABELS, LINKS, MARKS, PORTS, PROTOCOLS, TOS, VRFS, address};
use rebridge::facts::Kernel;
use rebridge::kernel_model::Packet;
use std::net::IpAddr;

/// What `ip route get` takes IPv4 packets to be when nobody says it.
const UDP: u8 = 17;

/// Something to ask; the packet, but for its protocol, if it is not said.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    pub packet: Packet<'static>,
    pub says_protocol: bool,
}

impl Question {
    /// One that the kernel answers: it wants packets of this host to be from one of its addresses,
    /// and others from none.
    pub fn random(dice: &mut Dice, kernel: &Kernel) -> Question {
        let family = dice.pick(&[4, 6]);
        let to = destination(dice, kernel, family);
        let mut packet = Packet::to(to);
        if dice.percent(30) {
            packet.iif = Some(dice.pick(&LINKS));
            packet.from = Some(source(dice, family));
        } else {
            if dice.percent(25) {
                packet.from = Some(own_address(dice, family));
            }
            // Of IPv6 `ip route get` only knows sockets that are bound and have no address.
            if dice.percent(20) && (family == 4 || packet.from.is_none()) {
                packet.oif = Some(interface(dice, kernel));
            }
            if dice.percent(20) {
                packet.user = dice.pick(&[999, 1000, 1500, 2001]);
            }
        }
        if dice.percent(40) {
            packet.mark = dice.pick(&MARKS);
        }
        if dice.percent(40) {
            packet.tos = dice.pick(&TOS);
        }
        // Netlink has one field for both.
        if family == 6 && packet.tos == 0 && dice.percent(30) {
            packet.flow_label = dice.pick(&FLOW_LABELS);
        }
        let says_protocol = dice.percent(30);
        if says_protocol {
            packet.protocol = dice.pick(&PROTOCOLS).1;
            packet.source_port = dice.pick(&PORTS);
            packet.port = dice.pick(&PORTS);
        } else if family == 4 {
            packet.protocol = UDP;
        }
        Question {
            packet,
            says_protocol,
        }
    }

    /// The same in the words of `ip route get`.
    pub fn words(&self) -> Vec<String> {
        let packet = &self.packet;
        let mut words = vec![packet.to.to_string()];
        let mut say = |name: &str, value: Option<String>| {
            words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
        };
        let unless_0 = |number: u32| (number != 0).then(|| number.to_string());
        say("from", packet.from.map(|from| from.to_string()));
        say("iif", packet.iif.map(str::to_owned));
        say("oif", packet.oif.map(str::to_owned));
        say("mark", unless_0(packet.mark));
        say(
            "tos",
            (packet.tos != 0).then(|| format!("{:#x}", packet.tos)),
        );
        say("uid", unless_0(packet.user));
        if self.says_protocol {
            let name = PROTOCOLS
                .iter()
                .find(|(_, number)| *number == packet.protocol);
            say("ipproto", name.map(|(name, _)| (*name).to_owned()));
            say("sport", unless_0(packet.source_port.into()));
            say("dport", unless_0(packet.port.into()));
        }
        words
    }
}

/// What a socket may be bound to.
fn interface(dice: &mut Dice, kernel: &Kernel) -> &'static str {
    let has_vrfs = kernel.links.iter().any(|link| link.table.is_some());
    if has_vrfs && dice.percent(40) {
        dice.pick(&VRFS)
    } else {
        dice.pick(&LINKS)
    }
}

fn destination(dice: &mut Dice, kernel: &Kernel, family: u32) -> IpAddr {
    if dice.percent(60) {
        return address(dice, family).parse().unwrap();
    }
    // The edges of what is there, where they lie in the corner.
    let route = &kernel.routes[dice.below(kernel.routes.len() as u32) as usize];
    let edge = if dice.percent(50) {
        route.dst.network()
    } else {
        route.dst.broadcast()
    };
    let inside = match edge {
        IpAddr::V4(edge) => family == 4 && edge.octets()[0] == 10,
        IpAddr::V6(edge) => family == 6 && edge.segments()[0] == 0xfd00,
    };
    if inside {
        edge
    } else {
        address(dice, family).parse().unwrap()
    }
}

/// An address that is neither this host's nor one that nothing can come from.
fn source(dice: &mut Dice, family: u32) -> IpAddr {
    let (high, low, last) = (dice.below(3), dice.below(10), 10 + dice.below(100));
    let text = if family == 4 {
        format!("10.{high}.{low}.{last}")
    } else {
        format!("fd00:{high}:0:{low}::{last:x}")
    };
    text.parse().unwrap()
}

fn own_address(dice: &mut Dice, family: u32) -> IpAddr {
    // Not that of a link that may be off.
    let number = dice.pick(&[0, 1, 2, 4, 5, 6, 7, 8]);
    let text = if family == 4 {
        format!("10.0.{number}.1")
    } else {
        format!("fd00:0:0:{number}::1")
    };
    text.parse().unwrap()
}
