//! Hours in which a channel says nothing, in a time zone of its owner's.

use jiff::civil::Time;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;

/// From one time of the day to another, every day; past midnight where the second is the earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", try_from = "Written", into = "Written")]
#[schema(as = QuietHours)]
pub struct QuietHours {
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    from: Time,
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    until: Time,
    #[schema(value_type = String, max_length = 64)]
    time_zone: TimeZone,
}

/// The same as text.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    from: String,
    until: String,
    time_zone: String,
}

impl QuietHours {
    /// Reads two times of the day, such as 22:00 and 07:00, and the name of a time zone, such as Europe/Berlin.
    ///
    /// # Errors
    ///
    /// A sentence about what is wrong.
    pub fn new(from: &str, until: &str, time_zone: &str) -> Result<Self, String> {
        let (from, until) = (time(from)?, time(until)?);
        if from == until {
            return Err("quiet hours end at another time than they begin".to_owned());
        }
        let unknown = |_| format!("{time_zone:?} is no time zone, such as Europe/Berlin or UTC");
        // What this machine does not know, the program may.
        let known = TimeZone::get(time_zone).or_else(|_| TimeZoneDatabase::bundled().get(time_zone));
        Ok(Self { from, until, time_zone: known.map_err(unknown)? })
    }

    /// Reads `22:00-07:00`, and the name of a time zone.
    ///
    /// # Errors
    ///
    /// A sentence about what is wrong.
    pub fn parse(hours: &str, time_zone: &str) -> Result<Self, String> {
        let (from, until) = hours.split_once('-').ok_or("quiet hours are written as 22:00-07:00")?;
        Self::new(from.trim(), until.trim(), time_zone)
    }

    /// The hours as [`QuietHours::parse`] reads them, and the name of the time zone.
    #[must_use]
    pub fn parts(&self) -> (String, String) {
        let Written { from, until, time_zone } = self.clone().into();
        (format!("{from}-{until}"), time_zone)
    }

    /// When they end, if `now` is in them.
    #[must_use]
    pub fn end_of(&self, now: Timestamp) -> Option<Timestamp> {
        let moment = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?;
        let local = moment.to_zoned(self.time_zone.clone());
        let (time, past_midnight) = (local.time(), self.until < self.from);
        let (is_in, is_tomorrow) = match past_midnight {
            false => (self.from <= time && time < self.until, false),
            true => (self.from <= time || time < self.until, time >= self.from),
        };
        if !is_in {
            return None;
        }
        let day = if is_tomorrow { local.date().tomorrow().ok()? } else { local.date() };
        let end = day.to_datetime(self.until).to_zoned(self.time_zone.clone()).ok()?;
        // Where the clocks are set back, the same time of the day comes twice.
        Timestamp::from_millis(end.timestamp().as_millisecond()).filter(|end| *end > now)
    }
}

/// Reads a time of the day, of hours and minutes.
fn time(text: &str) -> Result<Time, String> {
    let is_written = text.len() == 5 && text.as_bytes().get(2) == Some(&b':');
    let read = is_written.then(|| text.parse::<Time>().ok()).flatten();
    read.ok_or_else(|| format!("{text:?} is no time of the day, such as 07:30"))
}

impl TryFrom<Written> for QuietHours {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Self::new(&written.from, &written.until, &written.time_zone)
    }
}

impl From<QuietHours> for Written {
    fn from(hours: QuietHours) -> Self {
        let time = |time: Time| format!("{:02}:{:02}", time.hour(), time.minute());
        let time_zone = hours.time_zone.iana_name().unwrap_or("UTC").to_owned();
        Self { from: time(hours.from), until: time(hours.until), time_zone }
    }
}

impl std::fmt::Display for QuietHours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (hours, time_zone) = self.parts();
        write!(f, "{hours} {time_zone}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(hours: &str, zone: &str, now: &str) -> Option<String> {
        let end = QuietHours::parse(hours, zone).unwrap().end_of(now.parse().unwrap());
        end.map(|end| end.to_string())
    }

    #[test]
    fn quiet_hours_end_in_the_time_zone_that_they_are_meant_in() {
        for (hours, zone, now, ends) in [
            ("22:00-07:00", "Europe/Berlin", "2030-01-01T20:59:59Z", None),
            ("22:00-07:00", "Europe/Berlin", "2030-01-01T21:00:00Z", Some("2030-01-02T06:00:00.000Z")),
            ("22:00-07:00", "Europe/Berlin", "2030-01-02T05:59:59Z", Some("2030-01-02T06:00:00.000Z")),
            ("22:00-07:00", "Europe/Berlin", "2030-01-02T06:00:00Z", None),
            ("22:00-07:00", "Europe/Berlin", "2030-07-01T20:00:00Z", Some("2030-07-02T05:00:00.000Z")),
            ("12:00-13:00", "UTC", "2030-01-01T12:30:00Z", Some("2030-01-01T13:00:00.000Z")),
            ("12:00-13:00", "UTC", "2030-01-01T13:00:00Z", None),
            // The night in which the clocks are set forward has no 02:30 in Berlin: the end is an hour later.
            ("22:00-02:30", "Europe/Berlin", "2030-03-30T23:00:00Z", Some("2030-03-31T01:30:00.000Z")),
            ("23:30-00:30", "Asia/Kolkata", "2030-01-01T18:10:00Z", Some("2030-01-01T19:00:00.000Z")),
        ] {
            assert_eq!(end(hours, zone, now).as_deref(), ends, "{hours} {zone} {now}");
        }
    }

    #[test]
    fn what_is_no_time_or_no_time_zone_is_refused() {
        for (hours, zone) in [
            ("22:00", "UTC"),
            ("22-07", "UTC"),
            ("24:00-07:00", "UTC"),
            ("7:00-8:00", "UTC"),
            ("07:00-07:00", "UTC"),
            ("22:00-07:00", "Berlin/Europe"),
            ("22:00-07:00", ""),
        ] {
            assert!(QuietHours::parse(hours, zone).is_err(), "{hours} {zone}");
        }
    }

    #[test]
    fn they_are_written_as_they_are_read() {
        let text = r#"{"from":"22:00","until":"07:05","timeZone":"Europe/Berlin"}"#;
        let hours: QuietHours = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&hours).unwrap(), text);
        assert_eq!(hours.to_string(), "22:00-07:05 Europe/Berlin");
    }
}
