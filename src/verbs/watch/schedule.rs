//! When to look again. Pure: it takes what happened and when, and says when the next look is due.
//!
//! A few changes are looked at once, because a VPN that comes up makes a few, at times in two or
//! three strokes. Where much changes all the time, as on a router, there is one look in five seconds.

use std::time::{Duration, Instant};

/// From the end of a look to the next one, where much changes.
pub const PAUSE: Duration = Duration::from_secs(5);

/// Since the last look; a VPN with a hundred routes is a rare one.
const MUCH: usize = 100;

/// However little changes, there are no more than three looks in three pauses.
const LOOKS: usize = 3;
const THREE_PAUSES: Duration = PAUSE.saturating_mul(3);

/// One look sees all that belongs together if it waits until nothing has changed for so long …
const STILL: Duration = Duration::from_millis(50);

/// … but it does not wait longer than this.
const PATIENCE: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
pub struct Schedule {
    change: Option<Change>,
    asked: Option<Instant>,
    /// When the last looks ended, the newest first.
    looks: [Option<Instant>; LOOKS],
}

#[derive(Debug, Clone, Copy)]
struct Change {
    first: Instant,
    last: Instant,
    count: usize,
}

impl Schedule {
    pub fn changed(&mut self, now: Instant, count: usize) {
        if count == 0 {
            return;
        }
        let change = self.change.get_or_insert(Change {
            first: now,
            last: now,
            count: 0,
        });
        change.last = now;
        change.count = change.count.saturating_add(count);
    }

    /// A look is due then, whatever changes.
    pub fn ask(&mut self, when: Instant) {
        let asked = self.asked.map_or(when, |asked| asked.min(when));
        self.asked = Some(asked);
    }

    pub fn looked(&mut self, now: Instant) {
        self.change = None;
        self.asked = None;
        self.looks.rotate_right(1);
        if let Some(newest) = self.looks.first_mut() {
            *newest = Some(now);
        }
    }

    /// When the next look is due; none if something must happen first.
    pub fn due(&self) -> Option<Instant> {
        let change = self.change.map(|change| {
            let settled = (change.last + STILL).min(change.first + PATIENCE);
            self.end_of_pause(change)
                .map_or(settled, |end| end.max(settled))
        });
        change.into_iter().chain(self.asked).min()
    }

    /// Whether another change would make no difference: much has changed, and a look is not due yet.
    pub fn is_deaf(&self, now: Instant) -> bool {
        let much = self.change.filter(|change| change.count >= MUCH);
        let end = much.and_then(|change| self.end_of_pause(change));
        end.is_some_and(|end| end > now)
    }

    fn end_of_pause(&self, change: Change) -> Option<Instant> {
        let newest = self.looks.first().copied().flatten();
        let oldest = self.looks.last().copied().flatten();
        let much = newest.filter(|_| change.count >= MUCH);
        let ends = [
            much.map(|newest| newest + PAUSE),
            oldest.map(|oldest| oldest + THREE_PAUSES),
        ];
        ends.into_iter().flatten().max()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn idle_nothing_is_due() {
        let (start, mut schedule) = (Instant::now(), Schedule::default());
        assert_eq!(schedule.due(), None);
        schedule.looked(start);
        schedule.changed(start, 0);
        assert_eq!(schedule.due(), None);
        assert!(!schedule.is_deaf(start));
    }

    #[test]
    fn a_change_is_looked_at_once_it_has_settled() {
        let (start, mut schedule) = (Instant::now(), Schedule::default());
        schedule.looked(start);
        schedule.changed(start + ms(1), 1);
        assert_eq!(schedule.due(), Some(start + ms(51)));
        schedule.changed(start + ms(41), 5);
        assert_eq!(schedule.due(), Some(start + ms(91)));
        for more in [81, 121, 161, 191] {
            schedule.changed(start + ms(more), 1);
        }
        assert_eq!(schedule.due(), Some(start + ms(201)), "patience ends");
        assert!(
            !schedule.is_deaf(start + ms(191)),
            "until then more may come"
        );
    }

    /// When looks of this length end, if so much changes every millisecond or every so many.
    fn looks(every: u64, count: usize, length: u64) -> Vec<u64> {
        let (start, mut schedule) = (Instant::now(), Schedule::default());
        schedule.ask(start);
        let (mut now, mut ends) = (0, Vec::new());
        while now < 60_000 {
            if now % every == 0 && !schedule.is_deaf(start + ms(now)) {
                schedule.changed(start + ms(now), count);
            }
            if schedule.due().is_some_and(|due| due <= start + ms(now)) {
                now += length;
                schedule.looked(start + ms(now));
                schedule.changed(
                    start + ms(now),
                    usize::try_from(length / every).unwrap() * count,
                );
                ends.push(now);
            }
            now += 1;
        }
        ends
    }

    #[test]
    fn under_churn_there_is_one_look_in_five_seconds() {
        for length in [30, 300, 1_000, 7_000] {
            let ends = looks(1, 1, length);
            assert!(ends.len() > 4, "{ends:?}");
            assert!(
                ends.windows(2).all(|pair| pair[1] - pair[0] >= 5_000),
                "{ends:?}"
            );
        }
    }

    /// Three looks in a row, and then churn: they must not come in a row again fifteen seconds later.
    #[test]
    fn a_burst_before_the_churn_does_not_come_back() {
        let (start, mut schedule) = (Instant::now(), Schedule::default());
        for look in [0, 500, 1_000] {
            schedule.looked(start + ms(look));
        }
        let mut ends = Vec::new();
        for now in (1_001..60_000).map(|now| start + ms(now)) {
            if !schedule.is_deaf(now) {
                schedule.changed(now, 1);
            }
            if schedule.due().is_some_and(|due| due <= now) {
                schedule.looked(now);
                ends.push(now);
            }
        }
        assert!(ends.len() > 4);
        assert!(ends.windows(2).all(|pair| pair[1] - pair[0] >= PAUSE));
    }

    #[test]
    fn few_changes_are_looked_at_at_once_but_not_for_ever() {
        let ends = looks(700, 2, 30);
        assert!(ends[2] < 2_000, "{ends:?}");
        assert!(
            ends.windows(4).all(|four| four[3] - four[0] >= 15_000),
            "{ends:?}"
        );
        assert!(ends.len() >= 12, "{ends:?}");
    }

    #[test]
    fn lost_changes_are_many() {
        let (start, mut schedule) = (Instant::now(), Schedule::default());
        schedule.looked(start);
        schedule.changed(start, 10_000);
        schedule.changed(start, usize::MAX);
        assert_eq!(schedule.due(), Some(start + PAUSE));
        assert!(schedule.is_deaf(start) && !schedule.is_deaf(start + PAUSE));
    }

    #[test]
    fn who_asks_does_not_wait() {
        let (start, mut schedule) = (Instant::now(), Schedule::default());
        schedule.looked(start);
        schedule.changed(start + ms(1), MUCH);
        schedule.ask(start + ms(30_000));
        schedule.ask(start + ms(2));
        assert_eq!(schedule.due(), Some(start + ms(2)));
        schedule.looked(start + ms(3));
        assert_eq!(schedule.due(), None, "one look answers all");
    }
}
