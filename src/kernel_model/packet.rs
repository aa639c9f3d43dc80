//! A packet, as far as its way depends on it.

use std::net::IpAddr;

/// A packet of this host, or one that it forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    pub to: IpAddr,
    /// None where the kernel is still to choose the address.
    pub from: Option<IpAddr>,
    /// The interface it came in by; none for a packet of this host.
    pub iif: Option<&'a str>,
    /// The interface or VRF device its socket is bound to.
    pub oif: Option<&'a str>,
    pub mark: u32,
    pub tos: u8,
    pub flow_label: u32,
    pub protocol: u8,
    pub source_port: u16,
    pub port: u16,
    pub user: u32,
    pub tunnel: u64,
}

impl Packet<'_> {
    /// An ordinary packet of this host, to which no condition of a rule applies.
    pub fn to(to: IpAddr) -> Packet<'static> {
        Packet {
            to,
            from: None,
            iif: None,
            oif: None,
            mark: 0,
            tos: 0,
            flow_label: 0,
            protocol: 0,
            source_port: 0,
            port: 0,
            user: 0,
            tunnel: 0,
        }
    }
}
