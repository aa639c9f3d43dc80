//! What `--help` shows below the options: commands to begin with. No line is wider than 80 columns.

/// Of the program.
pub const ALL: &str = "\
Examples:
  rebridge check --avoid 172.17.0.0/16      does Docker shadow these servers?
  rebridge apply --avoid 172.17.0.0/16      fix it; shows the plan and asks
  rebridge apply --check --avoid-file nets  what would apply do? nothing changes
  rebridge apply --yes --json --avoid 10.0.0.0/8,172.16.0.0/12
                                            for scripts
  rebridge explain 172.17.50.10             why is Docker there?
  rebridge forecast -n 20                   what will Docker take next?
  rebridge map --svg map.svg                who uses what? also as a picture
  rebridge fleet facts/ --html fleet.html   one range for all hosts? as a page
  rebridge watch                            say when that changes
  rebridge rollback                         undo the last apply

`rebridge VERB --help` has more of them.

Exit codes: 0 fine, 1 check found a clash, 2 usage, 3 refused (host untouched),
4 rolled back, 5 needs a person.";

pub const CHECK: &str = "\
Examples:
  rebridge check                           what does Docker shadow here?
  rebridge check -v --avoid 172.17.0.0/16  these servers too; and explain why
  rebridge check -q --avoid-file nets      for a monitor: exits 0 clean, 1 clash
  rebridge check --facts host.json         judge what `rebridge facts` saved";

pub const WATCH: &str = "\
Examples:
  rebridge watch                    what clashes; and whenever that changes
  rebridge watch --only known --json
                                    for a program; not what traffic shows
  rebridge watch -q --on-change /etc/rebridge/on-change
                                    print nothing, run this command";

pub const APPLY: &str = "\
Examples:
  rebridge apply --check --avoid 172.17.0.0/16
      show what would be done, change nothing
  rebridge apply --avoid 172.17.0.0/16 --probe 172.17.50.10:8080
      roll back unless this server can be reached afterwards
  rebridge apply --networks recreate --avoid 172.16.0.0/12
      move existing networks too
  rebridge apply --pool base=10.64.0.0/16,size=24 --pin
      give Docker these pools, even if nothing clashes
  rebridge apply --avoid 172.17.0.0/16 --remember
      and keep this for every later run, in /etc/rebridge/options
  rebridge apply --root /mnt/image --avoid 172.17.0.0/16
      prepare an image before its first boot";

pub const RELIEVE: &str = "\
Examples:
  rebridge relieve --avoid 172.17.0.0/16
      show the routes, ask, add them, and verify that the kernel follows them
  rebridge relieve --check --avoid 172.17.0.0/16
      only show them
  rebridge relieve --undo
      take all of them away";

pub const ROLLBACK: &str = "\
Examples:
  rebridge rollback               show what goes back, ask, do it, verify
  rebridge rollback --check       only show what would go back
  rebridge rollback --yes --json  for scripts";

pub const FORECAST: &str = "\
Examples:
  rebridge forecast                  the next ten subnets, and their clashes
  rebridge forecast -n 31 --avoid 172.20.0.0/14
                                     will Docker ever take these servers' range?
  rebridge forecast --engine 28.5    for a host that is yet to get this version";

pub const EXPLAIN: &str = "\
Examples:
  rebridge explain                why is docker0 where it is?
  rebridge explain shop_default   why is this network where it is?
  rebridge explain 172.20.0.0/14  what does Docker hold there, what could it
                                  take, and what does it not see?";

pub const MAP: &str = "\
Examples:
  rebridge map                    who uses what, now and after apply
  rebridge map --avoid 172.16.0.0/12 --svg map.svg
                                  also draw a picture for a ticket or a wiki
  rebridge map --facts host.json  of another host";

pub const FLEET: &str = "\
Examples:
  rebridge fleet facts/                       files that `rebridge facts` wrote
  rebridge fleet facts/ --html fleet.html     also as a page, with every host
  rebridge fleet all.jsonl --avoid-file nets  a host a line; these networks too
  rebridge fleet facts/ --pool 10.64.0.0/16   can all have this range?";

pub const FACTS: &str = "\
Examples:
  rebridge facts                     everything seen, as JSON; no secrets in it
  rebridge facts --result host.json  into a file, to judge it elsewhere
  rebridge facts --root /mnt/image   of an unpacked image";

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use crate::cli::Cli;
    use clap::{CommandFactory, Parser};
    use std::collections::BTreeSet;

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
                line.split("  ")
                    .next()
                    .unwrap()
                    .split_whitespace()
                    .collect()
            })
            .collect()
    }

    #[test]
    fn examples_fit_a_narrow_terminal() {
        let root = Cli::command();
        for command in [&root].into_iter().chain(root.get_subcommands()) {
            let help = command.get_after_help().unwrap().to_string();
            let wide = help.lines().find(|line| line.chars().count() > 80);
            assert_eq!(wide, None, "{}", command.get_name());
        }
    }

    /// Outside the groups stand only options that say what the verb itself does.
    #[test]
    fn options_are_listed_in_groups() {
        let mut root = Cli::command();
        root.build();
        for verb in root
            .get_subcommands()
            .filter(|verb| verb.get_name() != "help")
        {
            let bare = verb.get_opts().chain(verb.get_arguments());
            let bare = bare.filter(|option| option.get_help_heading().is_none());
            let bare: BTreeSet<&str> = bare.map(|option| option.get_id().as_str()).collect();
            let own = [
                "about",
                "accept",
                "check",
                "count",
                "engine",
                "help",
                "paths",
                "settle",
                "undo",
                "unless_verified",
                "yes",
            ];
            assert!(bare.iter().all(|id| own.contains(id)), "{bare:?}");
        }
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
