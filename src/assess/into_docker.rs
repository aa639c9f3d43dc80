//! Which parts of a Docker range packets of this host go into: for the addresses of other hosts,
//! which are no evidence on this one.

use super::asked::Asked;
use super::kernel::{Kernel, Range};
use crate::kernel_model::Packet;
use crate::subnet::RangeSet;
use ipnet::{IpNet, Ipv4Net};
use std::net::IpAddr;

impl Kernel<'_> {
    /// The parts of `within` whose packets go into Docker's bridge, if Docker has subnets of `size`
    /// there; on this bridge, or on one that is still to come.
    pub fn parts_into_docker(
        &self,
        bridge: Option<&str>,
        within: Ipv4Net,
        size: u8,
    ) -> Vec<Ipv4Net> {
        // Most hosts have nothing else there, and a fleet has many hosts.
        let range = Range {
            subnet: IpNet::V4(within),
            bridge,
        };
        if !self.is_contested(&range) {
            return vec![within];
        }
        let apart = self.decided_apart(within);
        let whole = [&within].into_iter().chain(&apart);
        let parts = whole.flat_map(|net| {
            // What a narrower network decides about is a part of its own.
            let narrower = apart.iter().filter(|one| net.contains(*one) && *one != net);
            RangeSet::new(narrower.copied()).carve(*net, 32)
        });
        let goes_in = |part: &Ipv4Net| self.goes_into_docker(bridge, *part, size);
        parts.filter(goes_in).collect()
    }

    /// All addresses of the part go the same way, so one speaks for all.
    fn goes_into_docker(&self, bridge: Option<&str>, part: Ipv4Net, size: u8) -> bool {
        let to = part.hosts().next().unwrap_or(part.addr());
        let subnet = Ipv4Net::new(to, size).unwrap_or(part).trunc();
        let range = Range {
            subnet: IpNet::V4(subnet),
            bridge,
        };
        let packet = Packet::to(IpAddr::V4(to));
        // An address of docker0's own is this host's, and hides the other host all the same.
        Asked::of(self, &range).goes_into_docker(&packet) != Some(false)
    }
}
