//! A check whose answer is what ought to stand in daemon.json: for roles and tools that own the file.

use super::Report;
use super::sentences::outcome::CLEAR;

impl Report {
    /// The same report, with that as its sentence.
    pub fn as_advice(mut self) -> Report {
        if self.failed {
            return self;
        }
        let keys: Vec<&str> = self.wanted.daemon_json.keys().map(String::as_str).collect();
        self.msg = match (keys.as_slice(), self.clashes.is_empty()) {
            ([], true) => format!("set nothing: {CLEAR}"),
            ([], false) => format!("no key of daemon.json helps: {}", self.msg),
            (keys, _) => format!(
                "set {} as in wanted.daemon_json, or give dockerd the flags in wanted.flags, never \
                 both",
                keys.join(" and ")
            ),
        };
        self
    }
}
