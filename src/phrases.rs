//! Small pieces of sentences.

/// "1 clash", "3 clashes".
pub fn count(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// "the container web is", "the containers web, db are".
pub fn containers_are(names: &[String]) -> String {
    match names {
        [one] => format!("the container {one} is"),
        more => format!("the containers {} are", more.join(", ")),
    }
}

/// The first few of a list: "a, b, c and 4 more".
pub fn list_of<T: AsRef<str>>(names: &[T], most: usize) -> String {
    let first: Vec<&str> = names.iter().take(most).map(AsRef::as_ref).collect();
    let first = first.join(", ");
    match names.len().saturating_sub(most) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Roughly how long ago, so that two looks within a minute say the same: " in the last hour".
pub fn lately(seconds: u64) -> &'static str {
    match seconds {
        0..60 => " in the last minute",
        60..3_600 => " in the last hour",
        3_600..86_400 => " in the last day",
        _ => " more than a day ago",
    }
}

/// A word as a shell has to be given it.
pub fn shell_word(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_=+.,:/@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Of these words the one that was most likely meant, where one is near enough.
pub fn nearest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    words
        .iter()
        .map(|other| (strsim::jaro_winkler(word, other), *other))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let names = ["onlink", "route", "neighbour", "nameserver"];
        assert_eq!(nearest("neigbour", &names), Some("neighbour"));
        assert_eq!(nearest("neighbor", &names), Some("neighbour"));
        assert_eq!(nearest("rout", &names), Some("route"));
        assert_eq!(nearest("banana", &names), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(
            shell_word("10.0.0.0/8,172.16.0.0/12"),
            "10.0.0.0/8,172.16.0.0/12"
        );
        assert_eq!(shell_word("my nets"), "'my nets'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
