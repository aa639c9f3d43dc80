//! How long containers are away in a verified apply, beside a bare restart of the same Docker in
//! the same run: from the moment Docker stops to the moment the last container has started again.

use crate::pair::median;
use crate::stage::Lab;
use std::time::Duration;

const ROUNDS: usize = 7;

/// Prints `SECONDS` that the containers were away. Asked of systemd and of the engine afterwards:
/// who asks the engine while it is down would have its socket start it.
const AWAY: &str = r#"
away() {
    local began; began=$(systemctl show docker.service -p ActiveExitTimestamp --timestamp=us+utc | cut -d= -f2)
    began=$(date -d "${began#* }" +%s.%N)
    for n in $(seq 100); do [ "$(docker ps -q | wc -l)" = "$count" ] && break; sleep 0.1; done
    docker inspect $(docker ps -q) -f '{{.State.StartedAt}}' | while read -r at; do date -d "$at" +%s.%N; done |
        sort -n | tail -1 | awk -v began="$began" '{ printf "%.3f\n", $1 - began }'
}"#;

pub fn beside_a_bare_restart() {
    println!(
        "\ndowntime of a verified apply, ten containers (floor: systemctl restart docker; goal: at \
         most 1.1 x)"
    );
    let lab = Lab::with_ten_containers();
    let mut times: [Vec<Duration>; 3] = Default::default();
    let ways = [
        (
            "systemctl restart docker",
            "systemctl restart docker.service",
        ),
        (
            "rebridge apply",
            "rebridge apply --yes --json --avoid 172.17.0.0/16 >/dev/null",
        ),
        (
            "rebridge rollback",
            "rebridge rollback --yes --json >/dev/null",
        ),
    ];
    for _ in 0..ROUNDS {
        for ((_, command), times) in ways.iter().zip(&mut times) {
            let script = format!(
                "{AWAY}\ncount=10; systemctl reset-failed docker.service docker.socket; {command}; \
                 sleep 0.5; away"
            );
            let seconds: f64 = lab.ask(&script).trim().parse().expect("seconds");
            times.push(Duration::from_secs_f64(seconds));
        }
    }
    let floor = median(&mut times[0]).as_secs_f64();
    for ((name, _), times) in ways.iter().zip(&mut times) {
        let median = median(times).as_secs_f64();
        println!(
            "  {name:<34} {:>9.0} ms   {:>6.2} x",
            median * 1e3,
            median / floor
        );
    }
}
