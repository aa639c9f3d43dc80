//! The networks that move and their members as the engine has them now, beside what they should be.

use super::moves::{Attachment, Member, Moves, Relocation, Side, text};
use crate::docker::containers::{ApiAttachment, ApiContainerDetail, lives};
use crate::docker::networks::ApiNetwork;
use crate::docker::{self, Api};
use crate::facts::Network;
use crate::subnet::v4;
use ipnet::Ipv4Net;
use std::collections::HashMap;

pub struct Now {
    /// By name.
    networks: HashMap<String, Network>,
    /// By id; those that are gone are missing.
    members: HashMap<String, ApiContainerDetail>,
}

impl Now {
    pub fn look(api: &Api, moves: &Moves) -> Result<Now, docker::Error> {
        let listed: Vec<ApiNetwork> = api.ask("/networks")?;
        let networks = listed.into_iter().map(ApiNetwork::read);
        let inspect = |member: &Member| {
            let path = format!("/containers/{}/json", member.id);
            Some((member.id.clone(), api.ask(&path).ok()?))
        };
        Ok(Now {
            networks: networks.map(|one| (one.name.clone(), one)).collect(),
            members: moves.members.iter().filter_map(inspect).collect(),
        })
    }

    pub fn id(&self, network: &str) -> Option<&str> {
        Some(&self.networks.get(network)?.id)
    }

    pub fn subnet(&self, network: &str) -> Option<Ipv4Net> {
        self.networks.get(network)?.subnets.iter().find_map(v4)
    }

    /// Whether a network is the one of that side.
    pub fn is_settled(&self, network: &Relocation, side: Side) -> bool {
        self.subnet(&network.name)
            .is_some_and(|subnet| network.is_at(side, subnet))
    }

    pub fn unsettled<'a>(&self, moves: &'a Moves, side: Side) -> Vec<&'a Relocation> {
        let networks = moves.networks.iter();
        networks
            .filter(|network| !self.is_settled(network, side))
            .collect()
    }

    pub fn is_there(&self, member: &Member) -> bool {
        self.members.contains_key(&member.id)
    }

    pub fn lives(&self, member: &Member) -> bool {
        self.state(member).is_some_and(lives)
    }

    pub fn is_paused(&self, member: &Member) -> bool {
        self.state(member) == Some("paused")
    }

    fn state(&self, member: &Member) -> Option<&str> {
        Some(&self.members.get(&member.id)?.state.status)
    }

    /// A member's place on a network, if it has one.
    pub fn place(&self, member: &Member, network: &str) -> Option<&ApiAttachment> {
        let settings = &self.members.get(&member.id)?.network_settings;
        settings.networks.get(network)
    }

    /// Whether a member is on the network of that side, as it should be.
    pub fn is_attached(
        &self,
        moves: &Moves,
        member: &Member,
        attachment: &Attachment,
        side: Side,
    ) -> bool {
        let network = &attachment.network;
        let is_settled = moves
            .networks
            .iter()
            .any(|one| one.name == *network && self.is_settled(one, side));
        let (Some(place), Some(id)) = (self.place(member, network), self.id(network)) else {
            return false;
        };
        // One that is not running may be bound by name until it starts.
        let is_bound = place.network_id == id || place.network_id.is_empty() && !self.lives(member);
        let address = text(attachment.settings(side), "/IPAMConfig/IPv4Address");
        is_settled && is_bound && place.given.ipv4 == address
    }

    /// The members that have to be touched: those not where they should be, and those that share a
    /// network with them.
    pub fn out_of_place<'a>(&self, moves: &'a Moves, side: Side) -> Vec<&'a Member> {
        let is_off = |member: &Member| {
            let mut attachments = member.attachments.iter();
            attachments.any(|one| !self.is_attached(moves, member, one, side))
        };
        let there = moves.members.iter().filter(|member| self.is_there(member));
        let (off, others): (Vec<&Member>, Vec<&Member>) = there.partition(|member| is_off(member));
        let mut touched = off.clone();
        touched.extend(others.into_iter().filter(|one| follows(one, &off)));
        touched
    }

    /// Those that ran before and are still there, but neither run nor have done their work.
    pub fn down<'a>(&self, moves: &'a Moves) -> Vec<&'a Member> {
        let ran = moves.members.iter().filter(|member| member.ran);
        ran.filter(|member| self.is_there(member))
            .filter(|member| !self.is_as_alive(member) && !self.is_done(member))
            .collect()
    }

    /// Whether it was started again and has ended well, as a job does. One that was only stopped may
    /// have ended well too.
    fn is_done(&self, member: &Member) -> bool {
        let Some(detail) = self.members.get(&member.id) else {
            return false;
        };
        let state = &detail.state;
        let started_again = member
            .started
            .as_ref()
            .is_some_and(|then| *then != state.started_at);
        state.status == "exited" && state.exit_code == 0 && started_again
    }

    fn is_as_alive(&self, member: &Member) -> bool {
        let restarting = self.state(member) == Some("restarting");
        self.lives(member) && (!restarting || member.restarting)
    }
}

/// Whether a member shares the network of one that is stopped.
fn follows(member: &Member, stopped: &[&Member]) -> bool {
    member
        .joins
        .as_ref()
        .is_some_and(|joined| stopped.iter().any(|one| one.id == *joined && !one.stays_up))
}
