//! How IPv4 chooses among the routes of a table.

use super::flow::Flow;
use super::found::{Found, routes_in};
use crate::facts::{Route, RouteKind};

/// A route with a type of service is compared with these bits of the packet's only: what TOS was
/// before DSCP.
const TOS_BITS: u8 = 0x1c;

/// The first route that a packet may take, from the longest prefix on.
pub(super) fn choose<'v>(candidates: &[&'v Route], flow: &Flow) -> Found<'v> {
    let mut left_out = None;
    for hops in routes_in(candidates) {
        let Some(route) = hops.first() else { continue };
        let skipped = left_out.is_some_and(|network| network == route.dst.addr());
        if skipped || !has_tos(route, flow) {
            continue;
        }
        match route.kind {
            RouteKind::Throw => return Found::Nothing,
            RouteKind::Blackhole | RouteKind::Unreachable | RouteKind::Prohibit => {
                return Found::Route(vec![route], route);
            }
            RouteKind::Unicast | RouteKind::Local | RouteKind::Broadcast | RouteKind::Anycast => {}
        }
        let usable = usable(hops, flow);
        if !usable.is_empty() {
            return Found::Route(with_alternatives(usable, candidates, flow), route);
        }
        // Where a nexthop object cannot be used, the kernel goes straight on to wider networks that
        // begin at another address.
        if route.nexthop.is_some() {
            left_out = Some(route.dst.addr());
        }
    }
    Found::Nothing
}

fn has_tos(route: &Route, flow: &Flow) -> bool {
    route.tos == 0 || route.tos == flow.packet.tos & TOS_BITS
}

/// The hops a packet may take: the first one on the interface its socket is bound to, any
/// otherwise.
fn usable<'v>(hops: &[&'v Route], flow: &Flow) -> Vec<&'v Route> {
    let mut usable: Vec<&Route> = hops
        .iter()
        .copied()
        .filter(|hop| !hop.dead && flow.oif.is_none_or(|oif| hop.dev.as_deref() == Some(oif)))
        .collect();
    if flow.oif.is_some() {
        usable.truncate(1);
    }
    usable
}

/// Of several default routes through gateways the kernel prefers one whose gateway answers, which
/// changes all the time.
fn with_alternatives<'v>(
    mut usable: Vec<&'v Route>,
    candidates: &[&'v Route],
    flow: &Flow,
) -> Vec<&'v Route> {
    let [chosen] = usable.as_slice() else {
        return usable;
    };
    let chosen = *chosen;
    let by_gateway = |route: &Route| route.kind == RouteKind::Unicast && route.gateway.is_some();
    if chosen.dst.prefix_len() != 0 || flow.oif.is_some() || !by_gateway(chosen) {
        return usable;
    }
    let (mut tos, mut metric) = (chosen.tos, chosen.metric);
    let others = routes_in(candidates)
        .filter_map(|hops| hops.first().copied())
        .skip_while(|route| !std::ptr::eq(*route, chosen))
        .skip(1);
    for other in others.filter(|other| other.table == chosen.table && has_tos(other, flow)) {
        if other.metric > metric && other.tos == tos {
            if tos == 0 {
                break;
            }
            continue;
        }
        if other.dead {
            continue;
        }
        (tos, metric) = (other.tos, other.metric);
        if by_gateway(other) {
            usable.push(other);
        }
    }
    usable
}
