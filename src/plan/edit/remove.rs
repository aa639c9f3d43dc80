//! Removes keys from daemon.json by cutting text.

use super::parse_object;
use jsonc_parser::common::Ranged;

/// Removes keys of the top-level object, each with its comma and the blanks before it.
pub fn remove_keys(text: &str, keys: &[&String]) -> Result<String, String> {
    let mut text = text.to_owned();
    for key in keys {
        text = remove_key(&text, key)?;
    }
    Ok(text)
}

fn remove_key(text: &str, key: &str) -> Result<String, String> {
    let object = parse_object(text)?;
    let properties = &object.properties;
    let Some(at) = properties.iter().position(|one| one.name.as_str() == key) else {
        return Ok(text.to_owned());
    };
    let start_of = |at: usize| properties.get(at).map(|one| one.range().start);
    let end_of = |at: usize| properties.get(at).map(|one| one.range().end);
    let cut = match (at.checked_sub(1).and_then(end_of), start_of(at + 1)) {
        (Some(before), _) => before..end_of(at).unwrap_or(before),
        (None, Some(next)) => start_of(at).unwrap_or(next)..next,
        (None, None) => object.range().start + 1..object.range().end - 1,
    };
    let mut left = text.to_owned();
    left.replace_range(cut, "");
    Ok(left)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_with_its_comma_wherever_it_stands() {
        let text = "{\n  \"a\": 1,\n  \"b\": [1, 2],\n  \"c\": {}\n}\n";
        let without = |keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            remove_keys(text, &keys.iter().collect::<Vec<_>>()).unwrap()
        };
        assert_eq!(without(&["a"]), "{\n  \"b\": [1, 2],\n  \"c\": {}\n}\n");
        assert_eq!(without(&["b"]), "{\n  \"a\": 1,\n  \"c\": {}\n}\n");
        assert_eq!(without(&["c"]), "{\n  \"a\": 1,\n  \"b\": [1, 2]\n}\n");
        assert_eq!(without(&["a", "b", "c"]), "{}\n");
        assert_eq!(without(&["d"]), text);
        assert!(remove_keys("[]", &[&"a".to_owned()]).is_err());
    }
}
