//! How long relief takes beyond a check, and beside a restart of the same Docker, ten containers on
//! it.

use crate::pair::median;
use crate::stage::Lab;
use std::time::Duration;

const ROUNDS: usize = 7;

/// Prints the `SECONDS` that a command took.
const TOOK: &str = r#"
took() {
    local began; began=$(date +%s.%N)
    "$@" >/dev/null
    date +%s.%N | awk -v began="$began" '{ printf "%.4f\n", $1 - began }'
}"#;

const CHECK: &str = "check --json --avoid 172.17.0.0/16 || :";
const RELIEVE: &str = "relieve --yes --json --avoid 172.17.0.0/16";

pub fn beside_a_restart() {
    println!(
        "\nrelief, ten containers (floor: rebridge check; goal: at most 50 ms more; the cure restarts Docker)"
    );
    let lab = Lab::with_ten_containers();
    let mut times: [Vec<Duration>; 3] = Default::default();
    let ways = [
        ("rebridge check", format!("took rebridge {CHECK}")),
        (
            "rebridge relieve",
            format!("took rebridge {RELIEVE}; ip route show proto 114 | grep -q . || echo no routes"),
        ),
        (
            "systemctl restart docker",
            "systemctl reset-failed docker.service docker.socket; took systemctl restart docker.service"
                .to_owned(),
        ),
    ];
    for _ in 0..ROUNDS {
        for ((_, command), times) in ways.iter().zip(&mut times) {
            let script = format!("{TOOK}\n{command}");
            let seconds: f64 = lab.ask(&script).trim().parse().expect("seconds");
            times.push(Duration::from_secs_f64(seconds));
        }
        lab.exec("rebridge relieve --undo --yes --quiet");
    }
    let medians = times.each_mut().map(|times| median(times).as_secs_f64());
    let [check, relieve, restart] = medians;
    for ((name, _), median) in ways.iter().zip(medians) {
        println!(
            "  {name:<34} {:>9.0} ms   {:>6.2} x",
            median * 1e3,
            median / relieve
        );
    }
    println!(
        "  relieve beyond check: {:.0} ms; a restart takes {:.0} times as long as relieve",
        (relieve - check) * 1e3,
        restart / relieve
    );
}
