//! IPsec policies in the kernel: where one leads, there need not be a route.

use super::entry::Entry;
use crate::facts::{Configured, Role};
use crate::host::netlink::{
    AF_INET, AF_INET6, Request, address, attributes_after, dump_ipsec, u8_at, u16_at,
};
use ipnet::IpNet;
use nix::sys::socket::SockProtocol;
use std::io;

/// Where a person finds them.
pub const SHOWN_BY: &str = "ip xfrm policy";

/// From linux/xfrm.h, which libc lacks, as all that follows.
const XFRM_MSG_GETPOLICY: u16 = 0x15;
const XFRM_POLICY_OUT: u8 = 1;
const XFRM_POLICY_ALLOW: u8 = 0;
const XFRMA_TMPL: u16 = 5;

/// `struct xfrm_userpolicy_info`: it begins with the selector, of which an address takes 16 bytes in
/// either family.
const FIXED: usize = 168;
const DESTINATION: usize = 0;
const FAMILY: usize = 40;
const DESTINATION_LENGTH: usize = 42;
const DIRECTION: usize = 160;
const ACTION: usize = 161;

/// The networks that packets are sent to in a tunnel.
pub fn read() -> io::Result<Vec<Configured>> {
    let request = Request {
        protocol: SockProtocol::NetlinkRoute,
        kind: XFRM_MSG_GETPOLICY,
        body: &[],
    };
    let nets = dump_ipsec(&request, |nets: &mut Vec<IpNet>, payload| {
        nets.extend(destination(payload));
    });
    let nets = match nets {
        // A kernel without IPsec has no policies.
        Err(error) if error.raw_os_error() == Some(nix::libc::EPROTONOSUPPORT) => Vec::new(),
        nets => nets?,
    };
    let entries = nets.into_iter().map(of).filter(|one| !one.is_ours());
    Ok(entries.map(|entry| entry.in_file(SHOWN_BY)).collect())
}

/// What it leads to is needed now, on whatever way packets take before they meet the policy. A
/// policy has no line.
fn of(net: IpNet) -> Entry {
    Entry {
        role: Role::Server,
        ..Entry::network(net, 0, "destination of an IPsec policy")
    }
}

/// A policy without a template lets packets pass as they are: strongSwan makes one for each network
/// that this host is in, Docker's included.
fn destination(payload: &[u8]) -> Option<IpNet> {
    let out = u8_at(payload, DIRECTION)? == XFRM_POLICY_OUT;
    let allows = u8_at(payload, ACTION)? == XFRM_POLICY_ALLOW;
    let in_a_tunnel = attributes_after(payload, FIXED).any(|(kind, _)| kind == XFRMA_TMPL);
    if !(out && allows && in_a_tunnel) {
        return None;
    }
    let length = match u8::try_from(u16_at(payload, FAMILY)?).ok()? {
        AF_INET => 4,
        AF_INET6 => 16,
        _ => return None,
    };
    let to = address(payload.get(DESTINATION..DESTINATION + length)?)?;
    let net = IpNet::new(to, u8_at(payload, DESTINATION_LENGTH)?).ok()?;
    Some(net.trunc())
}
