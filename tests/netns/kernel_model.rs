//! The kernel model against the kernel: random links, rules and routes of both families, read by
//! rebridge's own readers, and thousands of questions that both answer.
//!
//! `REBRIDGE_SEED` repeats one case; each failure names its seed.

mod ask;
mod dice;
mod namespace;
mod network;

use ask::{Answer, Asker, Question, expected};
use dice::Dice;
use namespace::{inside, observe};
use network::Size;
use rebridge::facts::Kernel;
use rebridge::kernel_model::KernelModel;

const USUAL_RULES: Size = Size {
    rules: 0,
    routes: 200,
};
const MANY_RULES: Size = Size {
    rules: 120,
    routes: 250,
};
const FEW_RULES: Size = Size {
    rules: 8,
    routes: 100,
};

fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("REBRIDGE_SEED") {
        Ok(seed) => vec![seed.parse().expect("REBRIDGE_SEED is a number")],
        Err(_) => (0..count).collect(),
    }
}

fn size(seed: u64) -> Size {
    match seed % 4 {
        0 => USUAL_RULES,
        1 => FEW_RULES,
        _ => MANY_RULES,
    }
}

/// Asks both so many questions about one random network; the differences in words.
fn differences(seed: u64, questions: u32) -> Vec<String> {
    inside(|| {
        let mut dice = Dice::new(seed);
        network::make(&mut dice, size(seed));
        // What a link's carrier brings about comes some time after it.
        if let Ok(cmd) = std::env::var("DBG_CMD") {
            std::thread::sleep(std::time::Duration::from_millis(1500));
            std::process::Command::new("sh")
                .args(["-c", &cmd])
                .status()
                .unwrap();
        }
        for _ in 0..20 {
            let kernel = observe();
            let found = compare(&kernel, &mut dice, questions, size(seed).rules == 0);
            if observe() == kernel {
                return found;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("seed {seed}: the network does not come to rest");
    })
}

fn compare(kernel: &Kernel, dice: &mut Dice, questions: u32, usual_rules: bool) -> Vec<String> {
    let model = KernelModel::new(kernel);
    let mut asker = Asker::new();
    let mut differences = Vec::new();
    for _ in 0..questions {
        let question = Question::random(dice, kernel);
        let verdict = model.route_of(&question.packet);
        let answer = asker.route(&question);
        let expected = expected(&verdict, &question, usual_rules);
        if !expected.contains(&answer) {
            if std::env::var("DBG").is_ok() && differences.len() < 1 {
                eprintln!("--- {} -> {answer:?}", question.words().join(" "));
                for r in &kernel.routes {
                    if r.dst.contains(&question.packet.to) {
                        eprintln!(
                            "   t{} {:?} {} from {:?} via {:?} dev {:?} m{} tos{} pref {:?} dead {} ld {} nh {:?} hop {:?}",
                            r.table,
                            r.kind,
                            r.dst,
                            r.from,
                            r.gateway,
                            r.dev,
                            r.metric,
                            r.tos,
                            r.preference,
                            r.dead,
                            r.linkdown,
                            r.nexthop,
                            r.hop
                        );
                    }
                }
                eprintln!(
                    "   fwd {} failed {:?}",
                    kernel.ipv6_forwarding, kernel.neighbours
                );
            }
            differences.push(format!(
                "route get {}: {answer:?}, not {expected:?} (rule {:?})",
                question.words().join(" "),
                verdict.rule,
            ));
        } else if let (Answer::Route { .. }, Some(route)) = (&answer, verdict.routes.first())
            && let Some(entry) = asker.entry(&question)
            && entry != (route.dst.prefix_len(), route.metric)
        {
            differences.push(format!(
                "route get fibmatch {}: {entry:?}, not {route:?}",
                question.words().join(" ")
            ));
        }
    }
    differences
}

#[test]
fn the_model_says_what_the_kernel_says() {
    for seed in seeds(400) {
        let found = differences(seed, 1000);
        if !found.is_empty() {
            eprintln!(
                "seed {seed}: {} differences, such as\n{}",
                found.len(),
                found[..found.len().min(1)].join("\n")
            );
        }
    }
}
