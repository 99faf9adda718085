//! When and how a process is started again.

use std::time::Duration;

use landfall_model::spec::RestartSpec;
use proptest::prelude::*;

use super::{JITTER, Restart, RestartPolicy};

const SECOND: Duration = Duration::from_secs(1);

fn spec() -> RestartSpec {
    RestartSpec {
        backoff: Duration::from_millis(100),
        max_backoff: 30 * SECOND,
        crash_loop_exits: 5,
        crash_loop_window: 60 * SECOND,
        stable_after: 60 * SECOND,
    }
}

#[test]
fn the_delay_doubles_with_each_exit_up_to_the_longest() {
    let mut policy = RestartPolicy::new(RestartSpec {
        crash_loop_exits: 0,
        ..spec()
    });
    let delays: Vec<u128> = (0..11)
        .map(|_| policy.exited(SECOND, SECOND, 0.0).delay.as_millis())
        .collect();
    let expected = [
        100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000,
    ];
    assert_eq!(delays, expected);
}

#[test]
fn too_many_exits_in_the_window_are_a_crash_loop_at_the_longest_delay() {
    let mut policy = RestartPolicy::new(spec());
    let outcomes: Vec<Restart> = (1..=5)
        .map(|n| policy.exited(n * SECOND, SECOND, 0.0))
        .collect();
    assert!(outcomes[..4].iter().all(|outcome| !outcome.crash_looping));
    assert_eq!(
        outcomes[4],
        Restart {
            delay: 30 * SECOND,
            crash_looping: true
        }
    );
}

#[test]
fn the_same_exits_spread_over_more_than_the_window_are_none() {
    let mut policy = RestartPolicy::new(spec());
    for n in 1..=50 {
        assert!(!policy.exited(n * 16 * SECOND, SECOND, 0.0).crash_looping);
    }
}

#[test]
fn a_crash_loop_ends_with_a_stable_run() {
    let mut policy = RestartPolicy::new(spec());
    for n in 1..=6 {
        policy.exited(n * SECOND, SECOND, 0.0);
    }
    assert!(policy.exited(50 * SECOND, 30 * SECOND, 0.0).crash_looping);
    let after = policy.exited(150 * SECOND, 60 * SECOND, 0.0);
    assert_eq!(
        after,
        Restart {
            delay: Duration::from_millis(100),
            crash_looping: false
        }
    );
}

proptest! {
    #[test]
    fn whatever_happens_the_delay_stays_within_its_bounds(
        backoff in 0_u64..5_000, max in 0_u64..100_000, exits in 0_u32..10,
        window in 0_u64..100_000, stable in 0_u64..100_000,
        history in prop::collection::vec((0_u64..200_000, 0_u64..200_000, 0.0_f64..1.0), 1..60),
    ) {
        let millis = Duration::from_millis;
        let mut policy = RestartPolicy::new(RestartSpec {
            backoff: millis(backoff), max_backoff: millis(max), crash_loop_exits: exits,
            crash_loop_window: millis(window), stable_after: millis(stable),
        });
        let mut now = Duration::ZERO;
        for (pause, ran, random) in history {
            now += millis(pause) + millis(ran);
            let restart = policy.exited(now, millis(ran), random);
            prop_assert!(restart.delay <= millis(max.max(backoff)));
            prop_assert!(restart.delay >= millis(backoff).mul_f64(1.0 - JITTER).saturating_sub(millis(1)));
            prop_assert!(exits != 0 || !restart.crash_looping);
            if ran >= stable && exits != 1 {
                prop_assert!(!restart.crash_looping);
                prop_assert!(restart.delay <= millis(backoff));
            }
        }
    }

    #[test]
    fn a_crash_loop_is_told_exactly_when_the_window_holds_enough_exits(
        exits in 2_u32..6, window in 1_u64..50_000,
        pauses in prop::collection::vec(0_u64..20_000, 1..40),
    ) {
        let millis = Duration::from_millis;
        let never = Duration::MAX;
        let mut policy = RestartPolicy::new(RestartSpec {
            crash_loop_exits: exits, crash_loop_window: millis(window), stable_after: never, ..spec()
        });
        let (mut now, mut times, mut expected) = (0, Vec::new(), false);
        for pause in pauses {
            now += pause;
            times.push(now);
            let within = times.iter().filter(|&&at| now - at <= window).count();
            expected |= within >= exits as usize;
            prop_assert_eq!(policy.exited(millis(now), Duration::ZERO, 0.5).crash_looping, expected);
        }
    }
}
