//! What `--help` shows below the options: commands to begin with.

/// Of the program.
pub const ALL: &str = "\
Examples:
  rebridge check --avoid 172.17.0.0/16       does Docker shadow the servers in 172.17?
  rebridge apply --avoid 172.17.0.0/16       fix it: shows the plan, asks, restarts Docker, verifies
  rebridge apply --check --avoid-file nets   only say what apply would do
  rebridge apply --yes --json --avoid 10.0.0.0/8,172.16.0.0/12   for scripts
  rebridge explain 172.17.50.10              why is Docker there, and what could it not see?
  rebridge forecast -n 20                    what will Docker take next?
  rebridge map --svg map.svg                 who uses what, and what apply would change, as a picture too
  rebridge rollback                          undo the last apply

`rebridge VERB --help` has more of them.
Exit codes: 0 fine, 1 check found a clash, 2 usage, 3 refused (host untouched), 4 rolled back, 5 needs a person.";

/// Of `check`.
pub const CHECK: &str = "\
Examples:
  rebridge check                             what does Docker shadow, as far as this host itself can tell?
  rebridge check -v --avoid 172.17.0.0/16    these servers too; and why each piece of evidence counts
  rebridge check -q --avoid-file nets        for a monitor: exit code 0 clean, 1 clashing
  rebridge check --facts host.json           judge a host by what `rebridge facts` printed there";

/// Of `apply`.
pub const APPLY: &str = "\
Examples:
  rebridge apply --check --avoid 172.17.0.0/16                 what would be done; nothing is touched
  rebridge apply --avoid 172.17.0.0/16 --probe 172.17.50.10:8080   this server must answer afterwards, or all goes back
  rebridge apply --networks recreate --avoid 172.16.0.0/12     move the networks that exist already, too
  rebridge apply --pool base=10.64.0.0/16,size=24 --pin        these pools, whether anything clashes or not
  rebridge apply --root /mnt/image --avoid 172.17.0.0/16       into an image, before its first boot";

/// Of `rollback`.
pub const ROLLBACK: &str = "\
Examples:
  rebridge rollback                          shows what goes back, asks, does it, verifies
  rebridge rollback --check                  only say what would go back
  rebridge rollback --yes --json             for scripts";

/// Of `forecast`.
pub const FORECAST: &str = "\
Examples:
  rebridge forecast                          the next ten subnets, and what each would clash with
  rebridge forecast -n 31 --avoid 172.20.0.0/14   would Docker ever get at these servers?
  rebridge forecast --engine 28.5            on a host where that version is still to come";

/// Of `explain`.
pub const EXPLAIN: &str = "\
Examples:
  rebridge explain                           why is docker0 where it is?
  rebridge explain shop_default              and this network?
  rebridge explain 172.20.0.0/14             what does Docker hold there, what could it take, what does it not see?";

/// Of `map`.
pub const MAP: &str = "\
Examples:
  rebridge map                               who uses what, now and after apply
  rebridge map --avoid 172.16.0.0/12 --svg map.svg   a picture for a ticket or a wiki
  rebridge map --facts host.json             of a host somewhere else";

/// Of `facts`.
pub const FACTS: &str = "\
Examples:
  rebridge facts                             everything seen, as one JSON object; no secrets in it
  rebridge facts --result host.json          into a file, for `rebridge check --facts host.json` anywhere else
  rebridge facts --root /mnt/image           of an unpacked image";

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use crate::cli::Cli;
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    /// Of each line the words up to what explains it.
    fn commands(help: &str) -> Vec<Vec<&str>> {
        let lines = help
            .lines()
            .filter_map(|line| line.strip_prefix("  rebridge "));
        lines
            .map(|line| {
                line.split("   ")
                    .next()
                    .unwrap()
                    .split_whitespace()
                    .collect()
            })
            .collect()
    }

    #[test]
    fn every_verb_has_three_examples_and_all_are_understood() {
        let mut verbs = 0;
        for verb in Cli::command()
            .get_subcommands()
            .filter(|verb| !verb.is_hide_set())
        {
            let help = verb
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let commands = commands(&help);
            assert!(commands.len() >= 3, "{}: {help}", verb.get_name());
            for words in commands {
                assert_eq!(words[0], verb.get_name());
                Cli::try_parse_from(["rebridge"].iter().chain(&words))
                    .unwrap_or_else(|error| panic!("{words:?}: {error}"));
            }
            verbs += 1;
        }
        assert!(verbs >= 7);
        for words in commands(super::ALL) {
            Cli::try_parse_from(["rebridge"].iter().chain(&words))
                .unwrap_or_else(|error| panic!("{words:?}: {error}"));
        }
    }
}
