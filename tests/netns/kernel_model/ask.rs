//! Questions to the kernel, by netlink and by `ip route get`.

use super::answer::Answer;
use super::question::Question;
use nix::libc::{self, RTA_DST, RTA_GATEWAY, RTA_IIF, RTA_MARK, RTA_OIF, RTA_SRC, RTA_TABLE};
use rebridge::facts::{RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN};
use rebridge::host::netlink::{self, Request, Socket, attribute};
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
