//! Files of sections with keys and values. A comment is a line of its own.

/// `key = value` in a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting<'a> {
    pub section: &'a str,
    /// Which section it is, from 1: several may have one name.
    pub number: usize,
    pub key: &'a str,
    pub value: &'a str,
    pub line: usize,
}

/// The settings of a file, in order.
pub fn settings(text: &str) -> Vec<Setting<'_>> {
    let (mut section, mut number) = ("", 0);
    let mut found = Vec::new();
    for (whole, line) in text.lines().zip(1..) {
        let whole = whole.trim();
        if whole.starts_with(['#', ';']) {
            continue;
        }
        if let Some(head) = whole.strip_prefix('[') {
            section = head.split(']').next().unwrap_or_default();
            number += 1;
        } else if let Some((key, value)) = whole.split_once('=') {
            found.push(Setting {
                section,
                number,
                key: key.trim(),
                value: value.trim(),
                line,
            });
        }
    }
    found
}

impl Setting<'_> {
    pub fn is(&self, section: &str, key: &str) -> bool {
        self.section.eq_ignore_ascii_case(section) && self.key.eq_ignore_ascii_case(key)
    }
}

/// The last value of a key in a section of this number.
pub fn value<'a>(settings: &[Setting<'a>], number: usize, key: &str) -> Option<&'a str> {
    let mut own = settings.iter().rev().filter(|one| one.number == number);
    own.find(|one| one.key.eq_ignore_ascii_case(key))
        .map(|one| one.value)
}

/// The last value of a key in any section of this name.
pub fn value_in<'a>(settings: &[Setting<'a>], section: &str, key: &str) -> Option<&'a str> {
    let mut settings = settings.iter().rev();
    settings
        .find(|one| one.is(section, key))
        .map(|one| one.value)
}
