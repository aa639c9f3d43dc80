//! How to move a swarm's own networks, in words. rebridge changes none of them.

use crate::assess::Assessment;
use crate::assess::swarm::{GWBRIDGE, Overlay, gwbridge_clashes, overlays};
use crate::report::vocabulary::Vocabulary;
use crate::subnet::short;

pub fn notes(assessment: &Assessment, words: Vocabulary) -> Vec<String> {
    let mut notes: Vec<String> = overlays(assessment).iter().map(overlay).collect();
    if gwbridge_clashes(assessment) {
        notes.push(gwbridge(words));
    }
    notes
}

fn gwbridge(words: Vocabulary) -> String {
    let move_it = match words {
        Vocabulary::CommandLine => format!("`rebridge apply --network {GWBRIDGE}`"),
        Vocabulary::Ansible => format!("`network_names: [{GWBRIDGE}]`"),
    };
    format!(
        "{GWBRIDGE} is not moved while this node is part of a swarm, whose tasks use it. To move \
         it: `docker node update --availability drain` for this node on a manager, `docker swarm \
         leave` here, {move_it}, then join the swarm again"
    )
}

fn overlay(overlay: &Overlay) -> String {
    let Overlay {
        network,
        subnet,
        over,
        common,
    } = overlay;
    let over = short(over);
    let common = short(common);
    let lost = match over == common {
        true => "that".to_owned(),
        false => format!("{common} of it"),
    };
    let steps = if network == "ingress" {
        "remove the services that publish ports, then `docker network rm ingress` and `docker \
         network create --driver overlay --ingress --subnet CIDR ingress`"
            .to_owned()
    } else {
        format!(
            "remove the services on it, then `docker network rm {network}` and `docker network \
             create --driver overlay --subnet CIDR {network}`; `docker swarm init \
             --default-addr-pool` sets the pools for new ones"
        )
    };
    format!(
        "the swarm network {network} holds {subnet}, over {over}: its containers cannot reach \
         {lost}. rebridge does not change swarm networks: {steps}"
    )
}
