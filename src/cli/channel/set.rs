//! `countersign channel set`: what a channel is from now on.

use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::{address_of, find, pace_ms, print_json, token_of};
use crate::api::{ChangeChannelBody, Channel, PaceMs};
use crate::cli::Failure;
use crate::cli::common::Common;
use crate::cli::safe_text;
use crate::config::{Ttl, from_home};
use crate::domain::channel::ChannelKind;
use crate::domain::enums::{Kind, RiskLevel};
use crate::domain::id::ChannelName;
use crate::domain::quiet_hours::QuietHours;

/// Something, or the word that takes it back.
#[derive(Clone, Debug)]
enum Choice<T> {
    Unset,
    To(T),
}

impl<T> Choice<T> {
    fn into_option(self) -> Option<T> {
        match self {
            Self::Unset => None,
            Self::To(chosen) => Some(chosen),
        }
    }
}

/// Reads something, or `word`.
fn or<T: FromStr>(word: &'static str) -> impl Fn(&str) -> Result<Choice<T>, T::Err> + Clone {
    move |text| if text == word { Ok(Choice::Unset) } else { text.parse().map(Choice::To) }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SetChannel {
    /// Its name, OWNER/NAME, its id, or the beginning of its id
    channel: String,

    /// What it is called from now on
    #[arg(long)]
    name: Option<ChannelName>,

    /// Where it leads from now on; - reads it from standard input. A receiver that asks for a token is given it again
    #[arg(long)]
    address: Option<String>,

    /// A file with the token that the receiver asks for
    #[arg(long, value_name = "PATH", value_parser = from_home())]
    receiver_token_file: Option<PathBuf>,

    /// Of confirmations only those of this risk or a higher one: low, medium, high or any
    #[arg(long, value_parser = or::<RiskLevel>("any"))]
    risk: Option<Choice<RiskLevel>>,

    /// Only what is of this kind: confirmation, secret, question or any; may be given more than once
    #[arg(long, value_parser = or::<Kind>("any"))]
    kind: Vec<Choice<Kind>>,

    /// When nothing is said, every day, such as 22:00-07:00, or none; in the time zone that it had, or in --time-zone
    #[arg(long, value_name = "FROM-UNTIL")]
    quiet: Option<String>,

    /// The time zone of the quiet hours, such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,

    /// How long the channel is silent after each notice; `none`: each by itself
    #[arg(long, value_name = "TIME")]
    pace: Option<Ttl>,

    /// Whether it is told how an interaction has ended of which it was told
    #[arg(long, value_name = "BOOL")]
    resolutions: Option<bool>,

    #[command(flatten)]
    common: Common,
}

impl SetChannel {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.decider()?;
        let is_json = self.common.json;
        let channel = find(&client, &self.channel)?;
        let changed = client.change_channel(&channel.channel_id, &self.body(&channel)?)?;
        if is_json {
            return print_json(&changed);
        }
        Ok(writeln!(io::stdout(), "{}: notices go to {}", changed.name, safe_text::line(&changed.host))?)
    }

    fn body(self, channel: &Channel) -> Result<ChangeChannelBody, Failure> {
        let quiet = quiet(self.quiet.as_deref(), self.time_zone.as_deref(), channel.quiet.as_ref())?;
        let address = self.address.map(address_of).transpose()?;
        let (url, email) = if channel.kind == ChannelKind::Email { (None, address) } else { (address, None) };
        let kinds = match self.kind.is_empty() {
            true => channel.kinds.clone(),
            false => self.kind.into_iter().filter_map(Choice::into_option).collect(),
        };
        Ok(ChangeChannelBody {
            name: self.name.unwrap_or_else(|| channel.name.clone()),
            url,
            email,
            token: self.receiver_token_file.as_deref().map(token_of).transpose()?,
            risk: self.risk.map_or(channel.risk, Choice::into_option),
            kinds,
            quiet,
            pace_ms: self.pace.map(pace_ms).transpose()?.or_else(|| PaceMs::new(channel.pace_ms)),
            resolutions: Some(self.resolutions.unwrap_or(channel.resolutions)),
        })
    }
}

/// The quiet hours from now on: what is not given is as it was.
fn quiet(hours: Option<&str>, zone: Option<&str>, old: Option<&QuietHours>) -> Result<Option<QuietHours>, Failure> {
    let old_parts = old.map(QuietHours::parts);
    let (old_hours, old_zone) = old_parts.as_ref().map(|(hours, zone)| (hours.as_str(), zone.as_str())).unzip();
    match (hours, zone) {
        (None, None) => Ok(old.cloned()),
        (Some("none"), None) => Ok(None),
        (hours, zone) => {
            let missing = |what: &str| Failure::Usage(format!("quiet hours have {what}"));
            let hours = hours.or(old_hours).ok_or_else(|| missing("a beginning and an end: --quiet 22:00-07:00"))?;
            let zone = zone.or(old_zone).ok_or_else(|| missing("a time zone: --time-zone Europe/Berlin"))?;
            QuietHours::parse(hours, zone).map(Some).map_err(Failure::Usage)
        }
    }
}
