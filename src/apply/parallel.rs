//! The same order for many containers at the same time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many orders that keep the engine busy: it does little more when asked more at once.
const BUSY: usize = 8;

/// So many orders that only wait for a container to stop.
const WAITING: usize = 128;

/// Does it for each, in no order; what went wrong.
pub fn for_each<T: Sync, E: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<(), E> + Sync,
) -> Vec<E> {
    at_once(BUSY, items, work)
}

/// The same for work that is waiting.
pub fn wait_for_each<T: Sync, E: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<(), E> + Sync,
) -> Vec<E> {
    at_once(WAITING, items, work)
}

fn at_once<T: Sync, E: Send>(
    number: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<(), E> + Sync,
) -> Vec<E> {
    let next = AtomicUsize::new(0);
    let problems = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..number.min(items.len()) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(problem) = work(item)
                        && let Ok(mut problems) = problems.lock()
                    {
                        problems.push(problem);
                    }
                }
            });
        }
    });
    problems.into_inner().unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn each_is_done_once_and_every_problem_comes_back() {
        let done = Mutex::new(Vec::new());
        let mut problems = for_each(&(0..100).collect::<Vec<u32>>(), |number| {
            done.lock().unwrap().push(*number);
            if number % 40 == 0 {
                Err(number.to_string())
            } else {
                Ok(())
            }
        });
        let mut done = done.into_inner().unwrap();
        done.sort_unstable();
        problems.sort();
        assert_eq!(done, (0..100).collect::<Vec<u32>>());
        assert_eq!(problems, ["0", "40", "80"]);
    }
}
