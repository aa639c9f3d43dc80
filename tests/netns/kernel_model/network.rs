//! A random network: links of all kinds this kernel has, rules with every condition, routes of
//! every kind, in a corner of the address space that is small enough for them to meet.

use super::dice::Dice;
use super::namespace::{batch, change, observe, set, try_batch, try_batch_of};
use ipnet::IpNet;
use nix::libc::RTM_NEWRULE;
use rebridge::facts::Route;
use rebridge::host::netlink::{AF_INET, AF_INET6, attribute};
use rebridge::observe::relevant::RelevantSpace;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// From linux/fib_rules.h.
const FR_ACT_TO_TBL: u8 = 1;
const FRA_PRIORITY: u16 = 6;
const FRA_TABLE: u16 = 15;
const FRA_IP_PROTO: u16 = 22;
const FRA_DPORT_RANGE: u16 = 24;
const FRA_DSCP: u16 = 25;
const FRA_FLOWLABEL: u16 = 26;
const FRA_FLOWLABEL_MASK: u16 = 27;
const FRA_DPORT_MASK: u16 = 29;
const FRA_DSCP_MASK: u16 = 30;

/// Links that routes lead to. In the order of their numbers in addresses: `10.0.N.1/24` and
/// `fd00:0:0:N::1/64`.
pub const LINKS: [&str; 9] = ["va", "vb", "vc", "vd", "br0", "br1", "mac", "tun0", "port"];

/// The VRF devices, with their tables, which others use as well, and their ports.
const VRF_PORTS: [(&str, u32, &[&str]); 2] =
    [("red", 10, &["vc", "mac"]), ("blue", 70000, &["tun0"])];

pub const VRFS: [&str; 2] = ["red", "blue"];

/// The tables in use besides the three that every kernel has.
const TABLES: [u32; 5] = [10, 11, 12, 300, 70000];

pub const MARKS: [u32; 4] = [0, 1, 0x10, 0xca6c];
pub const PORTS: [u16; 5] = [0, 53, 443, 1000, 40000];
pub const TOS: [u8; 6] = [0, 0x10, 0x08, 0xb8, 0x18, 0x1c];
pub const FLOW_LABELS: [u32; 3] = [0, 5, 0x105];
pub const PROTOCOLS: [(&str, u8); 2] = [("tcp", 6), ("udp", 17)];

/// A bridge that may be Docker's: its routes can be taken away without any others.
pub const DOCK: &str = "dock";

/// How random.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub rules: u32,
    pub routes: u32,
    /// Whether some IPv6 routes are for certain sources only.
    pub by_source: bool,
    /// Whether some links are ports of VRF devices.
    pub vrf: bool,
}

/// Makes one in this namespace. Without rules it has those that every kernel begins with.
pub fn make(dice: &mut Dice, size: Size) {
    settings(dice);
    links(size.vrf);
    family(dice, 4, size);
    // IPv6 routes come last: the kernel loses those for certain sources where another route to the
    // same network goes with its link.
    switch_off(dice);
    family(dice, 6, size);
    neighbours(dice);
}

/// Gateways that answer, and some that do not.
fn neighbours(dice: &mut Dice) {
    let mut commands = String::new();
    for _ in 0..30 {
        let family = dice.pick(&[4, 6, 6]);
        let (address, dev) = gateway(dice, family);
        let state = match dice.below(4) {
            0 => "lladdr 02:00:00:00:00:01 nud reachable",
            1 => "lladdr 02:00:00:00:00:01 nud stale",
            _ => "nud failed",
        };
        writeln!(commands, "neigh replace {address} dev {dev} {state}").unwrap();
    }
    // Some of these links may be off.
    try_batch(&commands);
}

fn family(dice: &mut Dice, family: u32, size: Size) {
    let mut commands = String::new();
    for number in 0..size.routes {
        let mut route = route(dice, family, number, &mut commands);
        if family == 6 && size.by_source && dice.percent(25) {
            write!(route, " from {}", network(dice, family)).unwrap();
        }
        writeln!(commands, "route {route}").unwrap();
    }
    defaults(dice, family, size, &mut commands);
    for _ in 0..size.rules {
        let rule = rule(dice, family);
        writeln!(commands, "rule add {rule}").unwrap();
    }
    if size.rules > 0 {
        usual_rules(dice, &mut commands);
    }
    try_batch_of(family, &commands);
    for _ in 0..size.rules.min(6) {
        new_rule(dice, family);
    }
}

/// Several default routes of one table through gateways, all as good as each other.
fn defaults(dice: &mut Dice, family: u32, size: Size, commands: &mut String) {
    let table = dice.pick(&[254, 10, 12]);
    for _ in 0..4 {
        let (gateway, dev) = gateway(dice, family);
        let mut way = format!("via {gateway} dev {dev} onlink metric 3 table {table}");
        match family {
            4 if dice.percent(25) => way.push_str(" tos 0x10"),
            6 if size.by_source && dice.percent(30) => {
                write!(way, " from {}", network(dice, family)).unwrap();
            }
            _ => {}
        }
        writeln!(commands, "route append default {way}").unwrap();
    }
}

/// One link loses its carrier, and one may be off.
fn switch_off(dice: &mut Dice) {
    batch("link set vb-far down\n");
    if dice.percent(50) {
        batch("link set vd down\n");
    }
    until(|| {
        let kernel = observe();
        let mut links = kernel.links.iter();
        links.any(|link| link.name == "vb" && link.no_carrier)
    });
}

fn settings(dice: &mut Dice) {
    let ignore = u32::from(dice.percent(50));
    for which in ["all", "default"] {
        // Packets from anywhere are forwarded; else the kernel would refuse to say where they go.
        set(&format!("ipv4/conf/{which}/forwarding"), 1);
        set(&format!("ipv4/conf/{which}/rp_filter"), 0);
        set(&format!("ipv4/conf/{which}/accept_local"), 1);
        set(&format!("ipv6/conf/{which}/accept_dad"), 0);
        for family in ["ipv4", "ipv6"] {
            let name = format!("{family}/conf/{which}/ignore_routes_with_linkdown");
            set(&name, ignore);
        }
    }
    set("ipv6/conf/all/forwarding", u32::from(dice.percent(50)));
    set("ipv4/nexthop_compat_mode", u32::from(dice.percent(50)));
}

fn links(vrf: bool) {
    let mut commands = String::from("link set lo up\n");
    for name in ["va", "vb", "vc", "vd", "port"] {
        let far = format!("{name}-far");
        writeln!(commands, "link add name {name} type veth peer name {far}").unwrap();
        writeln!(commands, "link set {far} up").unwrap();
    }
    commands.push_str(
        "link add name br0 type bridge
         link add name br1 type bridge
         link set port-far master br1
         link add link va name mac type macvlan mode bridge
         tuntap add name tun0 mode tun
         link set vc group 7
         link set br1 group 7
         link set tun0 group 8\n",
    );
    if vrf {
        vrfs(&mut commands);
    }
    for (number, name) in LINKS.iter().enumerate() {
        writeln!(commands, "addr add 10.0.{number}.1/24 dev {name}").unwrap();
        writeln!(
            commands,
            "addr add fd00:0:0:{number}::1/64 dev {name} nodad"
        )
        .unwrap();
        writeln!(commands, "link set {name} up").unwrap();
    }
    writeln!(commands, "link add name {DOCK} type bridge").unwrap();
    writeln!(commands, "addr add 10.1.9.1/24 dev {DOCK}").unwrap();
    writeln!(commands, "addr add fd00:1:0:9::1/64 dev {DOCK} nodad").unwrap();
    writeln!(commands, "link set {DOCK} up").unwrap();
    // One network on two links.
    writeln!(commands, "addr add 10.0.0.7/24 dev vc").unwrap();
    writeln!(commands, "addr add fd00::7/64 dev vc nodad").unwrap();
    batch(&commands);
    // The kernel makes the routes to IPv6 addresses a little later.
    until(|| {
        let kernel = observe();
        let mut addresses = kernel.links.iter().flat_map(|link| &link.addresses);
        addresses.all(|address| {
            let mut routes = kernel.routes.iter();
            let local = |route: &Route| route.dst == IpNet::from(address.addr());
            !RelevantSpace::default().concerns(address) || routes.any(local)
        })
    });
}

/// VRF devices, before their ports have addresses: IPv6 ones would go when a link becomes a port.
fn vrfs(commands: &mut String) {
    for (name, table, ports) in VRF_PORTS {
        writeln!(commands, "link add name {name} type vrf table {table}").unwrap();
        writeln!(commands, "link set {name} up").unwrap();
        for port in ports {
            writeln!(commands, "link set {port} master {name}").unwrap();
        }
    }
}

fn until(is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "the kernel takes too long");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A nexthop object of its own for a route: IPv6 takes two routes that share one for each other. It
/// may be a group.
fn object(dice: &mut Dice, family: u32, number: u32, commands: &mut String) -> u32 {
    let id = 10 * (number + 1) + 1000 * family;
    let one = |dice: &mut Dice, id: u32, commands: &mut String| {
        let (gateway, dev) = gateway(dice, family);
        writeln!(
            commands,
            "nexthop add id {id} via {gateway} dev {dev} onlink"
        )
        .unwrap();
    };
    match dice.below(10) {
        0 => writeln!(commands, "nexthop add id {id} blackhole").unwrap(),
        1 => writeln!(commands, "nexthop add id {id} dev {}", dice.pick(&LINKS)).unwrap(),
        2..5 => {
            one(dice, id + 1, commands);
            one(dice, id + 2, commands);
            writeln!(commands, "nexthop add id {id} group {}/{}", id + 1, id + 2).unwrap();
        }
        _ => one(dice, id, commands),
    }
    id
}

/// A link, and a gateway on it.
fn gateway(dice: &mut Dice, family: u32) -> (String, &'static str) {
    let number = dice.below(LINKS.len() as u32);
    let (dev, host) = (LINKS[number as usize], 2 + dice.below(3));
    let address = match family {
        4 => format!("10.0.{}.{host}", dice.below(9)),
        _ if dice.percent(50) => format!("fe80::{host}"),
        // IPv6 minds whether the gateway's network is on the link.
        _ => format!("fd00:0:0:{number}::{host}"),
    };
    (address, dev)
}

/// An address of the corner.
pub fn address(dice: &mut Dice, family: u32) -> String {
    let (high, low) = (dice.below(3), dice.below(10));
    let last = match dice.below(3) {
        0 => dice.pick(&[0, 1, 2, 3, 7, 127, 128, 254, 255]),
        _ => dice.below(256),
    };
    if family == 4 {
        format!("10.{high}.{low}.{last}")
    } else {
        format!("fd00:{high}:0:{low}::{last:x}")
    }
}

/// A network of the corner.
pub fn network(dice: &mut Dice, family: u32) -> String {
    let address = address(dice, family);
    let prefix = if family == 4 {
        dice.pick(&[8, 12, 16, 16, 20, 22, 24, 24, 25, 28, 30, 32, 32])
    } else {
        dice.pick(&[8, 16, 28, 32, 32, 48, 60, 64, 64, 120, 126, 128, 128])
    };
    let net: ipnet::IpNet = format!("{address}/{prefix}").parse().unwrap();
    net.trunc().to_string()
}

fn table(dice: &mut Dice) -> u32 {
    match dice.below(10) {
        0..3 => 254,
        3 => dice.pick(&[253, 255]),
        _ => dice.pick(&TABLES),
    }
}

/// A route, and what it needs first.
fn route(dice: &mut Dice, family: u32, number: u32, commands: &mut String) -> String {
    let kind = match dice.below(100) {
        0..4 => "blackhole ",
        4..8 => "unreachable ",
        8..12 => "prohibit ",
        12..18 => "throw ",
        18..20 => "local ",
        20 if family == 4 => "broadcast ",
        _ => "",
    };
    let to = if kind == "broadcast " {
        // No packet may be from it.
        format!("10.{}.{}.255", dice.below(3), dice.below(10))
    } else if dice.percent(12) {
        "default".to_owned()
    } else {
        network(dice, family)
    };
    let mut route = format!("{kind}{to} table {}", table(dice));
    if dice.percent(50) {
        let metric = dice.pick(&[1, 10, 10, 256, 1024, 2000]);
        write!(route, " metric {metric}").unwrap();
        // The kernel tells one preference for all hops, whatever theirs are; so equal metrics have
        // equal ones.
        match metric {
            256 if family == 6 => route.push_str(" pref low"),
            2000 if family == 6 => route.push_str(" pref high"),
            _ => {}
        }
    }
    if family == 4 && dice.percent(15) {
        let tos = dice.pick(&TOS);
        write!(route, " tos {tos:#x}").unwrap();
    }
    match kind {
        "local " => write!(route, " dev {}", dice.pick(&LINKS)).unwrap(),
        "broadcast " => write!(route, " dev {}", dice.pick(&LINKS)).unwrap(),
        "" if dice.percent(12) => {
            let id = object(dice, family, number, commands);
            write!(route, " nhid {id}").unwrap();
        }
        "" => route.push_str(&way(dice, family)),
        _ => {}
    }
    // Between the hops of an IPv6 route to the same network any other would be in no list.
    let may_append = family == 4 || route.contains(" via ");
    let verb = if may_append && dice.percent(33) {
        "append"
    } else {
        "add"
    };
    format!("{verb} {route}")
}

/// By what a route leads somewhere.
fn way(dice: &mut Dice, family: u32) -> String {
    let one = |dice: &mut Dice| {
        let (gateway, dev) = gateway(dice, family);
        format!("via {gateway} dev {dev} onlink")
    };
    match dice.below(100) {
        0..12 => format!(" dev {}", dice.pick(&LINKS)),
        12..20 => format!(" dev {DOCK}"),
        20..50 => format!(" nexthop {} nexthop {}", one(dice), one(dice)),
        50..54 if family == 4 => {
            let (net, dev) = (dice.below(9), dice.pick(&LINKS));
            format!(" via inet6 fd00:0:0:{net}::9 dev {dev} onlink")
        }
        _ => format!(" {}", one(dice)),
    }
}

/// Most rules lead to tables, and have some conditions.
fn rule(dice: &mut Dice, family: u32) -> String {
    let priority = dice.pick(&[100, 5000, 20000, 33000]) + dice.below(50);
    let mut rule = format!("pref {priority}");
    if dice.percent(12) {
        rule.push_str(" not");
    }
    for _ in 0..dice.below(4) {
        rule.push_str(&condition(dice, family));
    }
    let action = match dice.below(100) {
        0..12 => format!(" goto {}", priority + 1 + dice.below(20)),
        12..14 => " nop".to_owned(),
        14..15 => " blackhole".to_owned(),
        15..16 => " unreachable".to_owned(),
        16..17 => " prohibit".to_owned(),
        17..19 => " l3mdev".to_owned(),
        _ => format!(" lookup {}{}", table(dice), suppression(dice)),
    };
    rule + &action
}

fn suppression(dice: &mut Dice) -> String {
    match dice.below(10) {
        0 | 1 => format!(" suppress_prefixlength {}", dice.pick(&[0, 8, 16, 24, 64])),
        2..6 => format!(" suppress_ifgroup {}", dice.pick(&[0, 7, 8])),
        _ => String::new(),
    }
}

fn condition(dice: &mut Dice, family: u32) -> String {
    match dice.below(11) {
        0 if family == 4 && dice.percent(20) => " from 0.0.0.0/8".to_owned(),
        0 | 1 => format!(" from {}", network(dice, family)),
        2 | 3 => format!(" to {}", network(dice, family)),
        4 => format!(" iif {}", dice.pick(&["lo", "va", "vc", "br1", "none"])),
        5 => format!(" oif {}", dice.pick(&["va", "vb", "tun0", "none"])),
        6 => {
            let mask = dice.pick(&["", "/0x1", "/0xff", "/0xf0"]);
            format!(" fwmark {:#x}{mask}", dice.pick(&MARKS))
        }
        7 => format!(" tos {:#x}", dice.pick(&TOS[1..])),
        8 => {
            let (name, _) = dice.pick(&PROTOCOLS);
            let from = dice.pick(&PORTS[1..]);
            let ports = match dice.below(4) {
                0 => format!(" sport {from}"),
                1 => format!(" dport {from}-{}", from.saturating_add(600)),
                2 => format!(" dport {from}"),
                _ => String::new(),
            };
            format!(" ipproto {name}{ports}")
        }
        9 => " uidrange 1000-2000".to_owned(),
        _ => " tun_id 5".to_owned(),
    }
}

/// A rule with conditions that `ip` of most distributions cannot set yet. A kernel that does not
/// know them either makes a rule without them.
fn new_rule(dice: &mut Dice, family: u32) {
    let table = dice.pick(&TABLES);
    let port = |port: u16| [port.to_ne_bytes(), port.to_ne_bytes()].concat();
    let mask = dice.pick(&[0x3f, 0x07, 0x38]);
    let mut conditions = vec![
        (FRA_DSCP, vec![dice.pick(&TOS) >> 2 & mask]),
        (FRA_DSCP_MASK, vec![mask]),
    ];
    match dice.below(3) {
        0 => {
            let mask = dice.pick(&[0xff00, 0x000f]);
            conditions = vec![
                (FRA_IP_PROTO, vec![dice.pick(&PROTOCOLS).1]),
                (FRA_DPORT_RANGE, port(dice.pick(&[443, 1003]) & mask)),
                (FRA_DPORT_MASK, mask.to_ne_bytes().to_vec()),
            ];
        }
        1 if family == 6 => {
            let label = (dice.pick(&FLOW_LABELS) & 0xff).to_be_bytes().to_vec();
            conditions = vec![
                (FRA_FLOWLABEL, label),
                (FRA_FLOWLABEL_MASK, 0xffu32.to_be_bytes().to_vec()),
            ];
        }
        _ => {}
    }
    conditions.push((FRA_TABLE, table.to_ne_bytes().to_vec()));
    conditions.push((
        FRA_PRIORITY,
        (100 + dice.below(40000)).to_ne_bytes().to_vec(),
    ));
    let family = if family == 4 { AF_INET } else { AF_INET6 };
    let mut body = vec![family, 0, 0, 0, 0, 0, 0, FR_ACT_TO_TBL, 0, 0, 0, 0];
    for (kind, value) in conditions {
        body.extend(attribute(kind, &value));
    }
    change(RTM_NEWRULE, &body);
}

/// Some hosts move the rules that every kernel begins with, or lose one.
fn usual_rules(dice: &mut Dice, commands: &mut String) {
    if dice.percent(30) {
        write!(
            commands,
            "rule add pref 512 lookup local\nrule del pref 0\n"
        )
        .unwrap();
    }
    if dice.percent(20) {
        writeln!(commands, "rule del pref 32766").unwrap();
    }
}
