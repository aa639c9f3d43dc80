//! Small pieces of sentences.

/// "1 clash", "3 clashes".
pub fn count(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// "the container web is", "the containers web, db are".
pub fn containers_are(names: &[&str]) -> String {
    match names {
        [one] => format!("the container {one} is"),
        more => format!("the containers {} are", more.join(", ")),
    }
}

/// A word as a shell has to be given it.
pub fn shell_word(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_=+.,:/@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
