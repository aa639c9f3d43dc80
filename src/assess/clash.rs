//! One clash, as it stands in the report, with the sentence that explains it.

use super::wanted::{Source, Wanted};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A Docker range and a wanted network that share addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clash {
    /// Whether it bites now or only when the pools hand the subnet out.
    pub kind: Kind,
    /// Docker's side.
    pub docker: DockerSide,
    /// The other side.
    pub with: WantedSide,
    /// One sentence.
    pub explain: String,
}

/// Now or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A Docker bridge holds the range now.
    Present,
    /// The address pools in force could hand the range out.
    Latent,
}

/// Docker's side of a clash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DockerSide {
    /// The network's name; null for a latent clash.
    pub network: Option<String>,
    /// Its interface; null for a latent clash.
    pub bridge: Option<String>,
    /// The subnet: held now, or the first one the pools would hand out.
    pub subnet: IpNet,
}

/// The side of the host that needs the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WantedSide {
    /// The network.
    pub net: IpNet,
    /// How we know of it.
    pub source: Source,
    /// Its interface, where known.
    pub dev: Option<String>,
    /// Its gateway, where known.
    pub via: Option<IpAddr>,
    /// Its routing table, where known.
    pub table: Option<String>,
    /// Where it is said.
    pub detail: String,
}

impl Clash {
    /// Puts the two sides together. `subnets` counts the pool's subnets that clash.
    pub fn new(kind: Kind, docker: DockerSide, want: &Wanted, subnets: usize) -> Clash {
        let with = WantedSide::from(want);
        let explain = match kind {
            Kind::Present => explain_present(&docker, &with),
            Kind::Latent => explain_latent(&docker, &with, subnets),
        };
        Clash { kind, docker, with, explain }
    }

    /// Whether Docker's side is docker0 itself.
    pub fn is_docker0(&self) -> bool {
        self.docker.bridge.as_deref() == Some("docker0")
    }
}

impl From<&Wanted> for WantedSide {
    fn from(want: &Wanted) -> WantedSide {
        WantedSide {
            net: want.net,
            source: want.source,
            dev: want.dev.clone(),
            via: want.via,
            table: want.table.map(table_name),
            detail: want.detail.clone(),
        }
    }
}

impl WantedSide {
    /// The other side in words: "172.17.0.0/16, declared with --avoid".
    pub fn describe(&self) -> String {
        let dev = self.dev.as_ref().map(|dev| format!(" dev {dev}")).unwrap_or_default();
        let via = self.via.map(|via| format!(" via {via}")).unwrap_or_default();
        match self.source {
            Source::Declared => format!("{}, declared by {}", self.net, self.detail),
            Source::Nameserver => format!("{}, the {}", self.net.addr(), self.detail),
            Source::OnLink | Source::Route => format!("{}, the {}{via}{dev}", self.net, self.detail),
        }
    }
}

fn explain_present(docker: &DockerSide, with: &WantedSide) -> String {
    let holder = holder(docker);
    let wanted = with.describe();
    let bridge = docker.bridge.as_deref().unwrap_or("a Docker bridge");
    // The longest prefix wins. A declared network or a nameserver has no route of its own to win with.
    let has_route = matches!(with.source, Source::OnLink | Source::Route);
    if has_route && docker.subnet.contains(&with.net) && docker.subnet != with.net {
        format!("{holder}, which covers {wanted}: containers that get an address in it cannot be reached")
    } else if has_route && docker.subnet == with.net {
        format!("{holder}, the same range as {wanted}: packets for it may go into {bridge} instead")
    } else {
        let lost = if docker.subnet.contains(&with.net) { with.net } else { docker.subnet };
        let lost = if lost.prefix_len() == lost.max_prefix_len() { lost.addr().to_string() } else { lost.to_string() };
        format!("{holder}, which shadows {wanted}: every packet for {lost} goes into {bridge}")
    }
}

fn explain_latent(docker: &DockerSide, with: &WantedSide, subnets: usize) -> String {
    let which = match subnets {
        1 => format!("Docker's address pools could hand out {}", docker.subnet),
        2 => format!("Docker's address pools could hand out {} and 1 more subnet", docker.subnet),
        more => format!("Docker's address pools could hand out {} and {} more subnets", docker.subnet, more - 1),
    };
    format!("{which}, over {}", with.describe())
}

fn holder(docker: &DockerSide) -> String {
    match (&docker.network, &docker.bridge) {
        (_, Some(bridge)) if bridge == "docker0" => format!("docker0 holds {}", docker.subnet),
        (Some(network), Some(bridge)) => format!("the Docker network {network} ({bridge}) holds {}", docker.subnet),
        (None, Some(bridge)) => format!("Docker's bridge {bridge} holds {}", docker.subnet),
        (_, None) => format!("Docker holds {}", docker.subnet),
    }
}

/// The names iproute2 gives to the tables every kernel has.
fn table_name(table: u32) -> String {
    match table {
        253 => "default".to_owned(),
        254 => "main".to_owned(),
        255 => "local".to_owned(),
        number => number.to_string(),
    }
}
