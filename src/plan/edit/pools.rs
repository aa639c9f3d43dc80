//! Edits the list of pools, entry by entry.

use super::{Style, parse_object, slice};
use crate::facts::pools::is_called;
use crate::facts::{AddressPool, BYTE_ORDER_MARK};
use crate::plan::pool_list::{Entry, KEY};
use jsonc_parser::ast::{Array, Value as Node};
use jsonc_parser::common::Ranged;
use serde_json::Value;

/// Writes the list of pools. Entries that stay keep every byte, and one whose range changes keeps
/// all the others. Where there is no list yet, the text stays as it is: the key is appended.
pub fn set_pools(text: &str, entries: &[Entry]) -> Result<String, String> {
    let bare = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mark = text.strip_suffix(bare).unwrap_or_default();
    match bare.trim() {
        "" | "null" => Ok(text.to_owned()),
        _ => Ok(format!("{mark}{}", set_pools_of_object(bare, entries)?)),
    }
}

fn set_pools_of_object(text: &str, entries: &[Entry]) -> Result<String, String> {
    let object = &parse_object(text)?;
    let list = object
        .properties
        .iter()
        .rfind(|one| one.name.as_str() == KEY);
    let Some(Node::Array(list)) = list.map(|property| &property.value) else {
        return Ok(text.to_owned());
    };
    let (Some(first), Some(last)) = (list.elements.first(), list.elements.last()) else {
        return Ok(text.to_owned());
    };
    let style = Style::of(text, object);
    let before_first = slice(text, list.range.start + 1, first.range().start)?;
    let mut out = slice(text, 0, first.range().start)?.to_owned();
    let mut earlier: Option<usize> = None;
    for (at, entry) in entries.iter().enumerate() {
        let place = place_of(entry);
        if at > 0 {
            out += &separator(text, list, earlier, place, before_first)?;
        }
        out += &match entry {
            Entry::Kept { place, .. } => element(text, list, *place)?.to_owned(),
            Entry::Changed { place, pool } => with_range(text, list, *place, pool)?,
            Entry::New(pool) => style.on_one_line(&pool.to_value()),
        };
        earlier = place;
    }
    out += slice(text, last.range().end, text.len())?;
    Ok(out)
}

/// The list as a value.
pub fn pools_value(old: Option<&Value>, entries: &[Entry]) -> Value {
    let old = |place: usize| old.and_then(|list| list.get(place)).cloned();
    let values = entries.iter().map(|entry| match entry {
        Entry::Kept { place, .. } => old(*place).unwrap_or_default(),
        Entry::Changed { place, pool } => {
            let mut value = old(*place).unwrap_or_default();
            for (key, value) in value.as_object_mut().into_iter().flatten() {
                if is_called(key, "base") {
                    *value = Value::String(pool.base.to_string());
                } else if is_called(key, "size") && value.as_u64() != Some(pool.size.into()) {
                    *value = pool.size.into();
                }
            }
            value
        }
        Entry::New(pool) => pool.to_value(),
    });
    Value::Array(values.collect())
}

fn place_of(entry: &Entry) -> Option<usize> {
    match entry {
        Entry::Kept { place, .. } | Entry::Changed { place, .. } => Some(*place),
        Entry::New(_) => None,
    }
}

fn element<'t>(text: &'t str, list: &Array, place: usize) -> Result<&'t str, String> {
    let element = list.elements.get(place).ok_or("an entry is missing")?;
    slice(text, element.range().start, element.range().end)
}

/// What stands between two entries: what the file has there if they are neighbours in it.
fn separator(
    text: &str,
    list: &Array,
    earlier: Option<usize>,
    later: Option<usize>,
    before_first: &str,
) -> Result<String, String> {
    let neighbours = earlier
        .zip(later)
        .filter(|(earlier, later)| earlier + 1 == *later);
    let (one, two) = neighbours.unwrap_or((0, 1));
    if let (Some(one), Some(two)) = (list.elements.get(one), list.elements.get(two)) {
        return slice(text, one.range().end, two.range().start).map(str::to_owned);
    }
    // The list has one entry only: the next begins as that one does, on a line of its own or not.
    Ok(match before_first.contains('\n') {
        true => format!(",{before_first}"),
        false => ", ".to_owned(),
    })
}

/// An entry with another range, everything else in it as it stands.
fn with_range(
    text: &str,
    list: &Array,
    place: usize,
    pool: &AddressPool,
) -> Result<String, String> {
    let Some(Node::Object(entry)) = list.elements.get(place) else {
        return Err("an entry of the pools is no object".to_owned());
    };
    let mut out = String::new();
    let mut at = entry.range.start;
    for property in &entry.properties {
        let value = property.value.range();
        let old = slice(text, value.start, value.end)?;
        let new = if is_called(property.name.as_str(), "base") {
            Value::String(pool.base.to_string()).to_string()
        } else if is_called(property.name.as_str(), "size") && old != pool.size.to_string() {
            pool.size.to_string()
        } else {
            continue;
        };
        out += slice(text, at, value.start)?;
        out += &new;
        at = value.end;
    }
    out += slice(text, at, entry.range.end)?;
    Ok(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::facts::BUILT_IN;
    use crate::facts::pools::Pool;

    /// Entries that stay keep their bytes, and a cut one all but its range.
    #[test]
    fn a_list_of_pools_changes_only_where_it_must() {
        let kept = |place| Entry::Kept {
            place,
            pool: Pool::V4(BUILT_IN[0]),
        };
        let pool = |base: &str, size| AddressPool {
            base: base.parse().unwrap(),
            size,
        };
        let changed = |place, base| Entry::Changed {
            place,
            pool: pool(base, 24),
        };
        let new = || Entry::New(pool("10.200.0.0/24", 24));
        for (list, entries, after) in [
            (
                "[ {\"Base\":\"10.5.0.7/16\",  \"size\":24} ,{\"base\":\"172.17.0.0/16\",\"x\":[1], \"SIZE\": 24}]",
                vec![kept(0), changed(1, "10.9.0.0/16")],
                "[ {\"Base\":\"10.5.0.7/16\",  \"size\":24} ,{\"base\":\"10.9.0.0/16\",\"x\":[1], \"SIZE\": 24}]",
            ),
            (
                "[{\"base\":\"172.17.0.0/16\",\"size\":24}]",
                vec![
                    changed(0, "172.17.0.0/17"),
                    changed(0, "172.17.192.0/18"),
                    new(),
                ],
                "[{\"base\":\"172.17.0.0/17\",\"size\":24}, {\"base\":\"172.17.192.0/18\",\"size\":24}, \
                 {\"base\": \"10.200.0.0/24\", \"size\": 24}]",
            ),
            (
                "[\n    {\"size\": 24, \"base\": \"172.17.0.0/16\"}\n  ]",
                vec![kept(0), new()],
                "[\n    {\"size\": 24, \"base\": \"172.17.0.0/16\"},\n    \
                 {\"base\": \"10.200.0.0/24\", \"size\": 24}\n  ]",
            ),
            (
                "[\n {\"a\":1},\n\n {\"b\":2}, {\"c\":3}\n]",
                vec![kept(1), kept(2)],
                "[\n {\"b\":2}, {\"c\":3}\n]",
            ),
        ] {
            let text = |list: &str| format!("{{\r\n \"{KEY}\" : {list}, \"z\": 1.0}}\n");
            let edited = set_pools(&text(list), &entries).unwrap();
            assert_eq!(edited, text(after), "{list}");
            let old: Value = serde_json::from_str(list).unwrap();
            let read: Value = serde_json::from_str(&edited).unwrap();
            assert_eq!(read[KEY], pools_value(Some(&old), &entries), "{list}");
        }
    }
}
