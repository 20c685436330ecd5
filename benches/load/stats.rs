//! Percentiles of latencies and medians over rounds: exact, from all values, since a run has no more than memory holds.

use std::time::Duration;

/// Of one run.
#[derive(Clone, Copy, Default)]
pub(crate) struct Percentiles {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) p999: Duration,
    pub(crate) max: Duration,
}

impl Percentiles {
    pub(crate) fn of(mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        // The nearest rank: the smallest latency that so many in a thousand do not exceed.
        let rank = |per_mille: usize| {
            let rank = (latencies.len() * per_mille).div_ceil(1_000).max(1);
            latencies.get(rank - 1).copied().unwrap_or_default()
        };
        Self { p50: rank(500), p99: rank(990), p999: rank(999), max: rank(1_000) }
    }

    /// Each percentile's median over several runs.
    pub(crate) fn median(runs: &[Self]) -> Self {
        let of = |percentile: fn(&Self) -> Duration| median_duration(runs.iter().map(percentile));
        Self { p50: of(|p| p.p50), p99: of(|p| p.p99), p999: of(|p| p.p999), max: of(|p| p.max) }
    }
}

/// Zero of nothing.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let upper = values.get(values.len() / 2).copied().unwrap_or_default();
    let lower = values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    f64::midpoint(lower, upper)
}

pub(crate) fn median_duration(values: impl Iterator<Item = Duration>) -> Duration {
    Duration::from_secs_f64(median(values.map(|value| value.as_secs_f64())))
}

/// The median of the ratios of runs that stood next to each other: what drifts between rounds falls out.
pub(crate) fn median_ratio(numerators: &[f64], denominators: &[f64]) -> f64 {
    median(numerators.iter().zip(denominators).map(|(numerator, denominator)| numerator / denominator))
}
