//! Whether a release answers real traffic clearly worse than another. Pure.

use landfall_model::snapshot::{CounterRow, Counters, LATENCY_BUCKETS_US};
use landfall_model::spec::WatchSpec;
use landfall_model::{ReleaseNumber, ServiceName};
use landfall_store::EnvironmentKey;

/// Standard errors that a difference of shares must exceed before it counts: a difference that
/// chance makes less often than once in 700 comparisons (one-sided normal, 3 σ).
const SIGMAS: f64 = 3.0;
/// A median below this is never called slow, whatever it was before.
const FAST_ENOUGH_US: u64 = 50_000;

/// What the proxy counted for one service in one release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    answers: u64,
    errors: u64,
    latency: Vec<u64>,
}

/// What a comparison concludes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The new release is clearly worse, and how.
    Worse(String),
    /// It is not.
    NotWorse,
    /// There were too few requests to say.
    TooFew,
}

impl Tally {
    /// The tally of a service in these releases.
    pub fn of(
        counters: &Counters,
        key: &EnvironmentKey,
        service: &ServiceName,
        releases: &[ReleaseNumber],
    ) -> Self {
        let mine = |row: &&CounterRow| {
            row.app == key.app
                && row.environment == key.environment
                && row.service == *service
                && releases.contains(&row.release)
        };
        let mut tally = Self::default();
        for row in counters.rows.iter().filter(mine) {
            tally.answers += row.by_class.iter().sum::<u64>() + row.proxy_errors;
            tally.errors += row.by_class[4] + row.proxy_errors;
            tally
                .latency
                .resize(tally.latency.len().max(row.latency.len()), 0);
            for (sum, count) in tally.latency.iter_mut().zip(&row.latency) {
                *sum += count;
            }
        }
        tally
    }

    /// Requests, those that the proxy answered in the app's place included.
    pub fn requests(&self) -> u64 {
        self.answers
    }

    /// For a person.
    pub fn describe(&self, whose: &str) -> String {
        let median = self
            .median_us()
            .map_or("unknown".into(), |us| format!("{} ms", us as f64 / 1e3));
        format!(
            "{whose}: {} requests, {} errors ({:.1}%), median below {median}",
            self.answers,
            self.errors,
            100.0 * self.error_share(),
        )
    }

    fn error_share(&self) -> f64 {
        if self.answers == 0 {
            0.0
        } else {
            self.errors as f64 / self.answers as f64
        }
    }

    /// Upper bound of the bucket that holds the median.
    fn median_us(&self) -> Option<u64> {
        let total: u64 = self.latency.iter().sum();
        let mut seen = 0;
        for (index, count) in self.latency.iter().enumerate() {
            seen += count;
            if total > 0 && 2 * seen >= total {
                return Some(LATENCY_BUCKETS_US.get(index).copied().unwrap_or(u64::MAX));
            }
        }
        None
    }
}

/// Compares the new release with the old one.
pub fn compare(watch: &WatchSpec, old: &Tally, new: &Tally) -> Verdict {
    let enough = |tally: &Tally| tally.answers >= watch.min_requests.max(1);
    if !enough(new) || !enough(old) {
        return Verdict::TooFew;
    }
    let increase = new.error_share() - old.error_share();
    if increase > watch.max_error_increase && increase > SIGMAS * standard_error(old, new) {
        return Verdict::Worse(format!(
            "{:.1}% of its answers are errors, {:.1}% before",
            100.0 * new.error_share(),
            100.0 * old.error_share(),
        ));
    }
    match (old.median_us(), new.median_us()) {
        (Some(before), Some(after))
            if after > FAST_ENOUGH_US && after as f64 > before as f64 * watch.max_slowdown =>
        {
            let ms = |us: u64| us as f64 / 1e3;
            let (after, before) = (ms(after), ms(before));
            Verdict::Worse(format!(
                "its median answer takes up to {after} ms, {before} ms before"
            ))
        }
        _ => Verdict::NotWorse,
    }
}

/// Standard error of the difference of two shares, by the pooled estimate.
fn standard_error(old: &Tally, new: &Tally) -> f64 {
    let (n1, n2) = (old.answers as f64, new.answers as f64);
    let pooled = (old.errors + new.errors) as f64 / (n1 + n2);
    (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn watch() -> WatchSpec {
        WatchSpec {
            window: Duration::from_secs(30),
            min_requests: 20,
            max_error_increase: 0.02,
            max_slowdown: 3.0,
            services: vec![],
        }
    }

    fn tally(answers: u64, errors: u64, bucket: usize) -> Tally {
        let mut latency = vec![0; LATENCY_BUCKETS_US.len() + 1];
        latency[bucket] = answers;
        Tally {
            answers,
            errors,
            latency,
        }
    }

    #[test]
    fn b3_a_release_that_errs_is_clearly_worse() {
        let verdict = compare(&watch(), &tally(1000, 1, 3), &tally(60, 20, 3));
        assert!(matches!(verdict, Verdict::Worse(_)), "{verdict:?}");
    }

    #[test]
    fn b3_an_app_that_always_erred_is_not_gone_back_from() {
        let verdict = compare(&watch(), &tally(1000, 300, 3), &tally(60, 20, 3));
        assert_eq!(verdict, Verdict::NotWorse);
    }

    #[test]
    fn b3_few_requests_prove_nothing() {
        assert_eq!(
            compare(&watch(), &tally(1000, 0, 3), &tally(5, 5, 3)),
            Verdict::TooFew
        );
        assert_eq!(
            compare(&watch(), &tally(0, 0, 3), &tally(500, 0, 3)),
            Verdict::TooFew
        );
    }

    #[test]
    fn b3_a_release_that_is_much_slower_is_clearly_worse() {
        let verdict = compare(&watch(), &tally(1000, 0, 4), &tally(100, 0, 12));
        assert!(matches!(verdict, Verdict::Worse(_)), "{verdict:?}");
        assert_eq!(
            compare(&watch(), &tally(1000, 0, 2), &tally(100, 0, 6)),
            Verdict::NotWorse
        );
    }
}
