//! `/channels`: where a person hears of what waits, without a script; with one, a browser subscribes to pushes.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::forms::{Field, Fields, Form};
use super::page::{Frame, html};
use super::session::{PageRejection, Person};
use super::text::{AbsoluteTime, Markup, escape_untrusted};
use crate::api::{AddChannelBody, Invalid, OldForMs, PaceMs, RotateChannelBody, TestedChannel, checked_token};
use crate::config::Ttl;
use crate::domain::channel::{Channel, ChannelAddress, ChannelKind, PACE_MS, PushKeys, Wanted, Wishes};
use crate::domain::enums::{Kind, RiskLevel};
use crate::domain::id::{ChannelId, ChannelName};
use crate::domain::principal::Right;
use crate::domain::quiet_hours::QuietHours;
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::api::channels::tested;
use crate::http::error::{FORM_AT_FAULT, Problem};
use crate::http::extract::{NoQuery, Param, ok};
use crate::present::{pace, wants};
use crate::service::{self, ChangedChannel, NewChannel};

/// How much of a receiver's answer is shown, in characters.
const SHOWN_ANSWER: usize = 2_000;

#[derive(Template)]
#[template(path = "web/channels.html")]
struct ChannelsPage {
    frame: Frame,
    channels: Vec<ChannelView>,
    draft: Draft,
    /// What this browser is to be called.
    push_name: Field,
    /// A secret that was just made, and the channel that it is of.
    secret: Option<(String, String)>,
    tested: Option<TestView>,
    sends_mail: bool,
}

/// A channel, as the page shows it.
struct ChannelView {
    id: String,
    name: String,
    kind: ChannelKind,
    host: Markup,
    /// Whose it is, where that is another person.
    owner: Option<String>,
    wants: String,
    sent_at: Option<AbsoluteTime>,
    failed: Option<(AbsoluteTime, Markup)>,
    off: Option<Markup>,
    is_signed: bool,
    /// What may be changed of it; none where it is another person's.
    draft: Option<Draft>,
    is_being_changed: bool,
}

/// What a receiver has said to a test.
struct TestView {
    name: String,
    delivered: bool,
    sentence: Markup,
    answer: Option<Markup>,
}

/// A channel that is being written.
#[derive(Default)]
struct Draft {
    /// What the ids of its fields begin with, so that each form of the page has its own.
    prefix: String,
    /// The channel that is being changed; none where it is new.
    of: Option<(ChannelId, ChannelKind)>,
    kind: String,
    name: Field,
    address: Field,
    token: Field,
    risk: String,
    kinds: Vec<String>,
    quiet: Field,
    time_zone: Field,
    pace: Field,
    /// `yes`, `no`, or nothing: as usual.
    resolutions: String,
}

impl ChannelView {
    fn of(channel: &Channel, person: &Person) -> Self {
        let failed = channel.failed.as_ref().filter(|(at, _)| channel.sent_at.is_none_or(|sent| sent < *at));
        Self {
            id: channel.channel_id.to_string(),
            name: channel.name.to_string(),
            kind: channel.kind,
            host: escape_untrusted(&channel.host),
            owner: (channel.owner != person.caller.name).then(|| channel.owner.to_string()),
            wants: wants(&channel.wishes),
            sent_at: channel.sent_at.map(AbsoluteTime),
            failed: failed.map(|(at, why)| (AbsoluteTime(*at), escape_untrusted(why))),
            off: channel.disabled.as_ref().map(|(_, why)| escape_untrusted(why)),
            is_signed: channel.kind.is_signed(),
            draft: (channel.owner == person.caller.name).then(|| Draft::of_channel(channel)),
            is_being_changed: false,
        }
    }
}

impl TestView {
    fn of(name: String, tested: &TestedChannel) -> Self {
        let TestedChannel { delivered, status, answer, error, took_ms } = tested;
        let sentence = match (error, status) {
            (Some(error), _) => format!("The test did not arrive: {error}."),
            (None, Some(status)) => format!("The receiver answered {status} in {took_ms} ms."),
            (None, None) => format!("The test arrived in {took_ms} ms."),
        };
        let answer: String = answer.as_deref().unwrap_or_default().chars().take(SHOWN_ANSWER).collect();
        let answer = Some(answer).filter(|answer| !answer.trim().is_empty());
        Self {
            name,
            delivered: *delivered,
            sentence: escape_untrusted(&sentence),
            answer: answer.map(|answer| escape_untrusted(&answer)),
        }
    }
}

impl Draft {
    fn new() -> Self {
        Self { pace: Field::typed(pace(PACE_MS)), ..Self::default() }
    }

    fn of_channel(channel: &Channel) -> Self {
        let wishes = &channel.wishes;
        let (quiet, time_zone) = wishes.quiet.as_ref().map(QuietHours::parts).unwrap_or_default();
        Self {
            prefix: format!("{}-", channel.channel_id),
            of: Some((channel.channel_id.clone(), channel.kind)),
            kind: channel.kind.to_string(),
            name: Field::typed(channel.name.as_str()),
            risk: wishes.risk.map_or("", RiskLevel::as_str).to_owned(),
            kinds: wishes.kinds.iter().map(ToString::to_string).collect(),
            quiet: Field::typed(quiet),
            time_zone: Field::typed(time_zone),
            pace: Field::typed(pace(wishes.pace_ms)),
            resolutions: if wishes.resolutions { "yes" } else { "no" }.to_owned(),
            ..Self::default()
        }
    }

    fn typed(fields: &Fields) -> Self {
        let typed = |name: &str| Field::typed(fields.get(name).unwrap_or_default().trim());
        Self {
            prefix: String::new(),
            of: None,
            kind: fields.get("kind").unwrap_or_default().to_owned(),
            name: typed("name"),
            address: typed("address"),
            token: typed("token"),
            risk: fields.get("risk").unwrap_or_default().to_owned(),
            kinds: fields.all("kinds").map(str::to_owned).collect(),
            quiet: typed("quiet"),
            time_zone: typed("timeZone"),
            pace: typed("pace"),
            resolutions: fields.get("resolutions").unwrap_or_default().to_owned(),
        }
    }

    /// What is wanted of the channel, and its name; or what is wrong stands beside the fields.
    fn read(&mut self) -> Option<(ChannelName, Wanted)> {
        let name = self.name.read(|text| text.parse::<ChannelName>());
        let pace_ms = self.pace.read_if_any(|text| {
            let millis = match text.parse::<Ttl>()? {
                Ttl::None => 0,
                Ttl::Millis(millis) => millis,
            };
            PaceMs::new(millis).ok_or_else(|| "It is at most a day.".to_owned())
        });
        let quiet = match (self.quiet.typed.is_empty(), self.time_zone.typed.is_empty()) {
            (true, _) => Some(None),
            // Whose night it is, is not guessed.
            (false, true) => self.time_zone.read(|_| Err::<Option<QuietHours>, _>("")),
            (false, false) => {
                let zone = self.time_zone.typed.clone();
                self.quiet.read(|hours| QuietHours::parse(hours, &zone)).map(Some)
            }
        };
        let kinds = self.kinds.iter().map(|kind| kind.parse::<Kind>()).collect::<Result<Vec<_>, _>>().ok();
        let resolutions = ["yes", "no"].contains(&self.resolutions.as_str()).then(|| self.resolutions == "yes");
        let wanted = Wanted {
            risk: self.risk.parse::<RiskLevel>().ok(),
            kinds: kinds?,
            quiet: quiet?,
            pace_ms: pace_ms?.map(PaceMs::get),
            resolutions,
        };
        Some((name?, wanted))
    }

    /// The channel that is to be made.
    fn read_new(&mut self) -> Option<NewChannel> {
        let text = |text: &str| Ok::<_, String>(text.to_owned());
        let kind = self.kind.parse::<ChannelKind>().ok().filter(|kind| *kind != ChannelKind::WebPush);
        let (address, read) = (self.address.read(text), self.read());
        let ((name, wanted), kind, address) = (read?, kind?, address?);
        let token = Some(self.token.typed.clone()).filter(|token| !token.is_empty());
        let (url, email) = if kind == ChannelKind::Email { (None, Some(address)) } else { (Some(address), None) };
        let body = AddChannelBody {
            name: name.clone(),
            kind,
            url,
            email,
            token,
            push: None,
            risk: None,
            kinds: Vec::new(),
            quiet: None,
            pace_ms: None,
            resolutions: None,
        };
        let address = body.address().map_err(|invalid| self.put_invalid(invalid)).ok()?;
        Some(NewChannel { name, kind, address, wishes: wanted.of(kind) })
    }

    /// What is to be changed of the channel of this kind.
    fn read_change(&mut self, kind: ChannelKind) -> Option<ChangedChannel> {
        let (name, wanted) = self.read()?;
        let address = Some(self.address.typed.clone()).filter(|address| !address.is_empty());
        let (url, email) = if kind == ChannelKind::Email { (None, address) } else { (address, None) };
        let token = Some(self.token.typed.as_str()).filter(|token| !token.is_empty());
        let token = token.map(checked_token).transpose().map_err(|invalid| self.put_invalid(invalid)).ok()?;
        Some(ChangedChannel { name, url, email, token, wanted })
    }

    fn put_invalid(&mut self, invalid: Invalid) {
        let Invalid::Field { field, message } = invalid else { return };
        let at_fault = if field == "token" { &mut self.token } else { &mut self.address };
        at_fault.fault = Some(message);
    }

    /// Puts what the service refused beside the field at fault; or it is for the page of refusals.
    fn put_fault(&mut self, error: service::Error) -> Result<(), Problem> {
        let field = match &error {
            service::Error::Refused(Refused::ChannelNameTaken | Refused::TooManyChannels { .. }) => &mut self.name,
            service::Error::Refused(Refused::ChannelRefused { field: "token", .. }) => &mut self.token,
            service::Error::Refused(Refused::ChannelRefused { .. }) => &mut self.address,
            service::Error::Refused(_)
            | service::Error::UnknownToken
            | service::Error::UnknownSession
            | service::Error::Store(_)
            | service::Error::Sealing(_)
            | service::Error::Writing(_)
            | service::Error::Random(_)
            | service::Error::Opening(_) => return Err(error.into()),
        };
        field.fault = Some(Problem::from(error).sentence().to_owned());
        Ok(())
    }

    /// What may be chosen of confirmations, and whether it is.
    fn risks(&self) -> Vec<(&'static str, bool)> {
        RiskLevel::ALL.iter().map(|risk| (risk.as_str(), self.risk == risk.as_str())).collect()
    }

    /// The kinds of interactions, and whether they are chosen.
    fn asked(&self) -> Vec<(&'static str, bool)> {
        Kind::ALL.iter().map(|kind| (kind.as_str(), self.kinds.iter().any(|chosen| chosen == kind.as_str()))).collect()
    }

    /// Whether ends are told, and whether that is chosen; of a channel that is there it is one of the two.
    fn ends(&self) -> Vec<(&'static str, &'static str, bool)> {
        let all = [("", "as usual: to a program of your own"), ("yes", "yes"), ("no", "no")];
        let offered = all.into_iter().filter(|(word, _)| self.of.is_none() || !word.is_empty());
        offered.map(|(word, label)| (word, label, self.resolutions == word)).collect()
    }

    /// Whether its receiver may ask for a token.
    fn may_have_token(&self) -> bool {
        self.of.as_ref().is_none_or(|(_, kind)| kind.may_have_token())
    }

    /// Whether where it leads can be changed: a browser subscribes by itself.
    fn has_address(&self) -> bool {
        self.of.as_ref().is_none_or(|(_, kind)| *kind != ChannelKind::WebPush)
    }
}

impl ChannelsPage {
    async fn of(app: &App, person: &Person, draft: Draft) -> Result<Self, Problem> {
        let channels = match person.may_resolve() {
            true => app.service.channels(&person.caller).await?,
            false => Vec::new(),
        };
        Ok(Self {
            frame: Frame::of(person, "channels"),
            channels: channels.iter().map(|channel| ChannelView::of(channel, person)).collect(),
            draft,
            push_name: Field::default(),
            secret: None,
            tested: None,
            sends_mail: app.service.sends_mail(),
        })
    }

    /// What may be chosen as a kind, what people call it, and whether it is chosen.
    fn kinds(&self) -> Vec<(&'static str, &'static str, bool)> {
        let all = [
            (ChannelKind::Ntfy, "ntfy: the URL of a topic"),
            (ChannelKind::Gotify, "Gotify: the URL of its server"),
            (ChannelKind::Slack, "Slack: the URL of an incoming webhook"),
            (ChannelKind::Mattermost, "Mattermost: the URL of an incoming webhook"),
            (ChannelKind::Teams, "Teams: the URL of a workflow"),
            (ChannelKind::Email, "E-mail: an address"),
            (ChannelKind::Webhook, "A program of your own: the URL of a webhook"),
        ];
        let offered = all.into_iter().filter(|(kind, _)| *kind != ChannelKind::Email || self.sends_mail);
        offered.map(|(kind, label)| (kind.as_str(), label, self.draft.kind == kind.as_str())).collect()
    }
}

pub(super) async fn page(State(app): State<App>, person: Person, NoQuery: NoQuery) -> Result<Response, Problem> {
    html(&ChannelsPage::of(&app, &person, Draft::new()).await?)
}

/// `POST /channels`: makes a channel; a secret is shown in this answer alone.
pub(super) async fn add(State(app): State<App>, form: Form) -> Result<Response, PageRejection> {
    let Form { person, fields } = form;
    person.caller.require(Right::Resolve).map_err(Problem::from)?;
    let mut draft = Draft::typed(&fields);
    let Some(new) = draft.read_new() else {
        return at_fault(&ChannelsPage::of(&app, &person, draft).await?);
    };
    match app.service.add_channel(&person.caller, new, None).await {
        Ok(added) => {
            let page = ChannelsPage::of(&app, &person, Draft::new()).await?;
            let secret = added.secret.map(|secret| (added.channel.name.to_string(), secret));
            Ok(html(&ChannelsPage { secret, ..page })?)
        }
        Err(error) => {
            draft.put_fault(error)?;
            at_fault(&ChannelsPage::of(&app, &person, draft).await?)
        }
    }
}

fn at_fault(page: &ChannelsPage) -> Result<Response, PageRejection> {
    Ok((FORM_AT_FAULT, html(page)?).into_response())
}

/// `POST /channels/{channelId}/change`: what a channel is from now on.
pub(super) async fn change(
    State(app): State<App>,
    Param(channel_id): Param<ChannelId>,
    form: Form,
) -> Result<Response, PageRejection> {
    let Form { person, fields } = form;
    let mut page = ChannelsPage::of(&app, &person, Draft::new()).await?;
    let shown = page.channels.iter_mut().find(|channel| channel.id == channel_id.as_str());
    let Some(ChannelView { draft: Some(draft), is_being_changed, .. }) = shown else {
        return Err(Problem::from(Refused::UnknownChannel).into());
    };
    let (prefix, of) = (std::mem::take(&mut draft.prefix), draft.of.take());
    let kind = of.as_ref().map(|(_, kind)| *kind).ok_or(Problem::from(Refused::UnknownChannel))?;
    (*draft, *is_being_changed) = (Draft { prefix, of, ..Draft::typed(&fields) }, true);
    let Some(changed) = draft.read_change(kind) else { return at_fault(&page) };
    match app.service.change_channel(&person.caller, &channel_id, changed).await {
        Ok(_) => Ok(Redirect::to("/channels").into_response()),
        Err(error) => {
            draft.put_fault(error)?;
            at_fault(&page)
        }
    }
}

/// `POST /channels/{channelId}/test`: sends a test, and shows what the receiver has answered.
pub(super) async fn test(
    State(app): State<App>,
    Param(channel_id): Param<ChannelId>,
    form: Form,
) -> Result<Response, PageRejection> {
    let Form { person, .. } = form;
    let said = app.service.test_channel(&person.caller, &channel_id).await.map_err(Problem::from)?;
    let page = ChannelsPage::of(&app, &person, Draft::new()).await?;
    let name = page.channels.iter().find(|channel| channel.id == channel_id.as_str());
    let name = name.map_or_else(|| channel_id.to_string(), |channel| channel.name.clone());
    Ok(html(&ChannelsPage { tested: Some(TestView::of(name, &tested(said))), ..page })?)
}

/// `POST /channels/{channelId}/rotate`: makes a new secret, and shows it in this answer alone.
pub(super) async fn rotate(
    State(app): State<App>,
    Param(channel_id): Param<ChannelId>,
    form: Form,
) -> Result<Response, PageRejection> {
    let Form { person, .. } = form;
    let old_for_ms = RotateChannelBody { old_for_ms: None::<OldForMs> }.old_for_ms();
    let rotated = app.service.rotate_channel(&person.caller, &channel_id, old_for_ms).await.map_err(Problem::from)?;
    let page = ChannelsPage::of(&app, &person, Draft::new()).await?;
    let secret = rotated.secret.map(|secret| (rotated.channel.name.to_string(), secret));
    Ok(html(&ChannelsPage { secret, ..page })?)
}

/// `POST /channels/{channelId}/remove`.
pub(super) async fn remove(
    State(app): State<App>,
    Param(channel_id): Param<ChannelId>,
    form: Form,
) -> Result<Response, PageRejection> {
    app.service.remove_channel(&form.person.caller, &channel_id).await.map_err(Problem::from)?;
    Ok(Redirect::to("/channels").into_response())
}

/// What a browser subscribes with.
#[derive(Serialize)]
struct PushKeyAnswer {
    key: String,
}

/// `POST /channels/push/key`: the key that push services know this server by, for the script.
pub(super) async fn push_key(State(app): State<App>, form: Form) -> Result<Response, PageRejection> {
    form.person.caller.require(Right::Resolve).map_err(Problem::from)?;
    let key = app.service.push_public_key().await.map_err(Problem::from)?;
    Ok(ok(&PushKeyAnswer { key: URL_SAFE_NO_PAD.encode(key) })?)
}

/// `POST /channels/push`: this browser has subscribed. It is unsubscribed where the person logs out of it.
pub(super) async fn subscribe(State(app): State<App>, form: Form) -> Result<Response, PageRejection> {
    let Form { person, fields } = form;
    let field = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    let mut push_name = Field::typed(field("name").trim());
    let Some(name) = push_name.read_if_any(|text| text.parse::<ChannelName>()) else {
        let page = ChannelsPage::of(&app, &person, Draft::new()).await?;
        return at_fault(&ChannelsPage { push_name, ..page });
    };
    let push = PushKeys { p256dh: field("p256dh"), auth: field("auth") };
    let address = ChannelAddress { push: Some(push), ..ChannelAddress::new(field("endpoint")) };
    let (kind, wishes) = (ChannelKind::WebPush, Wishes::of(ChannelKind::WebPush));
    let new = NewChannel { name: name.unwrap_or_else(new_name), kind, address, wishes };
    match app.service.add_channel(&person.caller, new, Some(person.session())).await {
        Ok(_) => Ok(Redirect::to("/channels").into_response()),
        Err(error @ service::Error::Refused(Refused::ChannelNameTaken | Refused::TooManyChannels { .. })) => {
            push_name.fault = Some(Problem::from(error).sentence().to_owned());
            let page = ChannelsPage::of(&app, &person, Draft::new()).await?;
            at_fault(&ChannelsPage { push_name, ..page })
        }
        Err(error) => Err(Problem::from(error).into()),
    }
}

/// A name for a browser that its person has given none.
fn new_name() -> ChannelName {
    let id = ChannelId::generate();
    let end = id.as_str().rsplit('-').next().unwrap_or_default();
    // The last part of an id is of letters and digits.
    format!("browser-{end}").parse().unwrap_or_else(|_| ChannelName::from(id))
}
