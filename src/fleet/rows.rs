//! What a host shows: its clashes, and what keeps a range from being the range of all.

use crate::assess::Assessment;
use crate::assess::clash::{Clash, Kind};
use crate::assess::sides::{Loser, NeededSide};
use crate::facts::{AddressPool, Certainty, Source};
use crate::subnet::overlap;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// More rows of clashes are only counted. A host with a thousand routes says nothing new by them.
const ROWS: usize = 40;

/// A host that keeps a range from being the range of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InTheWayOfAll {
    /// The host.
    pub host: String,
    /// The range.
    pub pool: AddressPool,
    /// What the host needs there.
    pub net: IpNet,
    /// How it is known.
    pub source: Source,
    /// The same in words.
    pub over: String,
}

/// A clash of one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClashRow {
    /// Now or later.
    pub kind: Kind,
    /// Whether the evidence stays or comes and goes.
    pub certainty: Certainty,
    /// Who loses packets.
    pub loser: Loser,
    /// Docker's network; `pools` where the pools could hand the subnet out.
    pub docker: String,
    /// Its subnet: held now, or the first one the pools would hand out.
    pub subnet: IpNet,
    /// How many pools could hand out such a subnet; 1 for what is held.
    pub subnets: usize,
    /// What the host needs.
    pub net: IpNet,
    /// How it is known.
    pub source: Source,
    /// The same in words.
    pub over: String,
}

impl ClashRow {
    pub(super) fn of(clash: &Clash) -> ClashRow {
        ClashRow {
            kind: clash.kind,
            certainty: clash.certainty,
            loser: clash.loser,
            docker: clash.docker.name().to_owned(),
            subnet: clash.docker.subnet,
            subnets: 1,
            net: clash.with.net,
            source: clash.with.source,
            over: clash.with.describe(),
        }
    }
}

/// Several subnets of the pools over one network are one matter. Gives how many rows are left out.
pub fn rows(clashes: &[Clash]) -> (Vec<ClashRow>, usize) {
    let mut rows: Vec<ClashRow> = Vec::new();
    let mut more = 0;
    for clash in clashes {
        let row = ClashRow::of(clash);
        let same = |known: &&mut ClashRow| {
            known.kind == Kind::Latent && row.kind == Kind::Latent && known.over == row.over
        };
        if let Some(known) = rows.iter_mut().find(same) {
            known.subnets += 1;
        } else if rows.len() < ROWS {
            rows.push(row);
        } else {
            more += 1;
        }
    }
    (rows, more)
}

impl InTheWayOfAll {
    /// The first need in the range; none if it is clear.
    pub fn of(name: &str, assessment: &Assessment, pool: AddressPool) -> Option<InTheWayOfAll> {
        let range = IpNet::V4(pool.base);
        let mut needs = assessment.needed.iter();
        let need = needs.find(|need| overlap(&need.net, &range))?;
        let side = NeededSide::of(need, Some(&range), assessment.facts);
        Some(InTheWayOfAll {
            host: name.to_owned(),
            pool,
            net: need.net,
            source: need.source(),
            over: side.describe(),
        })
    }
}
