//! What time it is: the only place that reads the system's clock.
//!
//! A [`Clock`] never runs backwards, neither while the process lives nor, once [`Clock::never_before`] was told the
//! highest time in the database, across restarts. It never stands still either: where the machine's clock is set back, time
//! goes on from the highest time seen. It can also be waited for, so that tests move time by hand.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::watch;

/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A moment: whole milliseconds since 1970-01-01T00:00:00Z, not after 9999-12-30.
///
/// In JSON and in text it is RFC 3339 in UTC with exactly three fractional digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The last millisecond that jiff reads and writes in every time zone: 9999-12-30T21:59:59.999Z.
const LAST_MS: i64 = 253_402_207_199_999;

/// The last microsecond of [`LAST_MS`].
const LAST_MICROS: i64 = LAST_MS * 1000 + 999;

/// How far time may be ahead of the machine's clock before an operator is told of it, in milliseconds.
pub const TOLD_AHEAD_MS: u64 = 5_000;

/// How far time may be ahead of the machine's clock before a server asks whether that is meant: a day, in milliseconds.
pub const MOST_AHEAD_MS: u64 = 24 * 60 * 60 * 1000;

/// The longest sleep towards a deadline, so that a suspended machine notices soon after it wakes.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The last one that there is.
    pub const LAST: Self = Self(LAST_MS);

    /// From milliseconds since the epoch; `None` before 1970 and after 9999-12-30.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Option<Self> {
        if millis >= 0 && millis <= LAST_MS { Some(Self(millis)) } else { None }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the day that it is in, in UTC: how many days there were since 1970.
    #[must_use]
    pub const fn day(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }

    /// Returns how many milliseconds are left of its day.
    #[must_use]
    pub const fn left_of_day_ms(self) -> u64 {
        (DAY_MS - self.0.rem_euclid(DAY_MS)).unsigned_abs()
    }

    /// This moment and `millis` more; `None` when that is after 9999-12-30.
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Option<Self> {
        i64::try_from(millis).ok().and_then(|more| self.0.checked_add(more)).and_then(Self::from_millis)
    }

    /// How many milliseconds have passed since `earlier`; 0 when none have.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0 - earlier.0).unwrap_or(0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{moment:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = &'static str;

    /// Reads RFC 3339 with any offset; what is finer than a millisecond is cut off.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(|moment| moment.to_zoned(TimeZone::UTC).timestamp().as_millisecond())
            .and_then(Self::from_millis)
            .ok_or("a time is written as in RFC 3339, for example 2030-01-31T12:00:00.000Z")
    }
}

/// How every time begins: there is none before 1970.
const FROM_1970: &str = "^(19[7-9][0-9]|[2-9][0-9]{3})-";

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).pattern(Some(FROM_1970)).into()
    }
}

impl utoipa::ToSchema for Timestamp {}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A future that ends when its moment has come.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Where the time comes from: [`SystemClock`], or [`ManualClock`] in tests.
pub trait Clock: Send + Sync + 'static {
    /// The time now: never earlier than any time that this clock gave before.
    fn now(&self) -> Timestamp;

    /// From here on, no time before `floor`.
    fn never_before(&self, floor: Timestamp);

    /// From here on, time goes as on a clock that all servers share and that shows `moment` now, and not as on the machine's own. It
    /// still never runs backwards: where that clock is behind, time stands still until it has come as far.
    fn follow(&self, moment: Timestamp);

    /// How many milliseconds the time is ahead of the machine's clock, which was set back or is behind the floor.
    fn ahead_ms(&self) -> u64;

    /// Ends when `moment` has come, or somewhat earlier: look at [`Clock::now`] again.
    fn sleep_until(&self, moment: Timestamp) -> Sleep<'_>;
}

/// The machine's wall clock. Where it is set back, time goes on from its highest reading at the pace of the monotonic clock.
#[derive(Debug)]
pub struct SystemClock {
    begun: Instant,
    offset: Offset,
    shared: Shared,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { begun: Instant::now(), offset: Offset::default(), shared: Shared::default() }
    }
}

impl SystemClock {
    /// Microseconds of the wall clock, and those since this clock was made.
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the system's clock is read")]
    fn read(&self) -> (i64, i64) {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        (micros(since_epoch), micros(self.begun.elapsed()))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(LAST_MICROS).min(LAST_MICROS)
}

/// The most that the wall clock was ever ahead of the monotonic clock, in microseconds.
#[derive(Debug)]
struct Offset(AtomicI64);

impl Default for Offset {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Offset {
    /// The time now, given what both clocks show: never earlier than before, and later as soon as `monotonic` is.
    fn now(&self, wall: i64, monotonic: i64) -> i64 {
        let ahead = wall.saturating_sub(monotonic);
        let highest = self.0.fetch_max(ahead, Ordering::Relaxed).max(ahead);
        monotonic.saturating_add(highest).min(LAST_MICROS)
    }
}

/// A clock that several servers share, as far as this one knows it: in microseconds.
#[derive(Debug)]
struct Shared {
    /// How far it was ahead of the monotonic clock when it was last looked at; `i64::MIN` where there is none.
    ahead: AtomicI64,
    /// The latest time that was given.
    latest: AtomicI64,
}

impl Default for Shared {
    fn default() -> Self {
        Self { ahead: AtomicI64::new(i64::MIN), latest: AtomicI64::new(0) }
    }
}

impl Shared {
    fn set(&self, shown: i64, monotonic: i64) {
        self.ahead.store(shown.saturating_sub(monotonic), Ordering::Relaxed);
    }

    fn never_before(&self, floor: i64) {
        self.latest.fetch_max(floor, Ordering::Relaxed);
    }

    /// What it shows, and what the time is by it: never earlier than before. `None` where there is none.
    fn now(&self, monotonic: i64) -> Option<(i64, i64)> {
        let ahead = Some(self.ahead.load(Ordering::Relaxed)).filter(|ahead| *ahead != i64::MIN)?;
        let shown = monotonic.saturating_add(ahead).min(LAST_MICROS);
        Some((shown, self.latest.fetch_max(shown, Ordering::Relaxed).max(shown)))
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let (wall, monotonic) = self.read();
        let now = self.shared.now(monotonic).map(|(_, now)| now);
        Timestamp(now.unwrap_or_else(|| self.offset.now(wall, monotonic)) / 1000)
    }

    fn never_before(&self, floor: Timestamp) {
        let (_, monotonic) = self.read();
        let floor = floor.0.saturating_mul(1000);
        self.offset.now(floor, monotonic);
        self.shared.never_before(floor);
    }

    fn follow(&self, moment: Timestamp) {
        let (_, monotonic) = self.read();
        self.shared.set(moment.0.saturating_mul(1000), monotonic);
    }

    fn ahead_ms(&self) -> u64 {
        let (wall, monotonic) = self.read();
        let (shown, now) = self.shared.now(monotonic).unwrap_or_else(|| (wall, self.offset.now(wall, monotonic)));
        u64::try_from(now - shown).unwrap_or(0) / 1000
    }

    fn sleep_until(&self, moment: Timestamp) -> Sleep<'_> {
        let wait = Duration::from_millis(moment.millis_since(self.now())).min(LONGEST_SLEEP);
        Box::pin(tokio::time::sleep(wait))
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: watch::Sender<i64>,
}

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self { now_ms: watch::Sender::new(start.0) }
    }

    /// Moves the clock forward and wakes those who sleep until then.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(LAST_MS);
        self.now_ms.send_modify(|now| *now = now.saturating_add(millis).min(LAST_MS));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(*self.now_ms.borrow())
    }

    fn ahead_ms(&self) -> u64 {
        0
    }

    fn never_before(&self, floor: Timestamp) {
        self.now_ms.send_modify(|now| *now = (*now).max(floor.0));
    }

    fn follow(&self, _: Timestamp) {
        // Only whoever holds it moves it.
    }

    fn sleep_until(&self, moment: Timestamp) -> Sleep<'_> {
        let mut now = self.now_ms.subscribe();
        Box::pin(async move {
            // The sender lives as long as `self`, so the wait cannot fail.
            let _ = now.wait_for(|now| *now >= moment.0).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_written_with_exactly_three_fractional_digits() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_700_000_000_120, "2023-11-14T22:13:20.120Z"),
            (LAST_MS, "9999-12-30T21:59:59.999Z"),
        ] {
            let moment = Timestamp::from_millis(millis);
            assert_eq!(moment.map(|m| m.to_string()).as_deref(), Some(text));
            assert_eq!(text.parse().ok(), moment);
        }
    }

    #[test]
    fn a_time_outside_four_digits_of_a_year_is_refused() {
        assert_eq!(Timestamp::from_millis(LAST_MS + 1), None);
        assert_eq!(Timestamp::from_millis(-1), None);
        assert!("1969-12-31T23:59:59.999Z".parse::<Timestamp>().is_err());
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn the_system_clock_never_shows_a_time_before_its_floor() {
        let clock = SystemClock::default();
        let future = Timestamp(clock.now().as_millis() + 3_600_000);
        clock.never_before(future);
        assert!(clock.now() >= future);
        assert!(clock.ahead_ms() > TOLD_AHEAD_MS);
    }

    #[test]
    fn a_clock_that_is_not_set_back_is_not_ahead() {
        let clock = SystemClock::default();
        clock.now();
        assert!(clock.ahead_ms() < TOLD_AHEAD_MS);
    }

    #[test]
    fn from_a_floor_time_goes_on_at_the_pace_of_the_monotonic_clock() {
        let offset = Offset::default();
        assert_eq!(offset.now(9_000, 5), 9_000);
        assert_eq!(offset.now(1_000, 25), 9_020);
        assert_eq!(offset.now(9_500, 26), 9_500, "a wall clock that is later counts");
        assert_eq!(offset.now(0, 30), 9_504);
        assert_eq!(offset.now(LAST_MICROS, 31), LAST_MICROS);
        assert_eq!(offset.now(0, 32), LAST_MICROS, "there is no time after the last");
    }

    proptest! {
        /// The wall clock jumps forth and back as it likes.
        #[test]
        fn time_never_decreases_and_never_stands_still_while_the_monotonic_clock_advances(
            readings in prop::collection::vec((0_i64..1_000_000_000_000, 0_i64..1_000_000), 1..100),
        ) {
            let (offset, mut monotonic, mut before) = (Offset::default(), 0, None);
            for (wall, passed) in readings {
                monotonic += passed;
                let now = offset.now(wall, monotonic);
                prop_assert!(now >= wall, "it is behind the wall clock");
                prop_assert!(before.is_none_or(|before| now >= before + passed), "{before:?} {now} {passed}");
                before = Some(now);
            }
        }
    }
}
