//! In which order containers start: what others depend on first.

use super::moves::{Attachment, Member, text};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Gives each member its turn: after the container whose network it shares, and after the services
/// Compose says it depends on.
///
/// Where a network has addresses given by hand, these come first: an engine gives the lowest free
/// address to the next that asks, and that may be one that a container yet to start was promised.
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
    let promised: Vec<Option<u32>> = members.iter().map(|one| earliest(one, members)).collect();
    for (member, turn) in members.iter_mut().zip(promised) {
        member.turn = turn.unwrap_or(member.turn);
    }
}

/// For a member with an address given by hand: the turn just before all others on its networks.
fn earliest(member: &Member, members: &[Member]) -> Option<u32> {
    let by_hand = member.attachments.iter().filter(is_by_hand);
    let networks: Vec<&str> = by_hand.map(|one| one.network.as_str()).collect();
    let sharing = members.iter().filter(|other| {
        let mut attachments = other.attachments.iter();
        attachments.any(|one| networks.contains(&one.network.as_str()))
    });
    let first = sharing.map(|other| other.turn).min()?;
    // Even numbers lie between the turns that were given.
    Some(first.min(member.turn).saturating_sub(1) & !1)
}

fn is_by_hand(attachment: &&Attachment) -> bool {
    let address = attachment.new.pointer("/IPAMConfig/IPv4Address");
    address.is_some()
}

/// The members a container needs before it.
fn needs(container: &Value, containers: &[Value], ids: &HashSet<String>) -> Vec<String> {
    let mode = text(container, "/HostConfig/NetworkMode");
    let joined = mode.strip_prefix("container:").map(str::to_owned);
    let project = compose(container, "project");
    let depends_on = compose(container, "depends_on");
    // `db:service_healthy:true,cache:service_started:false`
    let services: Vec<&str> = depends_on
        .split(',')
        .filter_map(|one| one.split(':').next())
        .collect();
    let of_services = containers.iter().filter(|other| {
        !project.is_empty()
            && compose(other, "project") == project
            && services.contains(&compose(other, "service"))
    });
    joined
        .into_iter()
        .chain(of_services.map(|other| text(other, "/Id")))
        .filter(|id| ids.contains(id))
        .collect()
}

/// A label that Compose gives its containers.
fn compose<'a>(container: &'a Value, name: &str) -> &'a str {
    let labels = container.pointer("/Config/Labels");
    let label = labels.and_then(|labels| labels.get(format!("com.docker.compose.{name}")));
    label.and_then(Value::as_str).unwrap_or_default()
}

/// Longer chains than this do not exist, but circles do.
const LONGEST: usize = 64;

/// For each one more than the largest number among what it needs.
fn turns(needs: &HashMap<String, Vec<String>>) -> HashMap<String, u32> {
    let mut turns: HashMap<String, u32> = HashMap::new();
    for _ in 0..LONGEST {
        let next: HashMap<String, u32> = needs
            .iter()
            .filter_map(|(id, needed)| {
                let turns = needed.iter().map(|id| turns.get(id).copied());
                Some((id.clone(), turns.map(Option::unwrap_or_default).max()? + 1))
            })
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
        Member {
            id: id.to_owned(),
            name: id.to_owned(),
            ran: true,
            restarting: false,
            paused: false,
            stays_up: false,
            joins: None,
            started: None,
            stop_timeout: None,
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
    fn a_promised_address_comes_before_those_that_might_take_it() {
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
