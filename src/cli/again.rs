//! The operator's own options, to be repeated in a command that is proposed.

use super::Look;

impl Look {
    /// The options of which the judgement depends, as words of a command line. Not `--facts`: what
    /// is proposed is to be run on the host itself.
    pub(super) fn again(&self) -> Vec<String> {
        let root = self
            .observe
            .root
            .iter()
            .map(|root| root.to_string_lossy().into_owned())
            .collect();
        let options: [(&str, &Vec<String>); 5] = [
            ("--root", &root),
            ("--avoid", &self.avoid),
            ("--avoid-file", &self.avoid_file),
            ("--pool", &self.pool),
            ("--ignore", &self.ignore),
        ];
        let words = options
            .into_iter()
            .flat_map(|(name, values)| values.iter().map(move |value| [name, value]));
        words.flatten().map(str::to_owned).collect()
    }
}
