//! The kernel of the assessed host: its model, its routes in order, and which links are Docker's.

use crate::facts::{Facts, Route};
use crate::kernel_model::KernelModel;
use ipnet::IpNet;
use std::cell::OnceCell;
use std::collections::BTreeSet;

/// The kernel of these facts. Its model is built when it is first asked: most hosts have nothing to
/// ask.
#[derive(Debug)]
pub struct Kernel<'a> {
    pub(super) facts: &'a Facts,
    pub(super) docker: Vec<&'a str>,
    model: OnceCell<KernelModel<'a>>,
    /// The routes in the order of their networks, so that those inside one are neighbours.
    in_order: OnceCell<Vec<&'a Route>>,
}

/// A range of Docker's, on its bridge; none where the bridge is still to come.
#[derive(Debug, Clone, Copy)]
pub struct Range<'r> {
    pub subnet: IpNet,
    pub bridge: Option<&'r str>,
}

impl<'a> Kernel<'a> {
    pub fn of(facts: &'a Facts, docker: &BTreeSet<String>) -> Kernel<'a> {
        let links = facts.kernel.links.iter().map(|link| link.name.as_str());
        Kernel {
            facts,
            docker: links.filter(|name| docker.contains(*name)).collect(),
            model: OnceCell::new(),
            in_order: OnceCell::new(),
        }
    }

    /// Whether anything but Docker's own route could decide about packets into this range.
    pub(super) fn is_contested(&self, range: &Range) -> bool {
        let mut inside = self.routes_inside(&range.subnet);
        !self.rules_are_usual()
            || inside.any(|route| range.bridge.is_none() || route.dev.as_deref() != range.bridge)
    }

    /// The routes to a network and to parts of it.
    pub(super) fn routes_inside<'s>(
        &'s self,
        net: &IpNet,
    ) -> impl Iterator<Item = &'a Route> + use<'a, 's> {
        let net = *net;
        let all = self.in_order.get_or_init(|| {
            let mut all: Vec<&Route> = self.facts.kernel.routes.iter().collect();
            all.sort_by_key(|route| route.dst);
            all
        });
        let first = all.partition_point(|route| route.dst < net);
        let rest = all.get(first..).unwrap_or_default().iter();
        rest.copied()
            .take_while(move |route| net.contains(&route.dst))
    }

    pub(super) fn rules_are_usual(&self) -> bool {
        self.model().rules_are_usual()
    }

    pub(super) fn is_vrf(&self, name: &str) -> bool {
        let mut links = self.facts.kernel.links.iter();
        links.any(|link| link.name == name && link.table.is_some())
    }

    pub(super) fn is_port_of(&self, vrf: &str, bridge: Option<&str>) -> bool {
        let mut links = self.facts.kernel.links.iter();
        links.any(|link| Some(link.name.as_str()) == bridge && link.master.as_deref() == Some(vrf))
    }

    pub(super) fn model(&self) -> &KernelModel<'a> {
        self.model
            .get_or_init(|| KernelModel::new(&self.facts.kernel))
    }
}
