//! Questions to the kernel, and how its answers compare with the model's.

use super::dice::Dice;
use super::network::{FLOW_LABELS, LINKS, MARKS, PORTS, PROTOCOLS, TOS, address};
use nix::libc::{self, RTA_DST, RTA_GATEWAY, RTA_IIF, RTA_MARK, RTA_OIF, RTA_SRC, RTA_TABLE};
use rebridge::facts::{Kernel, RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN, Route, RouteKind};
use rebridge::kernel_model::{Fate, Packet, Verdict};
use rebridge::observe::kernel::netlink::{self, Request, Socket, attribute};
use serde_json::Value;
use std::net::IpAddr;
use std::process::Command;

/// From linux/rtnetlink.h.
const RTA_VIA: u16 = 18;
const RTA_UID: u16 = 25;
const RTA_IP_PROTO: u16 = 27;
const RTA_SPORT: u16 = 28;
const RTA_DPORT: u16 = 29;
const RTA_FLOWLABEL: u16 = 31;
const RTM_F_LOOKUP_TABLE: u32 = 0x1000;
const RTM_F_FIB_MATCH: u32 = 0x2000;

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
                packet.oif = Some(dice.pick(&LINKS));
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

/// Where no route decided, there is no table.
pub const RT_TABLE_UNSPEC: u32 = libc::RT_TABLE_UNSPEC as u32;

/// What the kernel said.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Error(i32),
    Route {
        kind: u8,
        table: u32,
        dev: String,
        gateway: Option<IpAddr>,
    },
}

/// Asks the kernel.
pub struct Asker {
    socket: Socket,
    names: Vec<(u32, String)>,
}

impl Asker {
    pub fn new() -> Asker {
        let links = rebridge::observe::kernel::links::read().unwrap();
        Asker {
            socket: Socket::open(nix::sys::socket::SockProtocol::NetlinkRoute).unwrap(),
            names: links
                .into_iter()
                .map(|(index, link)| (index, link.name))
                .collect(),
        }
    }

    fn index(&self, name: &str) -> u32 {
        self.names
            .iter()
            .find(|(_, other)| other == name)
            .unwrap()
            .0
    }

    /// What `ip route get` would say.
    pub fn route(&mut self, question: &Question) -> Answer {
        let body = self.body(question, RTM_F_LOOKUP_TABLE);
        let names = &self.names;
        let request = request(&body);
        match self.socket.ask(&request, |payload| read(payload, names)) {
            Ok(answer) => answer,
            Err(error) => Answer::Error(error.raw_os_error().unwrap()),
        }
    }

    /// The prefix length and the metric of the entry, as `ip route get fibmatch` says them.
    pub fn entry(&mut self, question: &Question) -> Option<(u8, u32)> {
        let body = self.body(question, RTM_F_LOOKUP_TABLE | RTM_F_FIB_MATCH);
        let read = |payload: &[u8]| {
            let mut metric = 0;
            for (kind, value) in netlink::attributes_after(payload, 12) {
                if kind == libc::RTA_PRIORITY {
                    metric = netlink::u32_at(value, 0)?;
                }
            }
            Some((netlink::u8_at(payload, 1)?, metric))
        };
        self.socket.ask(&request(&body), read).ok()
    }

    /// `struct rtmsg` and attributes.
    fn body(&self, question: &Question, flags: u32) -> Vec<u8> {
        let packet = &question.packet;
        let octets = |address: IpAddr| match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let (family, bits) = match packet.to {
            IpAddr::V4(_) => (netlink::AF_INET, 32),
            IpAddr::V6(_) => (netlink::AF_INET6, 128),
        };
        let source_bits = if packet.from.is_some() { bits } else { 0 };
        let mut body = vec![family, bits, source_bits, packet.tos, 0, 0, 0, 0];
        body.extend(flags.to_ne_bytes());
        body.extend(attribute(RTA_DST, &octets(packet.to)));
        let mut say = |kind, value: Option<Vec<u8>>| {
            body.extend(value.into_iter().flat_map(|value| attribute(kind, &value)));
        };
        let number = |number: u32| Some(number.to_ne_bytes().to_vec());
        say(RTA_SRC, packet.from.map(octets));
        say(
            RTA_IIF,
            packet.iif.and_then(|name| number(self.index(name))),
        );
        say(
            RTA_OIF,
            packet.oif.and_then(|name| number(self.index(name))),
        );
        say(RTA_MARK, number(packet.mark));
        if packet.flow_label != 0 {
            say(
                RTA_FLOWLABEL,
                Some(packet.flow_label.to_be_bytes().to_vec()),
            );
        }
        if packet.iif.is_none() {
            say(RTA_UID, number(packet.user));
        }
        if question.says_protocol {
            let port = |port: u16| (port != 0).then(|| port.to_be_bytes().to_vec());
            say(RTA_IP_PROTO, Some(vec![packet.protocol]));
            say(RTA_SPORT, port(packet.source_port));
            say(RTA_DPORT, port(packet.port));
        }
        body
    }
}

fn request(body: &[u8]) -> Request<'_> {
    Request {
        protocol: nix::sys::socket::SockProtocol::NetlinkRoute,
        kind: libc::RTM_GETROUTE,
        body,
    }
}

fn read(payload: &[u8], names: &[(u32, String)]) -> Option<Answer> {
    let mut table = u32::from(netlink::u8_at(payload, 4)?);
    let (mut dev, mut gateway) = (String::new(), None);
    for (kind, value) in netlink::attributes_after(payload, 12) {
        match kind {
            RTA_TABLE => table = netlink::u32_at(value, 0)?,
            RTA_OIF => {
                let index = netlink::u32_at(value, 0)?;
                dev = names.iter().find(|(other, _)| *other == index)?.1.clone();
            }
            RTA_GATEWAY => gateway = netlink::address(value),
            RTA_VIA => gateway = netlink::address(&value[2..]),
            _ => {}
        }
    }
    Some(Answer::Route {
        kind: netlink::u8_at(payload, 7)?,
        table,
        dev,
        gateway,
    })
}

/// What `ip route get` says. Where there is no table, it says nothing, as of main.
pub fn iproute2(question: &Question) -> Answer {
    let family = if question.packet.to.is_ipv4() {
        "-4"
    } else {
        "-6"
    };
    let output = Command::new("ip")
        .args(["-json", family, "route", "get"])
        .args(question.words())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let known = [
            ("Network is unreachable", libc::ENETUNREACH),
            ("No route to host", libc::EHOSTUNREACH),
            ("Permission denied", libc::EACCES),
            ("Invalid argument", libc::EINVAL),
        ];
        let error = known.iter().find(|(text, _)| errors.contains(text));
        return Answer::Error(error.unwrap_or_else(|| panic!("{errors}")).1);
    }
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let answer = &answer[0];
    let kind = match answer["type"].as_str() {
        None => libc::RTN_UNICAST,
        Some("local") => libc::RTN_LOCAL,
        Some("broadcast") => libc::RTN_BROADCAST,
        Some("anycast") => libc::RTN_ANYCAST,
        Some(other) => panic!("{other}"),
    };
    let table = match answer["table"].as_str() {
        None | Some("main") => RT_TABLE_MAIN,
        Some("local") => RT_TABLE_LOCAL,
        Some("default") => RT_TABLE_DEFAULT,
        Some(number) => number.parse().unwrap(),
    };
    let gateway = answer["gateway"]
        .as_str()
        .or(answer["via"]["host"].as_str());
    Answer::Route {
        kind,
        table,
        dev: answer["dev"].as_str().unwrap().to_owned(),
        gateway: gateway.map(|address| address.parse().unwrap()),
    }
}

/// All answers that agree with the model. Where IPv4 has no rules of its own, the kernel calls the
/// table local main: the two are one.
pub fn expected(verdict: &Verdict, question: &Question, local_is_main: bool) -> Vec<Answer> {
    let answers = verdict.all().flat_map(|verdict| {
        let error = error_of(verdict).map(Answer::Error);
        let assumed = verdict.bound_to.map(|dev| Answer::Route {
            kind: libc::RTN_UNICAST,
            table: RT_TABLE_UNSPEC,
            dev: dev.to_owned(),
            gateway: None,
        });
        let passes = verdict.fate.passes();
        let routes = verdict.routes.iter().filter(move |_| passes);
        let routes = routes.map(move |route| by_route(route, verdict, question, local_is_main));
        error.into_iter().chain(assumed).chain(routes)
    });
    answers.collect()
}

fn error_of(verdict: &Verdict) -> Option<i32> {
    let by_rule = verdict.routes.is_empty();
    match verdict.fate {
        Fate::NoRoute => Some(libc::ENETUNREACH),
        Fate::Unreachable if by_rule => Some(libc::ENETUNREACH),
        Fate::Unreachable => Some(libc::EHOSTUNREACH),
        Fate::Prohibited => Some(libc::EACCES),
        Fate::Blackhole => Some(libc::EINVAL),
        Fate::Sent | Fate::Assumed | Fate::Local | Fate::Broadcast => None,
    }
}

fn by_route(route: &Route, verdict: &Verdict, question: &Question, local_is_main: bool) -> Answer {
    let kind = match route.kind {
        RouteKind::Local => libc::RTN_LOCAL,
        RouteKind::Anycast => libc::RTN_ANYCAST,
        RouteKind::Broadcast => libc::RTN_BROADCAST,
        _ => libc::RTN_UNICAST,
    };
    let comes_in = question.packet.iif.is_some();
    let dev = match verdict.fate {
        Fate::Local => Some("lo"),
        Fate::Broadcast if comes_in => Some("lo"),
        _ => route.dev.as_deref(),
    };
    let is_local = question.packet.to.is_ipv4() && route.table == RT_TABLE_LOCAL;
    Answer::Route {
        kind,
        table: if local_is_main && is_local {
            RT_TABLE_MAIN
        } else {
            route.table
        },
        dev: dev.unwrap_or_default().to_owned(),
        gateway: route.gateway,
    }
}
