//! Existing networks, which new pools do not move, in words.

use crate::assess::clash::Clash;
use crate::assess::existing::Way;
use crate::assess::products::Product;
use crate::assess::unmovable;
use crate::facts::Facts;
use crate::phrases::shell_word;
use crate::report::vocabulary::Vocabulary;
use crate::subnet::v4;

/// About the existing networks that clash, if any do.
pub fn existing(facts: &Facts, clashes: &[Clash], words: Vocabulary) -> Option<String> {
    let sorted = Sorted::of(facts, clashes);
    let mut parts = Vec::new();
    if !sorted.to_recreate.is_empty() {
        let them = if sorted.to_recreate.len() == 1 {
            "it"
        } else {
            "them"
        };
        parts.push(format!(
            "{} re-created: {} does that, with the containers on {them}",
            still_clash(&sorted.to_recreate),
            words.recreate()
        ));
    }
    parts.extend(
        sorted
            .to_remove
            .iter()
            .map(|name| format!("nothing uses the network {name}: {}", remove_in_words(name))),
    );
    parts.extend(of_products(&sorted));
    if !sorted.others.is_empty() {
        parts.push(format!(
            "{} re-created by hand, with another subnet",
            still_clash(&sorted.others)
        ));
    }
    if let Some(clash) = clashes
        .iter()
        .find(|clash| clash.is_docker0() && !clash.is_movable())
    {
        parts.push(format!(
            "docker0's IPv6 range {} still clashes, and rebridge moves IPv4 only: change \
             fixed-cidr-v6 (and bip6, from 28 on) in daemon.json",
            clash.docker.subnet
        ));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Why networks of products are left alone, one sentence each.
pub fn left_alone(facts: &Facts, clashes: &[Clash]) -> Vec<String> {
    of_products(&Sorted::of(facts, clashes))
}

fn of_products(sorted: &Sorted) -> Vec<String> {
    let products = sorted.of_products.iter().map(|(name, product)| {
        format!(
            "the network {name} still clashes and is left alone: it belongs to {}, and {}; {}",
            product.name, product.why, product.instead
        )
    });
    products.collect()
}

fn remove_in_words(name: &str) -> String {
    format!("`{}` ends its clash without a restart", remove(name))
}

/// The command that removes a network.
pub fn remove(name: &str) -> String {
    format!("docker network rm {}", shell_word(name))
}

fn still_clash(names: &[String]) -> String {
    match names {
        [one] => {
            format!("1 existing network still clashes ({one}) and keeps its subnet until it is")
        }
        more => format!(
            "{} existing networks still clash ({}) and keep their subnets until they are",
            more.len(),
            more.join(", ")
        ),
    }
}

/// The networks that clash, by what can become of them.
#[derive(Debug, Default)]
pub struct Sorted {
    pub to_recreate: Vec<String>,
    pub to_remove: Vec<String>,
    of_products: Vec<(String, &'static Product)>,
    others: Vec<String>,
}

impl Sorted {
    pub fn of(facts: &Facts, clashes: &[Clash]) -> Sorted {
        let mut sorted = Sorted::default();
        let mut names = unmovable(clashes);
        names.remove("bridge");
        for name in names {
            match Way::of_name(facts, &name) {
                Some(Way::Remove) => sorted.to_remove.push(name),
                Some(Way::LeaveToProduct(product)) => sorted.of_products.push((name, product)),
                Some(Way::Recreate) if is_all_ipv4(clashes, &name) => sorted.to_recreate.push(name),
                Some(Way::Recreate | Way::LeaveToSwarm) | None => sorted.others.push(name),
            }
        }
        sorted
    }
}

fn is_all_ipv4(clashes: &[Clash], name: &str) -> bool {
    clashes
        .iter()
        .filter(|clash| clash.docker.network.as_deref() == Some(name))
        .all(|clash| v4(&clash.docker.subnet).is_some())
}
