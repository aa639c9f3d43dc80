//! Times whole processes in turns, so that what else goes on hits all of them alike.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs each command so many times, in turns, and prints the median of each with its ratio to the
/// first. A command is `NAME=shell words`.
pub fn compare(runs: usize, commands: &[&str]) {
    let commands: Vec<(&str, &str)> = commands
        .iter()
        .map(|word| word.split_once('=').expect("NAME=words"))
        .collect();
    let mut times = vec![Vec::with_capacity(runs); commands.len()];
    for run in 0..=runs {
        for ((_, words), times) in commands.iter().zip(&mut times) {
            let took = time(words);
            // The first round warms caches.
            if run > 0 {
                times.push(took);
            }
        }
    }
    let medians: Vec<Duration> = times.iter_mut().map(|times| median(times)).collect();
    for ((name, _), median) in commands.iter().zip(&medians) {
        let ratio = median.as_secs_f64() / medians[0].as_secs_f64();
        println!(
            "  {name:<34} {:>9.2} ms   {ratio:>6.2} x",
            median.as_secs_f64() * 1e3
        );
    }
}

fn time(words: &str) -> Duration {
    let words: Vec<&str> = words.split(' ').collect();
    let mut command = match words.as_slice() {
        ["sh", "-c", ..] => {
            let mut command = Command::new("sh");
            command.arg("-c").arg(words[2..].join(" "));
            command
        }
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
        [] => panic!("an empty command"),
    };
    let began = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .expect("the command starts");
    let took = began.elapsed();
    // check exits 1 where something clashes; everything else is a failure.
    assert!(matches!(status.code(), Some(0 | 1)), "{words:?}: {status}");
    took
}

pub fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
