//! Numbers: what was asked in a stretch of time, day by day and agent by agent, and how each of it ended so far.
//!
//! Whatever was asked counts on the day on which it was asked, however late it ended: so the numbers of a day add up.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::enums::{Outcome, RiskLevel};
use super::id::PrincipalName;
use super::interaction::Status;
use crate::clock::Timestamp;

/// The milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The first day that is counted.
const EPOCH: jiff::civil::Date = jiff::civil::date(1970, 1, 1);

/// The longest stretch of time that is counted, in days: a leap year.
pub const MOST_DAYS: i64 = 366;

/// How far from UTC a day may begin, in minutes: what is in use lies between -12:00 and +14:00.
pub const FURTHEST_OFFSET: i32 = 14 * 60;

/// How many of what was asked ended how; the counts after `asked` add up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Numbers {
    /// What was asked.
    pub asked: u64,
    /// Allowed or denied by a rule.
    pub by_rules: u64,
    /// Approved by a person.
    pub approved: u64,
    /// Rejected by a person.
    pub rejected: u64,
    /// Answered by a person: secrets and questions.
    pub answered: u64,
    /// Over without an answer.
    pub expired: u64,
    /// Taken back by its agent, or closed with its conversation; a secret that was declined, too.
    pub withdrawn: u64,
    /// Not over yet.
    pub pending: u64,
    /// How long half of what persons decided waited at the most, in milliseconds; nothing where they decided nothing.
    pub median_ms: Option<u64>,
    /// How long nine in ten of it waited at the most, in milliseconds.
    pub p90_ms: Option<u64>,
}

impl Numbers {
    /// How many in a hundred rules decided; `None` where nothing was asked.
    #[must_use]
    pub const fn percent_by_rules(&self) -> Option<u64> {
        (self.by_rules * 100 + self.asked / 2).checked_div(self.asked)
    }
}

/// The numbers of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayNumbers {
    /// How many days there were since 1970, by the offset that was asked for.
    pub day: i64,
    /// What was asked on it.
    pub numbers: Numbers,
}

impl DayNumbers {
    /// The day as a date.
    #[must_use]
    pub fn date(&self) -> jiff::civil::Date {
        let days = jiff::Span::new().try_days(self.day);
        days.ok().and_then(|days| EPOCH.checked_add(days).ok()).unwrap_or(EPOCH)
    }
}

/// The numbers of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentNumbers {
    /// Whose.
    pub name: PrincipalName,
    /// What it asked.
    pub numbers: Numbers,
    /// When it asked last, within the period.
    pub last_asked_at: Timestamp,
}

/// What waits for a person, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// How many interactions are pending.
    pub count: u64,
    /// How many of them are of high risk, by what their agents say.
    pub high_risk: u64,
    /// The first deadline of them; nothing where none has one.
    pub next_deadline: Option<Timestamp>,
}

impl Waiting {
    /// One more waits.
    pub fn add(&mut self, risk: Option<RiskLevel>, deadline: Option<Timestamp>) {
        self.count += 1;
        self.high_risk += u64::from(risk == Some(RiskLevel::High));
        self.next_deadline = [self.next_deadline, deadline].into_iter().flatten().min();
    }
}

/// The numbers of a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Asked then or later.
    pub since: Timestamp,
    /// Asked before.
    pub until: Timestamp,
    /// All of it.
    pub total: Numbers,
    /// By day, the earliest first; a day without a question has a row, too.
    pub days: Vec<DayNumbers>,
    /// By agent, those first that asked most.
    pub agents: Vec<AgentNumbers>,
    /// What waits now, whenever it was asked.
    pub waiting: Waiting,
}

/// One interaction, as far as it is counted.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// When it was asked.
    pub at: Timestamp,
    /// By whom.
    pub by: &'a str,
    /// How it stands.
    pub status: Status,
    /// Whether a rule decided it.
    pub is_by_rule: bool,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// The stretch of time that is counted, and where its days begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its beginning.
    pub since: Timestamp,
    /// Its end, which is not in it.
    pub until: Timestamp,
    /// By how many minutes the days begin before those of UTC.
    pub offset_minutes: i32,
}

impl Period {
    /// The day that a moment is in.
    #[must_use]
    pub fn day(&self, moment: Timestamp) -> i64 {
        day(moment, self.offset_minutes)
    }

    /// The beginning of the day that is `days` before that of `now`; 1970 where that is earlier.
    #[must_use]
    pub fn days_before(now: Timestamp, days: i64, offset_minutes: i32) -> Timestamp {
        let begin = (day(now, offset_minutes) - days) * DAY_MS - i64::from(offset_minutes) * 60_000;
        Timestamp::from_millis(begin).unwrap_or(Timestamp::EPOCH)
    }

    /// Whether it is longer than is counted.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.until.as_millis() - self.since.as_millis() > MOST_DAYS * DAY_MS
    }

    fn days(&self) -> std::ops::RangeInclusive<i64> {
        let last = self.until.as_millis() - 1;
        let last = Timestamp::from_millis(last).unwrap_or(self.since).max(self.since);
        self.day(self.since)..=self.day(last)
    }
}

fn day(moment: Timestamp, offset_minutes: i32) -> i64 {
    (moment.as_millis() + i64::from(offset_minutes) * 60_000).div_euclid(DAY_MS)
}

/// Counts and times while they are added up.
#[derive(Clone, Debug, Default)]
struct Sum {
    numbers: Numbers,
    /// How long what persons decided had waited, in milliseconds.
    decided_after: Vec<u64>,
}

impl Sum {
    fn add(&mut self, asked: &Asked<'_>) {
        let numbers = &mut self.numbers;
        numbers.asked += 1;
        let ended = match asked.status {
            Status::Pending => &mut numbers.pending,
            Status::Resolved(Outcome::Approved | Outcome::Rejected) if asked.is_by_rule => &mut numbers.by_rules,
            Status::Resolved(Outcome::Approved) => &mut numbers.approved,
            Status::Resolved(Outcome::Rejected) => &mut numbers.rejected,
            Status::Resolved(Outcome::Answered) => &mut numbers.answered,
            Status::Resolved(Outcome::Expired) => &mut numbers.expired,
            Status::Resolved(Outcome::Cancelled | Outcome::Superseded) => &mut numbers.withdrawn,
        };
        *ended += 1;
        let is_answer = |outcome| matches!(outcome, Outcome::Approved | Outcome::Rejected | Outcome::Answered);
        let by_person = matches!(asked.status, Status::Resolved(outcome) if is_answer(outcome)) && !asked.is_by_rule;
        self.decided_after.extend(asked.ended_at.filter(|_| by_person).map(|end| end.millis_since(asked.at)));
    }

    fn numbers(mut self) -> Numbers {
        let median_ms = share_of(&mut self.decided_after, 50);
        let p90_ms = share_of(&mut self.decided_after, 90);
        Numbers { median_ms, p90_ms, ..self.numbers }
    }
}

/// The smallest of `times` that so many in a hundred do not exceed.
fn share_of(times: &mut [u64], percent: usize) -> Option<u64> {
    let rank = (times.len() * percent).div_ceil(100).checked_sub(1)?;
    Some(*times.select_nth_unstable(rank).1)
}

/// Adds up what is asked in a period.
#[derive(Clone, Debug)]
pub struct Tally {
    period: Period,
    days: Vec<Sum>,
    /// By name, with the time of the last question.
    agents: HashMap<String, (Sum, Timestamp)>,
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub fn new(period: Period) -> Self {
        Self { period, days: period.days().map(|_| Sum::default()).collect(), agents: HashMap::new() }
    }

    /// The period.
    #[must_use]
    pub const fn period(&self) -> Period {
        self.period
    }

    /// Counts one; what was asked at another time counts for nothing.
    pub fn add(&mut self, asked: &Asked<'_>) {
        let place = self.period.day(asked.at) - self.period.day(self.period.since);
        let Some(day) = usize::try_from(place).ok().and_then(|place| self.days.get_mut(place)) else { return };
        day.add(asked);
        let (agent, last) = match self.agents.get_mut(asked.by) {
            Some(known) => known,
            None => self.agents.entry(asked.by.to_owned()).or_insert_with(|| (Sum::default(), asked.at)),
        };
        agent.add(asked);
        *last = asked.at.max(*last);
    }

    /// The numbers, beside what waits now.
    #[must_use]
    pub fn stats(self, waiting: Waiting) -> Stats {
        let Self { period, days, agents } = self;
        let mut total = Sum::default();
        for Sum { numbers, decided_after } in &days {
            total.decided_after.extend(decided_after);
            let sum = &mut total.numbers;
            sum.asked += numbers.asked;
            sum.by_rules += numbers.by_rules;
            sum.approved += numbers.approved;
            sum.rejected += numbers.rejected;
            sum.answered += numbers.answered;
            sum.expired += numbers.expired;
            sum.withdrawn += numbers.withdrawn;
            sum.pending += numbers.pending;
        }
        let days = period.days().zip(days).map(|(day, sum)| DayNumbers { day, numbers: sum.numbers() }).collect();
        let named = agents.into_iter().filter_map(|(name, of)| Some((name.parse().ok()?, of)));
        let agents =
            named.map(|(name, (sum, last_asked_at))| AgentNumbers { name, numbers: sum.numbers(), last_asked_at });
        let mut agents = agents.collect::<Vec<AgentNumbers>>();
        agents.sort_by(|one, other| {
            let order = other.numbers.asked.cmp(&one.numbers.asked);
            order.then_with(|| one.name.as_str().cmp(other.name.as_str()))
        });
        Stats { since: period.since, until: period.until, total: total.numbers(), days, agents, waiting }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn period(since: &str, until: &str, offset_minutes: i32) -> Period {
        Period { since: at(since), until: at(until), offset_minutes }
    }

    #[test]
    fn a_share_is_the_nearest_rank() {
        let of = |times: &[u64], percent| share_of(&mut times.to_vec(), percent);
        assert_eq!(of(&[], 50), None);
        assert_eq!((of(&[7], 50), of(&[7], 90)), (Some(7), Some(7)));
        assert_eq!((of(&[3, 1, 2], 50), of(&[4, 3, 1, 2], 50)), (Some(2), Some(2)));
        let hundred = (1..=100).rev().collect::<Vec<_>>();
        assert_eq!((of(&hundred, 50), of(&hundred, 90)), (Some(50), Some(90)));
        assert_eq!(of(&(1..=11).collect::<Vec<_>>(), 90), Some(10));
    }

    #[test]
    fn days_begin_where_the_offset_says() {
        let days = |period: Period| period.days().count();
        assert_eq!(days(period("2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z", 0)), 1);
        assert_eq!(days(period("2030-01-01T00:00:00Z", "2030-01-02T00:00:00.001Z", 0)), 2);
        assert_eq!(days(period("2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z", 60)), 2);
        assert_eq!(days(period("2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z", 0)), 1);
        let now = at("2030-01-10T23:30:00Z");
        assert_eq!(Period::days_before(now, 6, 0), at("2030-01-04T00:00:00Z"));
        assert_eq!(Period::days_before(now, 6, 60), at("2030-01-04T23:00:00Z"));
        assert_eq!(Period::days_before(now, 6, -60), at("2030-01-04T01:00:00Z"));
        assert_eq!(Period::days_before(at("1970-01-02T00:00:00Z"), 6, 0), Timestamp::EPOCH);
    }
}
