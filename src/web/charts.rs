//! Charts, drawn on the server as SVG: bars, or a line. The numbers of a chart stand in a table below it, too.
//!
//! Colours are classes of the style sheet, since a page styles nothing by itself.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::domain::id::PrincipalName;
use crate::domain::stats::DayNumbers;
use crate::present::span;

/// How wide each chart is, in units of the drawing; the style sheet says how large it is shown.
const WIDTH: f64 = 360.0;

/// Where the days begin, right of the words of the scale.
const LEFT: f64 = 34.0;

/// Where the highest value of the days is.
const TOP: f64 = 10.0;

/// Where zero is.
const BOTTOM: f64 = 130.0;

/// How high a chart of days is.
const HEIGHT: f64 = 150.0;

/// How many days have their date below them, about.
const DATES: usize = 4;

/// Where the bars of agents begin, right of their names.
const BARS_LEFT: f64 = 132.0;

/// How wide the longest bar of an agent is.
const BARS_WIDTH: f64 = 180.0;

/// How high the bar of an agent is with the space around it.
const BAR_ROW: f64 = 22.0;

/// How many characters of an agent's name there is room for; the table has the whole of it.
const LONGEST_NAME: usize = 18;

/// The words of the scale of times, and how many milliseconds each is.
const TIMES: [(&str, u64); 5] =
    [("1s", 1_000), ("1m", 60_000), ("1h", 3_600_000), ("1d", 86_400_000), ("30d", 2_592_000_000)];

/// A chart with its table.
#[derive(Template)]
#[template(path = "web/chart.html")]
pub(super) struct Chart {
    /// What the ids of its elements begin with.
    id: &'static str,
    heading: &'static str,
    /// What it shows, for a person who does not see it.
    title: String,
    height: f64,
    scale: Vec<Mark>,
    bars: Vec<Bar>,
    /// The corners of each line, as SVG has them.
    lines: Vec<String>,
    dots: Vec<(f64, f64)>,
    labels: Vec<Label>,
    /// The classes of bars, and what each means.
    legend: &'static [(&'static str, &'static str)],
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

// The template escapes what is in it.
impl HtmlSafe for Chart {}

/// A line across the chart, with its value.
struct Mark {
    y: f64,
    text: String,
}

struct Bar {
    class: &'static str,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

struct Label {
    x: f64,
    y: f64,
    /// Which end of the text is there: `start`, `middle` or `end`.
    anchor: &'static str,
    text: String,
}

/// The questions of each day, and how many of them rules decided.
pub(super) fn asked_by_day(days: &[DayNumbers]) -> Chart {
    let most = days.iter().map(|day| day.numbers.asked).max().unwrap_or(0);
    let top = round_number(most);
    let at = |count: u64| y_of(count as f64 / top as f64);
    let slot = slot(days);
    let mut bars = Vec::new();
    for (number, day) in days.iter().enumerate() {
        let (x, width) = (tenth(LEFT + slot * (number as f64 + 0.12)), tenth(slot * 0.76));
        let (rules, all) = (at(day.numbers.by_rules), at(day.numbers.asked));
        let both = [("rules", rules, BOTTOM - rules), ("others", all, rules - all)];
        let seen = both.into_iter().filter(|(_, _, height)| *height > 0.0);
        bars.extend(seen.map(|(class, y, height)| Bar { class, x, y, width, height: tenth(height) }));
    }
    let middle = top.is_multiple_of(2).then_some(top / 2);
    let scale = [Some(0), middle, Some(top)].into_iter().flatten();
    let by_rules = days.iter().map(|day| day.numbers.by_rules).sum::<u64>();
    let asked = days.iter().map(|day| day.numbers.asked).sum::<u64>();
    let row = |day: &DayNumbers| {
        let numbers = &day.numbers;
        [numbers.asked, numbers.by_rules, numbers.approved, numbers.rejected, numbers.answered, numbers.expired]
            .map(|count| count.to_string())
    };
    Chart {
        id: "asked",
        heading: "Questions by day",
        title: format!(
            "{asked} questions in {} days, of which rules decided {by_rules}; at most {most} a day",
            days.len()
        ),
        height: HEIGHT,
        scale: scale.map(|count| Mark { y: at(count), text: count.to_string() }).collect(),
        bars,
        lines: Vec::new(),
        dots: Vec::new(),
        labels: dates(days),
        legend: &[("rules", "decided by a rule"), ("others", "by a person, expired, withdrawn or open")],
        columns: vec!["Day", "Asked", "By rules", "Approved", "Rejected", "Answered", "Expired"],
        rows: days.iter().map(|day| [vec![day.date().to_string()], row(day).to_vec()].concat()).collect(),
    }
}

/// How long half of each day's decisions by people took at most.
pub(super) fn median_by_day(days: &[DayNumbers]) -> Chart {
    let longest = days.iter().filter_map(|day| day.numbers.median_ms).max().unwrap_or(0);
    // The scale grows by factors: seconds and days are both to be seen.
    let used = TIMES.iter().position(|(_, millis)| *millis >= longest).unwrap_or(TIMES.len() - 1).max(1);
    let top = TIMES.get(used).map_or(1.0, |(_, millis)| (*millis as f64 / 1_000.0).ln());
    let at = |millis: u64| y_of((millis.max(1_000) as f64 / 1_000.0).ln() / top);
    let slot = slot(days);
    let dot = |(number, day): (usize, &DayNumbers)| {
        let median = day.numbers.median_ms?;
        Some((tenth(LEFT + slot * (number as f64 + 0.5)), at(median)))
    };
    let places = days.iter().enumerate().map(dot).collect::<Vec<_>>();
    let stretches = places.split(Option::is_none).filter(|stretch| stretch.len() > 1);
    let corners =
        stretches.map(|stretch| stretch.iter().flatten().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>());
    let said = |millis: Option<u64>| millis.map_or_else(|| "–".to_owned(), span);
    let row = |day: &DayNumbers| vec![day.date().to_string(), said(day.numbers.median_ms), said(day.numbers.p90_ms)];
    let title = match longest {
        0 => "No decisions of people in these days".to_owned(),
        longest => format!("The median time to a person's decision, by day; the longest is {}", span(longest)),
    };
    Chart {
        id: "times",
        heading: "Time to a person's decision",
        title,
        height: HEIGHT,
        scale: TIMES
            .iter()
            .take(used + 1)
            .map(|(text, millis)| Mark { y: at(*millis), text: (*text).to_owned() })
            .collect(),
        bars: Vec::new(),
        lines: corners.map(|corners| corners.join(" ")).collect(),
        dots: places.into_iter().flatten().collect(),
        labels: dates(days),
        legend: &[],
        columns: vec!["Day", "Half within", "Nine in ten within"],
        rows: days.iter().map(row).collect(),
    }
}

/// How many requests of each agent wait.
pub(super) fn waiting_by_agent(agents: &[(PrincipalName, u64)]) -> Chart {
    let most = agents.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    let (mut bars, mut labels) = (Vec::new(), Vec::new());
    for (number, (name, count)) in agents.iter().enumerate() {
        let y = BAR_ROW * number as f64;
        let width = tenth(BARS_WIDTH * *count as f64 / most as f64).max(1.0);
        bars.push(Bar { class: "waits", x: BARS_LEFT, y: y + 4.0, width, height: BAR_ROW - 8.0 });
        labels.push(Label { x: BARS_LEFT - 6.0, y: y + 15.0, anchor: "end", text: shortened(name.as_str()) });
        labels.push(Label { x: BARS_LEFT + width + 5.0, y: y + 15.0, anchor: "start", text: count.to_string() });
    }
    let all = agents.iter().map(|(_, count)| *count).sum::<u64>();
    Chart {
        id: "waiting",
        heading: "Waiting now, by agent",
        title: format!("Waiting now, by agent: {all} in all"),
        height: BAR_ROW * agents.len().max(1) as f64,
        scale: Vec::new(),
        bars,
        lines: Vec::new(),
        dots: Vec::new(),
        labels,
        legend: &[],
        columns: vec!["Agent", "Waiting"],
        rows: agents.iter().map(|(name, count)| vec![name.to_string(), count.to_string()]).collect(),
    }
}

/// The dates of some of the days, the last always among them.
fn dates(days: &[DayNumbers]) -> Vec<Label> {
    let (slot, step) = (slot(days), days.len().div_ceil(DATES).max(1));
    let shown = days.iter().enumerate().rev().step_by(step);
    let label = |(number, day): (usize, &DayNumbers)| Label {
        x: tenth(LEFT + slot * (number as f64 + 0.5)),
        y: HEIGHT - 4.0,
        anchor: if number + 1 == days.len() { "end" } else { "middle" },
        text: day.date().strftime("%-d %b").to_string(),
    };
    shown.map(label).collect()
}

/// How wide the place of a day is.
fn slot(days: &[DayNumbers]) -> f64 {
    (WIDTH - LEFT) / days.len().max(1) as f64
}

/// Where a value is, as a share of the highest.
fn y_of(share: f64) -> f64 {
    tenth(BOTTOM - share * (BOTTOM - TOP))
}

/// To a tenth, which is finer than a screen shows.
fn tenth(length: f64) -> f64 {
    (length * 10.0).round() / 10.0
}

/// The next 1, 2 or 5 with zeros behind it that is not below `most`.
fn round_number(most: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        if let Some(found) = [1, 2, 5].into_iter().map(|n| n * unit).find(|round| *round >= most) {
            return found;
        }
        match unit.checked_mul(10).filter(|unit| unit.checked_mul(5).is_some()) {
            Some(next) => unit = next,
            None => return most,
        }
    }
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or(name)),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::stats::Numbers;

    fn days(asked: &[(u64, u64, Option<u64>)]) -> Vec<DayNumbers> {
        let numbers = |(asked, by_rules, median_ms): &(u64, u64, Option<u64>)| Numbers {
            asked: *asked,
            by_rules: *by_rules,
            median_ms: *median_ms,
            ..Numbers::default()
        };
        let days = asked.iter().map(numbers).zip(21_000..);
        days.map(|(numbers, day)| DayNumbers { day, numbers }).collect()
    }

    #[test]
    fn a_scale_ends_at_a_round_number() {
        let all = [0, 1, 3, 5, 6, 11, 49, 51, 1_000, 1_001].map(round_number);
        assert_eq!(all, [1, 1, 5, 5, 10, 20, 50, 100, 1_000, 2_000]);
        assert_eq!(round_number(u64::MAX), u64::MAX);
    }

    #[test]
    fn bars_stand_on_each_other_and_are_as_high_as_their_numbers() {
        let chart = asked_by_day(&days(&[(0, 0, None), (10, 4, None), (5, 5, None)]));
        let bars = chart.bars.iter().map(|bar| (bar.class, bar.y, bar.height)).collect::<Vec<_>>();
        assert_eq!(bars, [("rules", 82.0, 48.0), ("others", 10.0, 72.0), ("rules", 70.0, 60.0)]);
        assert_eq!(chart.scale.iter().map(|mark| mark.text.as_str()).collect::<Vec<_>>(), ["0", "5", "10"]);
        assert_eq!(chart.rows[1][..3], ["2027-07-02", "10", "4"].map(str::to_owned));
    }

    #[test]
    fn the_line_of_times_is_broken_where_nobody_decided() {
        let chart = median_by_day(&days(&[(1, 0, Some(500)), (1, 0, Some(60_000)), (0, 0, None), (1, 0, Some(3_000))]));
        assert_eq!(chart.lines.len(), 1, "a day by itself has a dot and no line");
        assert_eq!(chart.dots.iter().map(|(_, y)| *y).collect::<Vec<_>>(), [BOTTOM, TOP, 97.8]);
        assert!(median_by_day(&days(&[(0, 0, None)])).title.starts_with("No decisions"));
    }

    #[test]
    fn the_longest_bar_is_of_the_agent_that_waits_for_most() {
        let agents = [("a".repeat(30), 8), ("b".to_owned(), 2)].map(|(name, count)| (name.parse().unwrap(), count));
        let chart = waiting_by_agent(&agents);
        assert_eq!(chart.bars.iter().map(|bar| bar.width).collect::<Vec<_>>(), [BARS_WIDTH, BARS_WIDTH / 4.0]);
        assert_eq!(chart.labels[0].text, format!("{}…", "a".repeat(LONGEST_NAME)));
        assert_eq!(chart.rows[0][0].len(), 30);
    }
}
