//! The answer: what the kernel does with a packet, and what decided it.

use crate::facts::{Route, RouteKind, Rule};

/// What the kernel does with a packet.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict<'v> {
    pub fate: Fate,
    /// The rule that decided; none where no rule did, or where the facts have none.
    pub rule: Option<&'v Rule>,
    /// The route that decided. Several where the kernel chooses among them packet by packet, flow
    /// by flow or by what its neighbours do; none where a rule drops the packet.
    pub routes: Vec<&'v Route>,
    /// The interface of a packet that is [`Fate::Assumed`] to be on the link.
    pub bound_to: Option<&'v str>,
    /// What happens to other flows, where a rule suppresses some next hops of an IPv6 route only.
    pub otherwise: Option<Box<Verdict<'v>>>,
}

/// What happens to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It leaves by one of the routes.
    Sent,
    /// It leaves by the interface its socket is bound to: IPv4 takes everything to be on that link
    /// where no route says otherwise.
    Assumed,
    /// It is for this host.
    Local,
    /// It is for all on a link.
    Broadcast,
    Blackhole,
    Unreachable,
    Prohibited,
    /// Nothing says where to send it.
    NoRoute,
}

impl Fate {
    /// What a route of this kind means for a packet.
    pub(super) fn by(kind: RouteKind) -> Fate {
        match kind {
            RouteKind::Unicast => Fate::Sent,
            RouteKind::Local | RouteKind::Anycast => Fate::Local,
            RouteKind::Broadcast => Fate::Broadcast,
            RouteKind::Blackhole => Fate::Blackhole,
            RouteKind::Unreachable => Fate::Unreachable,
            RouteKind::Prohibit => Fate::Prohibited,
            RouteKind::Throw => Fate::NoRoute,
        }
    }

    /// Whether the packet arrives somewhere, as far as this host can tell.
    pub fn passes(self) -> bool {
        match self {
            Fate::Sent | Fate::Assumed | Fate::Local | Fate::Broadcast => true,
            Fate::Blackhole | Fate::Unreachable | Fate::Prohibited | Fate::NoRoute => false,
        }
    }
}

impl<'v> Verdict<'v> {
    pub(super) fn without_routes(fate: Fate, rule: Option<&'v Rule>) -> Verdict<'v> {
        Verdict {
            fate,
            rule,
            routes: Vec::new(),
            bound_to: None,
            otherwise: None,
        }
    }

    pub(super) fn by_route(
        rule: Option<&'v Rule>,
        routes: Vec<&'v Route>,
        first: &Route,
    ) -> Verdict<'v> {
        Verdict {
            fate: Fate::by(first.kind),
            rule,
            routes,
            bound_to: None,
            otherwise: None,
        }
    }

    /// The table the route was found in.
    pub fn table(&self) -> Option<u32> {
        self.routes.first().map(|route| route.table)
    }

    /// This verdict, and those on other flows.
    pub fn all(&self) -> impl Iterator<Item = &Verdict<'v>> {
        std::iter::successors(Some(self), |verdict| verdict.otherwise.as_deref())
    }

    /// The interfaces it may leave by.
    pub fn devices(&self) -> impl Iterator<Item = &'v str> {
        self.all().flat_map(|verdict| {
            let leaves = matches!(verdict.fate, Fate::Sent | Fate::Broadcast);
            let routes = verdict.routes.iter().filter(move |_| leaves);
            let devices = routes.filter_map(|route| route.dev.as_deref());
            devices.chain(verdict.bound_to)
        })
    }
}
