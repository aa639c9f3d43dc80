//! What the operator accepts with `--accept`: the words, each for one kind of blocker.

use super::option::{BadValue, Opt};
use crate::phrases::nearest;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accept {
    /// Containers that live-restore would keep alive stop for the restart.
    ContainerStop,
    /// A container loses its fixed MAC address.
    MacLoss,
    /// Something uses docker0's old address by number.
    OldAddress,
    /// A rule of a firewall or of the routing names or covers the old range and not the new one.
    OldRangeRules,
    /// The restart also puts other settings into force.
    PendingSettings,
    /// The old range of a rollback shadows the operator.
    Lockout,
}

impl Accept {
    pub const ALL: [Accept; 6] = [
        Accept::ContainerStop,
        Accept::MacLoss,
        Accept::OldAddress,
        Accept::OldRangeRules,
        Accept::PendingSettings,
        Accept::Lockout,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Accept::ContainerStop => "container-stop",
            Accept::MacLoss => "mac-loss",
            Accept::OldAddress => "old-address",
            Accept::OldRangeRules => "old-range-rules",
            Accept::PendingSettings => "pending-settings",
            Accept::Lockout => "lockout",
        }
    }
}

/// What was accepted: a bit for each word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accepted(u8);

impl Accepted {
    pub const NOTHING: Accepted = Accepted(0);

    pub fn all() -> Accepted {
        Accept::ALL.into_iter().collect()
    }

    pub fn holds(self, accept: Accept) -> bool {
        self.0 & (1 << accept as u8) != 0
    }
}

impl FromIterator<Accept> for Accepted {
    fn from_iter<I: IntoIterator<Item = Accept>>(all: I) -> Accepted {
        let bits = all.into_iter().map(|accept| 1 << accept as u8);
        Accepted(bits.fold(0, |bits, bit| bits | bit))
    }
}

/// Reads words, or comma lists of them.
pub fn read_accept(lists: &[String]) -> Result<Accepted, BadValue> {
    let words = lists.iter().flat_map(|list| list.split(','));
    let words = words.map(str::trim).filter(|word| !word.is_empty());
    words.map(read_word).collect()
}

fn read_word(word: &str) -> Result<Accept, BadValue> {
    let known = Accept::ALL.into_iter().find(|one| one.word() == word);
    known.ok_or_else(|| {
        let words = Accept::ALL.map(Accept::word);
        let near = nearest(word, &words).map(|near| format!("did you mean {near}? "));
        let why = format!(
            "{word:?} is not a word it knows; {}the words are {}",
            near.unwrap_or_default(),
            words.join(", ")
        );
        BadValue::of(Opt::Accept, why)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn words_come_one_by_one_and_in_lists() {
        let lists = ["mac-loss, old-address".to_owned(), "lockout,".to_owned()];
        let accepted = read_accept(&lists).unwrap();
        let held: Vec<&str> = Accept::ALL
            .into_iter()
            .filter(|one| accepted.holds(*one))
            .map(Accept::word)
            .collect();
        assert_eq!(held, ["mac-loss", "old-address", "lockout"]);
        assert_eq!(read_accept(&[]).unwrap(), Accepted::NOTHING);
    }

    #[test]
    fn an_unknown_word_names_the_known_ones() {
        let bad = read_accept(&["old-adress".to_owned()]).unwrap_err();
        assert!(bad.why.contains("did you mean old-address?"), "{}", bad.why);
        for one in Accept::ALL {
            assert!(bad.why.contains(one.word()), "{}", bad.why);
        }
    }
}
