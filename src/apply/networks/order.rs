//! In which order containers start: what others depend on first.

use super::moves::{Attachment, Member, text};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Gives each member its turn: after the container whose network it shares, and after the services
/// Compose says it depends on.
///
/// Where a network has addresses given by hand, these come first: an engine gives the lowest free
/// address to whoever asks, and that may be one that a container yet to start was promised.
pub fn take_turns(members: &mut [Member], containers: &[Value]) {
    let ids: HashSet<String> = members.iter().map(|member| member.id.clone()).collect();
    let needs: HashMap<String, Vec<String>> = containers
        .iter()
        .map(|container| (text(container, "/Id"), needs(container, containers, &ids)))
        .filter(|(id, _)| ids.contains(id))
        .collect();
    let turns = turns(&needs);
    for member in members.iter_mut() {
        // Twice, to leave room before those of the same turn.
        member.turn = 2 * turns.get(&member.id).copied().unwrap_or_default() + 1;
    }
    let promised: Vec<(usize, u32)> = (0..members.len())
        .filter_map(|at| Some((at, earliest(members, at)?)))
        .collect();
    for (at, turn) in promised {
        if let Some(member) = members.get_mut(at) {
            member.turn = turn;
        }
    }
}

/// For a member with an address given by hand: the turn just before all others on its networks.
fn earliest(members: &[Member], at: usize) -> Option<u32> {
    let member = members.get(at)?;
    let by_hand = |tie: &&Attachment| tie.new.pointer("/IPAMConfig/IPv4Address").is_some();
    let networks: Vec<&str> = member
        .attachments
        .iter()
        .filter(by_hand)
        .map(|tie| tie.network.as_str())
        .collect();
    let shares = |other: &&Member| {
        other
            .attachments
            .iter()
            .any(|tie| networks.contains(&tie.network.as_str()))
    };
    let first = members
        .iter()
        .filter(shares)
        .map(|other| other.turn)
        .min()?;
    Some(first.min(member.turn).saturating_sub(1) & !1)
}

/// The members a container needs before it.
fn needs(container: &Value, containers: &[Value], ids: &HashSet<String>) -> Vec<String> {
    let mut needs: Vec<String> = text(container, "/HostConfig/NetworkMode")
        .strip_prefix("container:")
        .map(str::to_owned)
        .into_iter()
        .collect();
    let label = |of: &Value, name: &str| {
        let labels = of.pointer("/Config/Labels");
        labels
            .and_then(|labels| labels.get(format!("com.docker.compose.{name}"))?.as_str())
            .unwrap_or("")
            .to_owned()
    };
    let project = label(container, "project");
    let depends_on = label(container, "depends_on");
    // `db:service_healthy:true,cache:service_started:false`
    let services: Vec<&str> = depends_on
        .split(',')
        .filter_map(|one| one.split(':').next())
        .collect();
    let of_service = containers.iter().filter(|other| {
        !project.is_empty()
            && label(other, "project") == project
            && services.contains(&label(other, "service").as_str())
    });
    needs.extend(of_service.map(|other| text(other, "/Id")));
    needs.retain(|id| ids.contains(id));
    needs
}

/// Longer chains than this do not exist, but circles do.
const LONGEST: usize = 64;

/// For each one more than the largest number among what it needs.
fn turns(needs: &HashMap<String, Vec<String>>) -> HashMap<String, u32> {
    let mut turns: HashMap<String, u32> = HashMap::new();
    for _ in 0..LONGEST {
        let after = |needed: &Vec<String>| {
            needed
                .iter()
                .map(|id| turns.get(id).copied().unwrap_or_default() + 1)
                .max()
        };
        let next: HashMap<String, u32> = needs
            .iter()
            .filter_map(|(id, needed)| Some((id.clone(), after(needed)?)))
            .collect();
        if next == turns {
            break;
        }
        turns = next;
    }
    turns
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use serde_json::json;

    fn container(id: &str, mode: &str, project: &str, service: &str, depends_on: &str) -> Value {
        json!({"Id": id, "HostConfig": {"NetworkMode": mode}, "Config": {"Labels": {
            "com.docker.compose.project": project, "com.docker.compose.service": service,
            "com.docker.compose.depends_on": depends_on}}})
    }

    fn member(id: &str, by_hand: bool) -> Member {
        let new = if by_hand {
            json!({"IPAMConfig": {"IPv4Address": "10.0.0.2"}})
        } else {
            json!({})
        };
        let attachments = vec![Attachment {
            network: "net".to_owned(),
            old: new.clone(),
            new,
        }];
        let (id, name) = (id.to_owned(), id.to_owned());
        Member {
            id,
            name,
            ran: true,
            paused: false,
            stays_up: false,
            joins: None,
            turn: 0,
            attachments,
        }
    }

    fn order(members: &mut [Member], containers: &[Value]) -> Vec<String> {
        take_turns(members, containers);
        members.sort_by_key(|member| member.turn);
        members.iter().map(|member| member.id.clone()).collect()
    }

    #[test]
    fn what_is_needed_starts_first() {
        let containers = [
            container("web", "net", "shop", "web", "api:service_healthy:true"),
            container(
                "api",
                "net",
                "shop",
                "api",
                "db:service_started:false,cache:service_started:false",
            ),
            container("db", "net", "shop", "db", ""),
            container("sidecar", "container:web", "shop", "sidecar", ""),
            container("other", "net", "blog", "api", ""),
        ];
        let mut members: Vec<Member> = ["sidecar", "web", "api", "db"]
            .iter()
            .map(|id| member(id, false))
            .collect();
        assert_eq!(
            order(&mut members, &containers),
            ["db", "api", "web", "sidecar"]
        );
    }

    #[test]
    fn a_promised_address_comes_before_whoever_might_take_it() {
        let containers = [
            container("web", "net", "shop", "web", "db"),
            container("db", "net", "shop", "db", ""),
        ];
        let mut members = vec![member("db", false), member("web", true)];
        assert_eq!(order(&mut members, &containers), ["web", "db"]);
    }

    #[test]
    fn a_circle_does_not_hang() {
        let containers = [
            container("a", "net", "p", "a", "b"),
            container("b", "net", "p", "b", "a"),
        ];
        let mut members = vec![member("a", false), member("b", false)];
        assert_eq!(order(&mut members, &containers).len(), 2);
    }
}
