//! What a table says to a packet, and routes as their next hops.

use crate::facts::Route;

/// What a table says.
#[derive(Debug, PartialEq)]
pub(super) enum Found<'v> {
    /// Nothing: the next rule is asked.
    Nothing,
    /// All hops that the kernel chooses among, and the first hop of the route whether it is one of
    /// them or not.
    Route(Vec<&'v Route>, &'v Route),
}

/// The routes among these, each with all its hops.
pub(super) fn routes_in<'r, 'v>(
    routes: &'r [&'v Route],
) -> impl Iterator<Item = &'r [&'v Route]> + use<'r, 'v> {
    routes.chunk_by(|a, b| a.hop.is_some() && a.hop < b.hop && a.dst == b.dst)
}
