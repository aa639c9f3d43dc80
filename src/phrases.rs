//! Small pieces of sentences.

pub mod wrap;

/// "1 clash", "3 clashes".
pub fn count(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// "and 3 more": what a list leaves out.
pub fn and_more(count: usize) -> String {
    format!("and {count} more")
}

/// "a, b, c and 2 more": a list that names only its first entries.
pub fn first_few<T>(items: &[T], most: usize, word: impl Fn(&T) -> String) -> String {
    let named = items.iter().take(most).map(word).collect::<Vec<_>>();
    let list = named.join(", ");
    match items.len().saturating_sub(most) {
        0 => list,
        left_out => format!("{list} {}", and_more(left_out)),
    }
}

/// "the container web is", "the containers web, db are".
pub fn containers_are(names: &[String]) -> String {
    match names {
        [one] => format!("the container {one} is"),
        more => format!("the containers {} are", more.join(", ")),
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
    fn a_list_counts_what_it_does_not_name() {
        let list = |items: &[u8]| first_few(items, 2, u8::to_string);
        assert_eq!(list(&[]), "");
        assert_eq!(list(&[1, 2]), "1, 2");
        assert_eq!(list(&[1, 2, 3, 4]), "1, 2 and 2 more");
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
