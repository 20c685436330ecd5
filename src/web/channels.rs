//! `/channels`: where a person hears of what waits, without a script; with one, a browser subscribes to pushes.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::forms::{Field, Fields, Form, given};
use super::page::{Frame, html};
use super::session::{PageRejection, Person};
use super::text::{AbsoluteTime, Markup, escape_untrusted};
use crate::api::{AddChannelBody, OldForMs, PaceMs, RotateChannelBody, TestedChannel};
use crate::domain::channel::{Channel, ChannelAddress, ChannelKind, PushKeys, Wishes};
use crate::domain::enums::{Kind, RiskLevel};
use crate::domain::id::{ChannelId, ChannelName};
use crate::domain::principal::Right;
use crate::domain::quiet_hours::QuietHours;
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::api::channels::tested;
use crate::http::error::{FORM_AT_FAULT, Problem};
use crate::http::extract::{NoQuery, Param, ok};
use crate::service::{self, NewChannel};

/// How much of a receiver's answer is shown, in characters.
const SHOWN_ANSWER: usize = 2_000;

#[derive(Template)]
#[template(path = "web/channels.html")]
struct ChannelsPage {
    frame: Frame,
    channels: Vec<ChannelView>,
    draft: Draft,
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
    kind: String,
    name: Field,
    address: Field,
    token: Field,
    risk: String,
    kinds: Vec<String>,
    quiet: Field,
    time_zone: Field,
}

impl ChannelView {
    fn of(channel: &Channel, person: &Person) -> Self {
        let failed = channel.failed.as_ref().filter(|(at, _)| channel.sent_at.is_none_or(|sent| sent < *at));
        let wishes = &channel.wishes;
        let kinds = match wishes.kinds.as_slice() {
            [] => "everything".to_owned(),
            kinds => kinds.iter().map(|kind| format!("{kind}s")).collect::<Vec<_>>().join(", "),
        };
        let risk = wishes.risk.map(|risk| format!("confirmations of {risk} risk and up"));
        let quiet = wishes.quiet.as_ref().map(|quiet| format!("quiet {quiet}"));
        Self {
            id: channel.channel_id.to_string(),
            name: channel.name.to_string(),
            kind: channel.kind,
            host: escape_untrusted(&channel.host),
            owner: (channel.owner != person.principal.name).then(|| channel.owner.to_string()),
            wants: [Some(kinds), risk, quiet].into_iter().flatten().collect::<Vec<_>>().join("; "),
            sent_at: channel.sent_at.map(AbsoluteTime),
            failed: failed.map(|(at, why)| (AbsoluteTime(*at), escape_untrusted(why))),
            off: channel.disabled.as_ref().map(|(_, why)| escape_untrusted(why)),
            is_signed: channel.kind.is_signed(),
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
    fn of(fields: &Fields) -> Self {
        let typed = |name: &str| Field::typed(fields.get(name).unwrap_or_default().trim());
        Self {
            kind: fields.get("kind").unwrap_or_default().to_owned(),
            name: typed("name"),
            address: typed("address"),
            token: typed("token"),
            risk: fields.get("risk").unwrap_or_default().to_owned(),
            kinds: fields.all("kinds").map(str::to_owned).collect(),
            quiet: typed("quiet"),
            time_zone: typed("timeZone"),
        }
    }

    /// What is to be made; or what is wrong stands beside the fields.
    fn read(&mut self) -> Option<AddChannelBody> {
        let text = |text: &str| Ok::<_, String>(text.to_owned());
        let kind = self.kind.parse::<ChannelKind>().ok().filter(|kind| *kind != ChannelKind::WebPush);
        let name = self.name.read(|text| text.parse::<ChannelName>());
        let address = self.address.read(text);
        let token = self.token.read_if_any(text);
        let zone = Some(self.time_zone.typed.as_str()).filter(|zone| !zone.is_empty()).unwrap_or("UTC").to_owned();
        let quiet = self.quiet.read_if_any(|hours| QuietHours::parse(hours, &zone));
        let kinds = self.kinds.iter().map(|kind| kind.parse::<Kind>()).collect::<Result<Vec<_>, _>>().ok();
        let (kind, address) = (kind?, address?);
        let (url, email) = if kind == ChannelKind::Email { (None, Some(address)) } else { (Some(address), None) };
        Some(AddChannelBody {
            name: name?,
            kind,
            url,
            email,
            token: token?,
            push: None,
            risk: self.risk.parse::<RiskLevel>().ok(),
            kinds: kinds?,
            quiet: quiet?,
            pace_ms: None::<PaceMs>,
            resolutions: None,
        })
    }

    /// Puts what the service refused beside the field at fault; or it is for the page of refusals.
    fn put_fault(&mut self, error: service::Error) -> Result<(), Problem> {
        let field = match &error {
            service::Error::Refused(Refused::ChannelNameTaken) => &mut self.name,
            service::Error::Refused(Refused::ChannelRefused { .. }) => &mut self.address,
            service::Error::Refused(_)
            | service::Error::Store(_)
            | service::Error::Sealing(_)
            | service::Error::Writing(_)
            | service::Error::Random(_)
            | service::Error::Opening(_) => return Err(error.into()),
        };
        field.fault = Some(Problem::from(error).sentence().to_owned());
        Ok(())
    }
}

impl ChannelsPage {
    async fn of(app: &App, person: &Person, draft: Draft) -> Result<Self, Problem> {
        let channels = match person.may_resolve() {
            true => app.service.channels(&person.principal).await?,
            false => Vec::new(),
        };
        Ok(Self {
            frame: Frame::of(person, "channels"),
            channels: channels.iter().map(|channel| ChannelView::of(channel, person)).collect(),
            draft,
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

    /// What may be chosen of confirmations, and whether it is.
    fn risks(&self) -> Vec<(&'static str, bool)> {
        RiskLevel::ALL.iter().map(|risk| (risk.as_str(), self.draft.risk == risk.as_str())).collect()
    }

    /// The kinds of interactions, and whether they are chosen.
    fn asked(&self) -> Vec<(&'static str, bool)> {
        Kind::ALL
            .iter()
            .map(|kind| (kind.as_str(), self.draft.kinds.iter().any(|chosen| chosen == kind.as_str())))
            .collect()
    }
}

pub(super) async fn page(State(app): State<App>, person: Person, NoQuery: NoQuery) -> Result<Response, Problem> {
    html(&ChannelsPage::of(&app, &person, Draft::default()).await?)
}

/// `POST /channels`: makes a channel; a secret is shown in this answer alone.
pub(super) async fn add(State(app): State<App>, form: Form) -> Result<Response, PageRejection> {
    let Form { person, fields } = form;
    person.principal.require(Right::Resolve).map_err(Problem::from)?;
    let mut draft = Draft::of(&fields);
    let Some(body) = draft.read() else {
        return Ok((FORM_AT_FAULT, html(&ChannelsPage::of(&app, &person, draft).await?)?).into_response());
    };
    let (address, wishes) = (body.address().map_err(Problem::from)?, body.wishes());
    let new = NewChannel { name: body.name, kind: body.kind, address, wishes };
    match app.service.add_channel(&person.principal, new, None).await {
        Ok(added) => {
            let page = ChannelsPage::of(&app, &person, Draft::default()).await?;
            let secret = added.secret.map(|secret| (added.channel.name.to_string(), secret));
            Ok(html(&ChannelsPage { secret, ..page })?)
        }
        Err(error) => {
            draft.put_fault(error)?;
            Ok((FORM_AT_FAULT, html(&ChannelsPage::of(&app, &person, draft).await?)?).into_response())
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
    let said = app.service.test_channel(&person.principal, &channel_id).await.map_err(Problem::from)?;
    let page = ChannelsPage::of(&app, &person, Draft::default()).await?;
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
    let rotated =
        app.service.rotate_channel(&person.principal, &channel_id, old_for_ms).await.map_err(Problem::from)?;
    let page = ChannelsPage::of(&app, &person, Draft::default()).await?;
    let secret = rotated.secret.map(|secret| (rotated.channel.name.to_string(), secret));
    Ok(html(&ChannelsPage { secret, ..page })?)
}

/// `POST /channels/{channelId}/remove`.
pub(super) async fn remove(
    State(app): State<App>,
    Param(channel_id): Param<ChannelId>,
    form: Form,
) -> Result<Response, PageRejection> {
    app.service.remove_channel(&form.person.principal, &channel_id).await.map_err(Problem::from)?;
    Ok(Redirect::to("/channels").into_response())
}

/// What a browser subscribes with.
#[derive(Serialize)]
struct PushKeyAnswer {
    key: String,
}

/// `POST /channels/push/key`: the key that push services know this server by, for the script.
pub(super) async fn push_key(State(app): State<App>, form: Form) -> Result<Response, PageRejection> {
    form.person.principal.require(Right::Resolve).map_err(Problem::from)?;
    let key = app.service.push_public_key().await.map_err(Problem::from)?;
    Ok(ok(&PushKeyAnswer { key: URL_SAFE_NO_PAD.encode(key) })?)
}

/// `POST /channels/push`: this browser has subscribed. It is unsubscribed where the person logs out of it.
pub(super) async fn subscribe(State(app): State<App>, form: Form) -> Result<Response, PageRejection> {
    let Form { person, fields } = form;
    let field = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    let name = given::<ChannelName>("name", fields.get("name"))?;
    let name = match name {
        Some(name) => name,
        None => new_name(),
    };
    let push = PushKeys { p256dh: field("p256dh"), auth: field("auth") };
    let address = ChannelAddress { push: Some(push), ..ChannelAddress::new(field("endpoint")) };
    let wishes = Wishes::of(ChannelKind::WebPush);
    let new = NewChannel { name, kind: ChannelKind::WebPush, address, wishes };
    app.service.add_channel(&person.principal, new, Some(person.session())).await.map_err(Problem::from)?;
    Ok(Redirect::to("/channels").into_response())
}

/// A name for a browser that its person has given none.
fn new_name() -> ChannelName {
    let id = ChannelId::generate();
    let end = id.as_str().rsplit('-').next().unwrap_or_default();
    // The last part of an id is of letters and digits.
    format!("browser-{end}").parse().unwrap_or_else(|_| ChannelName::from(id))
}
