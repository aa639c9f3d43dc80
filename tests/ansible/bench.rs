//! `make bench-ansible`: the play beside the same job with stock modules, and an inventory of a thousand hosts. Not part
//! of the tier.

use crate::controller::{Controller, Played};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const HOSTS: [(&str, &str); 3] = [("h20", "bookworm"), ("h26", "trixie"), ("h28", "forky")];
const ROUNDS: usize = 5;

/// The wall time of a play that must succeed, with so many changes on each host.
fn timed(controller: &Controller, play: &str, changes: u32) -> Duration {
    let began = Instant::now();
    let played = controller.playbook(&[play]);
    let took = began.elapsed();
    assert_eq!(played.code, 0, "{played:?}");
    for (host, _) in HOSTS {
        assert_eq!(played.recap(host).0.min(1), changes, "{played:?}");
    }
    took
}

/// docker0 back on the range that hides the server, as a fresh host has it.
fn reset(controller: &Controller) {
    for (host, _) in HOSTS {
        let lab = controller.lab.at(host);
        lab.sh("systemctl stop docker.socket docker.service; ip link del docker0 || true
                rm -rf /etc/docker/daemon.json* /var/lib/docker/network /var/lib/rebridge
                systemctl reset-failed docker.service docker.socket; systemctl start docker.service");
        assert_eq!(lab.docker0(), "172.17.0.1/16");
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

#[test]
fn whole_bench_beside_stock_modules() {
    let controller = Controller::up(&HOSTS);
    let stock =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ansible/stock.yml"))
            .unwrap();
    controller.write("stock.yml", &stock);
    let ours = controller.play_of("{avoid: 172.17.0.0/16, probe: '172.17.50.10:8080'}");
    // Connections and the binary are there, as on every run but the first.
    controller.module("{state: checked}", &[]);
    controller.play_of("{avoid: 172.17.0.0/16, probe: '172.17.50.10:8080'}");
    let mut times: [Vec<Duration>; 4] = Default::default();
    // Turn by turn, so that whatever else the machine does meets both alike.
    for _ in 0..ROUNDS {
        for (at, play) in ["stock.yml", ours.as_str()].into_iter().enumerate() {
            reset(&controller);
            times[at].push(timed(&controller, play, 1));
            times[at + 2].push(timed(&controller, play, 0));
        }
    }
    let [stock_change, ours_change, stock_none, ours_none] = times.map(median);
    println!("\nmedian of {ROUNDS}, three hosts     stock modules   rebridge   ratio");
    println!(
        "something changes        {stock_change:12.2} s {ours_change:8.2} s {:7.2}",
        ours_change / stock_change
    );
    println!(
        "nothing changes          {stock_none:12.2} s {ours_none:8.2} s {:7.2}",
        ours_none / stock_none
    );
    assert!(
        ours_change < stock_change && ours_none < stock_none,
        "slower than stock modules"
    );
}

/// A thousand hosts of 200 addresses each in the inventory, known from a fact cache; how many
/// addresses.
fn crowd(controller: &Controller) -> usize {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ansible/crowd.py");
    let made = controller.ansible("python", &[script.to_str().unwrap()]);
    assert_eq!(made.code, 0, "{made:?}");
    let inventory = fs::read_to_string(controller.folder.join("inventory")).unwrap();
    controller.write("inventory", &(inventory + "[crowd]\n" + &made.stdout));
    made.stdout.lines().count() * 200
}

#[test]
fn whole_bench_a_thousand_hosts() {
    let controller = Controller::up(&[("h26", "trixie")]);
    let config = "[defaults]\nfact_caching = ansible.builtin.jsonfile\nfact_caching_connection = \
                  facts\ngathering = smart\n";
    controller.write("ansible.cfg", config);
    let played = |options: &str| -> (Played, Duration) {
        let began = Instant::now();
        let played = controller.module(options, &["--limit", "h26"]);
        assert_eq!(played.code, 0, "{played:?}");
        (played, began.elapsed())
    };
    // The first task brings the binary, the second finds it; the connection is there for both.
    controller.ansible("ansible", &["hosts", "-m", "raw", "-a", "true"]);
    let (_, first) = played("{state: checked}");
    let (_, alone) = played("{state: checked}");
    let addresses = crowd(&controller);
    let (_, idle) = played("{state: checked}");
    let (_, known) = played("{state: checked, avoid_inventory: true}");
    let result = controller.result("h26");
    assert_eq!(
        result["avoid_inventory"]["networks"], addresses,
        "{}",
        result["avoid_inventory"]
    );
    assert_eq!(result["outcome"], "clashing");
    let size = result.to_string().len();
    // A program in between that weighs the args file on its way to rebridge.
    let weigh = "#!/bin/sh\nset -- \"${1:-/dev/stdin}\"\nwc -c <\"$1\" >/root/args.size\nexec \
                 /usr/bin/rebridge \"$1\"\n";
    controller.lab.put("/root/weigh", weigh);
    controller.lab.sh("chmod +x /root/weigh");
    played("{state: checked, avoid_inventory: true, executable: /root/weigh}");
    let args: usize = controller
        .lab
        .read("/root/args.size")
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let binary = controller
        .lab
        .sh("stat -c %s /var/cache/rebridge/rebridge-*");
    let (_, fixed) = played("{avoid_inventory: true}");
    assert_eq!(
        controller.result("h26")["outcome"],
        "changed",
        "{}",
        controller.result("h26")["msg"]
    );
    println!(
        "\n1000 hosts, {addresses} addresses: one host looked at in {:.2} s, {:.2} s without avoid_inventory ({:.2} s with \
              an inventory of one host); fixed in {:.2} s; the args file has {} KiB, the result {} KiB, {} clashes found and {} listed\n\
              the first task {:.2} s with an upload of {} KiB, the second {:.2} s",
        known.as_secs_f64(),
        idle.as_secs_f64(),
        alone.as_secs_f64(),
        fixed.as_secs_f64(),
        args / 1024,
        size / 1024,
        result["clashes_total"],
        result["clashes"].as_array().unwrap().len(),
        first.as_secs_f64(),
        binary.trim().parse::<usize>().unwrap() / 1024,
        alone.as_secs_f64(),
    );
}
