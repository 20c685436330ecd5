//! `countersign channel`: where a person hears of what waits.

mod set;

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use self::set::SetChannel;
use super::Failure;
use super::common::Common;
use super::list::dash;
use super::safe_text::{self, SafeText};
use super::style::{TerminalStyle, TextStyle};
use super::table::Table;
use super::time::Now;
use crate::api::{AddChannelBody, Channel, NoBody, OldForMs, PaceMs, RotateChannelBody, TestedChannel};
use crate::client::Client;
use crate::config::{Ttl, from_home};
use crate::domain::channel::ChannelKind;
use crate::domain::enums::{Kind, RiskLevel};
use crate::domain::id::ChannelName;
use crate::domain::quiet_hours::QuietHours;
use crate::present::{escape_json, wants};

/// How much of a receiver's answer is printed, in characters.
const SHOWN_ANSWER: usize = 2_000;

#[derive(Debug, Subcommand)]
pub(super) enum ChannelCommand {
    /// Make a channel of your own, to which notices of what waits go; a webhook's secret is printed this once
    Add(Box<AddChannel>),
    /// List your channels, an admin those of everybody: where they lead, what they want, and whether they work
    List(ListChannels),
    /// Change a channel of your own: its name, where it leads, or what it wants; what is not said stays
    Set(Box<SetChannel>),
    /// Send a test to a channel, and print what its receiver answers
    Test(OneChannel),
    /// Replace the secret of a webhook and print the new one; the old one signs beside it for a while
    Rotate(RotateChannel),
    /// Remove a channel: its address is wiped, and what waits for it is dropped
    Remove(OneChannel),
}

#[derive(Debug, Args)]
pub(super) struct AddChannel {
    /// What takes the notices: webhook, ntfy, gotify, slack, mattermost, teams or email; a browser subscribes on the page
    /// /channels
    #[arg(value_name = "KIND")]
    channel_kind: ChannelKind,

    /// Where they go: a URL, or the address of a mailbox; - reads it from standard input, where other users cannot see it
    address: String,

    /// What the channel is called [default: its kind]
    #[arg(long)]
    name: Option<ChannelName>,

    /// A file with the token that the receiver asks for: of a topic of ntfy, or of an application of Gotify
    #[arg(long, value_name = "PATH", value_parser = from_home())]
    receiver_token_file: Option<PathBuf>,

    /// Of confirmations only those of this risk or a higher one: low, medium or high
    #[arg(long)]
    risk: Option<RiskLevel>,

    /// Only what is of this kind: confirmation, secret or question; may be given more than once
    #[arg(long)]
    kind: Vec<Kind>,

    /// When nothing is said, every day, such as 22:00-07:00
    #[arg(long, value_name = "FROM-UNTIL", requires = "time_zone")]
    quiet: Option<String>,

    /// The time zone of --quiet, such as Europe/Berlin
    #[arg(long, value_name = "ZONE", requires = "quiet")]
    time_zone: Option<String>,

    /// How long the channel is silent after each notice, while it gathers what comes into one; `none`: each by itself
    /// [default: 30s]
    #[arg(long, value_name = "TIME")]
    pace: Option<Ttl>,

    /// Whether it is told how an interaction has ended of which it was told [default: true for a webhook, else false]
    #[arg(long, value_name = "BOOL")]
    resolutions: Option<bool>,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(super) struct ListChannels {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(super) struct OneChannel {
    /// Its name, OWNER/NAME, its id, or the beginning of its id
    name: String,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(super) struct RotateChannel {
    /// Its name, OWNER/NAME, its id, or the beginning of its id
    name: String,

    /// How long the old secret signs beside the new one, such as 1h or 7d; `none`: not at all
    #[arg(long, value_name = "TIME", default_value = "24h")]
    old_for: Ttl,

    #[command(flatten)]
    common: Common,
}

impl ChannelCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run(),
            Self::List(list) => list.run(),
            Self::Set(set) => set.run(),
            Self::Test(test) => test.test(),
            Self::Rotate(rotate) => rotate.run(),
            Self::Remove(remove) => remove.remove(),
        }
    }
}

impl AddChannel {
    fn run(self) -> Result<(), Failure> {
        if self.channel_kind == ChannelKind::WebPush {
            let message = "a browser subscribes by itself: log in, open the page /channels there, and allow notices";
            return Err(Failure::Usage(message.to_owned()));
        }
        let client = self.common.decider()?;
        let is_json = self.common.json;
        let added = client.add_channel(&self.body()?)?;
        if is_json {
            return print_json(&added);
        }
        let (name, host) = (&added.channel.name, safe_text::line(&added.channel.host));
        writeln!(io::stdout(), "{name}: notices go to {host}; `countersign channel test {name}` tries it")?;
        tell_secret(added.secret.as_deref())
    }

    fn body(self) -> Result<AddChannelBody, Failure> {
        let kind = self.channel_kind;
        let usage = |problem: String| Failure::Usage(problem);
        let name = match self.name {
            Some(name) => name,
            None => kind.as_str().parse().map_err(|problem: &str| usage(problem.to_owned()))?,
        };
        let quiet = self.quiet.zip(self.time_zone).map(|(hours, zone)| QuietHours::parse(&hours, &zone));
        let pace = self.pace.map(pace_ms).transpose()?;
        let address = address_of(self.address)?;
        let (url, email) = if kind == ChannelKind::Email { (None, Some(address)) } else { (Some(address), None) };
        Ok(AddChannelBody {
            name,
            kind,
            url,
            email,
            token: self.receiver_token_file.as_deref().map(token_of).transpose()?,
            push: None,
            risk: self.risk,
            kinds: self.kind,
            quiet: quiet.transpose().map_err(usage)?,
            pace_ms: pace,
            resolutions: self.resolutions,
        })
    }
}

fn pace_ms(pace: Ttl) -> Result<PaceMs, Failure> {
    let millis = match pace {
        Ttl::None => 0,
        Ttl::Millis(millis) => millis,
    };
    PaceMs::new(millis).ok_or_else(|| Failure::Usage("--pace is at most a day".to_owned()))
}

/// An address as it was given, or from standard input.
fn address_of(given: String) -> Result<String, Failure> {
    if given == "-" { first_line(io::stdin()) } else { Ok(given) }
}

fn token_of(path: &Path) -> Result<String, Failure> {
    let file = fs::File::open(path).map_err(|error| Failure::Other(format!("{}: {error}", path.display())))?;
    first_line(file)
}

/// The first line of a short text.
fn first_line(from: impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    from.take(16 * 1024).read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// Prints a secret, alone on its line on stdout, and says on stderr what it is for.
fn tell_secret(secret: Option<&str>) -> Result<(), Failure> {
    if let Some(secret) = secret {
        writeln!(io::stdout(), "{secret}")?;
        writeln!(io::stderr(), "The receiver checks signatures with this secret. It is shown this once.")?;
    }
    Ok(())
}

fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string(value).map_err(io::Error::other)?;
    Ok(writeln!(io::stdout(), "{}", escape_json(&json))?)
}

impl ListChannels {
    fn run(self) -> Result<(), Failure> {
        let found = self.common.person()?.list_channels()?;
        if self.common.json {
            return print_json(&found);
        }
        if found.channels.is_empty() {
            writeln!(io::stderr(), "There is no channel yet; see `countersign channel add --help`.")?;
            return Ok(());
        }
        let (look, now) = (TerminalStyle::of_stdout(), Now::read());
        let plain = |text: &str| SafeText::own(text, TextStyle::Plain);
        let mut table = Table::new(["NAME", "KIND", "HOST", "OWNER", "STATUS", "SENT", "WANTS"]);
        for channel in &found.channels {
            table.row([
                SafeText::own(&channel.name, TextStyle::Bold),
                plain(channel.kind.as_str()),
                SafeText::line(&channel.host),
                plain(channel.owner.as_str()),
                status(channel),
                channel.sent_at.map_or(dash(), |at| plain(&format!("{} ago", now.since(at)))),
                plain(&wants(&channel.wishes())),
            ]);
        }
        Ok(table.print(&mut io::stdout().lock(), look)?)
    }
}

fn status(channel: &Channel) -> SafeText {
    match (&channel.disabled_why, &channel.failure) {
        (Some(why), _) => SafeText::own("off: ", TextStyle::Red).and(SafeText::line(why)),
        (None, Some(why)) if channel.failed_at > channel.sent_at => {
            SafeText::own("fails: ", TextStyle::Red).and(SafeText::line(why))
        }
        (None, _) => SafeText::own("on", TextStyle::Green),
    }
}

/// The channel that `given` names, among those that this person sees.
fn find(client: &Client, given: &str) -> Result<Channel, Failure> {
    // A variable that is not set would name every channel.
    if given.is_empty() {
        return Err(Failure::Usage("a channel has a name or an id; see `countersign channel list`".to_owned()));
    }
    let found = client.list_channels()?.channels;
    let full_name = |channel: &Channel| format!("{}/{}", channel.owner, channel.name);
    let is_meant: [&dyn Fn(&Channel) -> bool; 3] =
        [&|channel| full_name(channel) == given, &|channel| channel.name.as_str() == given, &|channel| {
            channel.channel_id.as_str().starts_with(given)
        }];
    let candidates =
        is_meant.iter().map(|is_meant| found.iter().filter(|channel| is_meant(channel)).collect::<Vec<_>>());
    let candidates = candidates.into_iter().find(|candidates| !candidates.is_empty()).unwrap_or_default();
    let shown = safe_text::line(given);
    match candidates.as_slice() {
        [channel] => Ok((*channel).clone()),
        [] => Err(Failure::Other(format!("there is no channel {shown}; see `countersign channel list`"))),
        several => {
            let names: Vec<String> = several.iter().map(|channel| full_name(channel)).collect();
            Err(Failure::Usage(format!("{shown} may be {}: say which", names.join(" or "))))
        }
    }
}

impl OneChannel {
    fn test(self) -> Result<(), Failure> {
        let client = self.common.decider()?;
        let channel = find(&client, &self.name)?;
        let tested = client.test_channel(&channel.channel_id, &NoBody {})?;
        if self.common.json {
            print_json(&tested)?;
        } else {
            tell_tested(&channel, &tested)?;
        }
        match &tested.error {
            Some(error) => Err(Failure::Other(format!("the test did not arrive: {}", safe_text::line(error)))),
            None => Ok(()),
        }
    }

    fn remove(self) -> Result<(), Failure> {
        let client = self.common.decider()?;
        let channel = find(&client, &self.name)?;
        let removed = client.remove_channel(&channel.channel_id)?;
        match self.common.json {
            true => print_json(&removed),
            false => Ok(writeln!(io::stdout(), "removed {}", removed.name)?),
        }
    }
}

/// Says what a receiver has answered, its own words last.
fn tell_tested(channel: &Channel, tested: &TestedChannel) -> Result<(), Failure> {
    let host = safe_text::line(&channel.host);
    if let Some(status) = tested.status {
        writeln!(io::stdout(), "{host} answered {status} in {} ms", tested.took_ms)?;
    }
    let answer: String = tested.answer.as_deref().unwrap_or_default().chars().take(SHOWN_ANSWER).collect();
    for line in answer.lines() {
        writeln!(io::stdout(), "  {}", safe_text::line(line))?;
    }
    Ok(())
}

impl RotateChannel {
    fn run(self) -> Result<(), Failure> {
        let client = self.common.decider()?;
        let channel = find(&client, &self.name)?;
        let millis = match self.old_for {
            Ttl::None => 0,
            Ttl::Millis(millis) => millis,
        };
        let old_for_ms = OldForMs::new(millis);
        let old_for_ms = old_for_ms.ok_or_else(|| Failure::Usage("--old-for is at most 30 days".to_owned()))?;
        let rotated =
            client.rotate_channel(&channel.channel_id, &RotateChannelBody { old_for_ms: Some(old_for_ms) })?;
        if self.common.json {
            return print_json(&rotated);
        }
        tell_secret(rotated.secret.as_deref())
    }
}
