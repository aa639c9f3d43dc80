//! The networks that move and the containers on them, as the journal keeps them: for either side of
//! the move, what the engine takes to bring them there.

use crate::apply::containers::grace;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;
use std::time::Duration;

/// Before the move or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Old,
    New,
}

/// The moves of one apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moves {
    /// In the order in which they are created.
    pub networks: Vec<Relocation>,
    /// The containers on these networks, and those that share such a container's network.
    pub members: Vec<Member>,
}

/// One network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relocation {
    pub name: String,
    /// Its subnet before.
    pub from: Ipv4Net,
    /// Its subnet after.
    pub to: Ipv4Net,
    /// What `POST /networks/create` takes for the old one.
    pub old: Value,
    /// And for the new one.
    pub new: Value,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub id: String,
    pub name: String,
    /// Whether it lived.
    pub ran: bool,
    /// Whether it ended again and again and Docker restarted it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restarting: bool,
    /// Whether it was paused.
    pub paused: bool,
    /// Whether it must not be stopped, because it or one that shares its network is removed when it
    /// stops.
    pub stays_up: bool,
    /// The id of the container whose network it shares.
    pub joins: Option<String>,
    /// When it was started last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// How many seconds it gets to stop, where it asks for its own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// Members start in the order of this number; those of the same number start together.
    pub turn: u32,
    /// Its places on the networks that move.
    // The journals of every version call them so.
    #[serde(rename = "ties")]
    pub attachments: Vec<Attachment>,
}

/// A container's place on a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// The network's name.
    pub network: String,
    /// What `POST /networks/{id}/connect` takes for the old one.
    pub old: Value,
    /// And for the new one.
    pub new: Value,
}

impl Moves {
    /// How long the slowest member may take to stop.
    pub fn longest_stop(&self) -> Duration {
        let members = self.members.iter();
        let longest = members.map(|one| grace(one.stop_timeout)).max();
        longest.unwrap_or_default()
    }

    /// The containers that a move stops and starts itself.
    pub fn member_ids(&self) -> HashSet<&str> {
        self.members.iter().map(|one| one.id.as_str()).collect()
    }
}

impl Relocation {
    /// What creates the network.
    pub fn body(&self, side: Side) -> &Value {
        match side {
            Side::Old => &self.old,
            Side::New => &self.new,
        }
    }

    /// Whether a network of its name with this subnet is the one of that side.
    pub fn is_at(&self, side: Side, subnet: Ipv4Net) -> bool {
        (subnet == self.from) == (side == Side::Old)
    }
}

impl Attachment {
    /// What connects the container.
    pub fn settings(&self, side: Side) -> &Value {
        match side {
            Side::Old => &self.old,
            Side::New => &self.new,
        }
    }
}

/// A string inside a value; empty where there is none.
pub fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
