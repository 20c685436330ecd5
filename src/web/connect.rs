//! `/connect`: what connects a client of agents, to be copied; a token for the agent, which is made here and shown once; and whether
//! the agent has asked.

use std::convert::Infallible;
use std::str::FromStr;
use std::sync::Arc;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::{FromRequestParts, State};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use clap::ValueEnum;
use serde::Deserialize;

use super::forms::{Field, Form, given, link};
use super::page::{Frame, html};
use super::session::{PageRejection, Person};
use super::text::Headline;
use crate::clock::Timestamp;
use crate::config::ServerUrl;
use crate::connect::{Client, Means, connecting, keeping};
use crate::domain::id::{PrincipalName, TokenId};
use crate::domain::principal::Right;
use crate::domain::refused::Refused;
use crate::http::App;
use crate::http::error::{FORM_AT_FAULT, FORM_REPEATED, Problem};
use crate::http::extract::Params;
use crate::http::middleware::origin::scheme;
use crate::http::transport::connection::Connection;
use crate::service::Error;
use crate::store::{Filter, Page as Rows};

/// What stands in the place of a token that is not shown.
pub(super) const PLACEHOLDER: &str = "THE-TOKEN-OF-THE-AGENT";

/// Of how many of an agent's latest questions the earliest is shown as its first.
const FIRST_OF: u32 = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    client: Option<String>,
    /// The agent whose question is awaited.
    agent: Option<String>,
    /// From when on: an agent may have asked with an earlier token.
    since: Option<String>,
}

/// A query that was read.
struct Wanted {
    client: Option<Client>,
    agent: Option<PrincipalName>,
    since: Option<Timestamp>,
}

#[derive(Template)]
#[template(path = "web/connect.html")]
struct ConnectPage {
    frame: Frame,
    may_make_tokens: bool,
    chosen: Option<Chosen>,
}

/// The client that a person has chosen.
struct Chosen {
    client: Client,
    token: Token,
    /// The agent that a token is made for.
    agent: Field,
    /// The id of the token that the form makes: sent twice, it makes one.
    token_id: TokenId,
    blocks: Vec<Block>,
    /// The files that the client reads, as they are to be.
    files: Vec<Block>,
    notes: Vec<&'static str>,
    trial: String,
    waiting: Option<Waiting>,
}

/// What this answer says of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    /// None was made.
    None,
    /// It was just made, and is in the first block.
    Made,
    /// The form had made it before.
    MadeBefore,
}

/// Something to be copied.
struct Block {
    id: String,
    title: String,
    text: String,
}

/// Whether the agent has asked, and where that is said anew.
struct Waiting {
    /// The page that says it, without a token.
    page: String,
    /// The part of it that changes.
    part: String,
    arrival: Arrival,
}

/// The first question of an agent, or that there is none yet.
#[derive(Template)]
#[template(path = "web/arrival.html")]
struct Arrival {
    base: Arc<str>,
    agent: PrincipalName,
    question: Option<(String, Headline)>,
    page: String,
}

// The template escapes what is in it.
impl HtmlSafe for Arrival {}

pub(super) async fn page(
    State(app): State<App>,
    person: Person,
    ServerAddress(url): ServerAddress,
    Params(query): Params<Query>,
) -> Result<Response, Problem> {
    let Wanted { client, agent, since } = query.read()?;
    let Some(client) = client else { return html(&ConnectPage::of(&person, None)) };
    let waiting = match &agent {
        Some(agent) => Some(Waiting::of(&app, &person, client, agent, since).await?),
        None => None,
    };
    let name = agent.map_or_else(|| client.name(), String::from);
    let chosen = Chosen::of(client, url, Field::typed(name));
    html(&ConnectPage::of(&person, Some(Chosen { waiting, ..chosen })))
}

/// The part of the page that says whether the agent has asked, for the script.
pub(super) async fn arrival(
    State(app): State<App>,
    person: Person,
    Params(query): Params<Query>,
) -> Result<Response, Problem> {
    let Wanted { client: Some(client), agent: Some(agent), since } = query.read()? else {
        return Err(Problem::malformed_field("agent", "say which client and which agent"));
    };
    html(&Waiting::of(&app, &person, client, &agent, since).await?.arrival)
}

/// `POST /connect`: makes a token for an agent and shows it, in this answer alone.
pub(super) async fn make_token(
    State(app): State<App>,
    ServerAddress(url): ServerAddress,
    form: Form,
) -> Result<Response, PageRejection> {
    let Form { person, fields } = form;
    person.caller.require(Right::MakeTokens).map_err(Problem::from)?;
    let client = given("client", fields.get("client"))?;
    let token_id = given::<TokenId>("tokenId", fields.get("tokenId"))?;
    let (Some(client), Some(token_id)) = (client, token_id) else {
        return Err(Problem::malformed_field("client", "the form of a page says which client and which token").into());
    };
    let mut agent = Field::typed(fields.get("agent").unwrap_or_default().trim());
    let name = agent.read(PrincipalName::from_str);
    let mut chosen = Chosen::of(client, url.clone(), agent);
    let Some(name) = name else {
        return Ok((FORM_AT_FAULT, html(&ConnectPage::of(&person, Some(chosen)))?).into_response());
    };
    match app.service.make_agent_token(&person.caller, token_id, name.clone()).await {
        Ok(made) => {
            let waiting = Waiting::of(&app, &person, client, &name, Some(made.made_at)).await?;
            let chosen = Chosen { waiting: Some(waiting), ..chosen.with_token(url, &made.text) };
            Ok(html(&ConnectPage::of(&person, Some(chosen)))?)
        }
        Err(Error::Refused(Refused::TokenIdTaken)) => {
            chosen.token = Token::MadeBefore;
            chosen.waiting = Some(Waiting::of(&app, &person, client, &name, None).await?);
            Ok((FORM_REPEATED, html(&ConnectPage::of(&person, Some(chosen)))?).into_response())
        }
        Err(error @ Error::Refused(Refused::OtherRole { .. })) => {
            chosen.agent.fault = Some(Problem::from(error).sentence().to_owned());
            Ok((FORM_AT_FAULT, html(&ConnectPage::of(&person, Some(chosen)))?).into_response())
        }
        Err(error) => Err(Problem::from(error).into()),
    }
}

impl Query {
    fn read(&self) -> Result<Wanted, Problem> {
        Ok(Wanted {
            client: given("client", self.client.as_deref())?,
            agent: given("agent", self.agent.as_deref())?,
            since: given("since", self.since.as_deref())?,
        })
    }
}

impl ConnectPage {
    fn of(person: &Person, chosen: Option<Chosen>) -> Self {
        let may_make_tokens = person.caller.require(Right::MakeTokens).is_ok();
        Self { frame: Frame::of(person, "connect"), may_make_tokens, chosen }
    }

    /// What may be chosen: the name, what people call it, and whether it is chosen.
    fn clients(&self) -> Vec<(String, &'static str, bool)> {
        let chosen = self.chosen.as_ref().map(|chosen| chosen.client);
        let all = Client::value_variants().iter();
        all.map(|client| (client.name(), client.label(), chosen == Some(*client))).collect()
    }
}

impl Chosen {
    /// A client, without a token.
    fn of(client: Client, url: String, agent: Field) -> Self {
        let means = client.means_anywhere(url);
        let (blocks, files) = blocks(client, &means, PLACEHOLDER);
        Self {
            client,
            token: Token::None,
            agent,
            token_id: TokenId::generate(),
            blocks,
            files,
            notes: client.notes(&means),
            trial: client.trial(&means),
            waiting: None,
        }
    }

    /// The same with a token, which was just made, in its place.
    fn with_token(self, url: String, token: &str) -> Self {
        let (blocks, files) = blocks(self.client, &self.client.means_anywhere(url), token);
        Self { token: Token::Made, blocks, files, ..self }
    }

    fn is_made(&self) -> bool {
        self.token == Token::Made
    }

    fn is_made_before(&self) -> bool {
        self.token == Token::MadeBefore
    }
}

/// What is copied to connect a client, in its order; and the files that are there afterwards.
fn blocks(client: Client, means: &Means, token: &str) -> (Vec<Block>, Vec<Block>) {
    let block = |id: &str, title: &str, text| Block { id: id.to_owned(), title: title.to_owned(), text };
    let keep = block("keep-token", "Keep the token on the agent's machine", keeping(token, means));
    if let Some(snippet) = client.snippet(means) {
        return (vec![keep, block("snippet", "Put this into the program", snippet)], Vec::new());
    }
    let connect = block("connect", "Connect it there", connecting(client, means));
    let files = client.files(means).into_iter().enumerate();
    let files =
        files.map(|(number, file)| block(&format!("file-{number}"), &file.path.display().to_string(), file.text()));
    (vec![keep, connect], files.collect())
}

impl Waiting {
    async fn of(
        app: &App,
        person: &Person,
        client: Client,
        agent: &PrincipalName,
        since: Option<Timestamp>,
    ) -> Result<Self, Problem> {
        let (client, from) = (client.name(), since.map(|since| since.to_string()));
        let parameters =
            [("client", Some(client.as_str())), ("agent", Some(agent.as_str())), ("since", from.as_deref())];
        let (page, part) = (link("/connect", &parameters), link("/connect/arrival", &parameters));
        let filter = Filter { registered_by: Some(agent.clone()), since, ..Filter::default() };
        let found = app.service.list(&person.caller, filter, Rows { before: None, limit: FIRST_OF }).await?;
        let question = found.rows.last().map(|record| {
            let about = Headline::from(record.body.content.summary().text.as_ref());
            (record.interaction.request_id.to_string(), about)
        });
        let arrival = Arrival { base: Arc::clone(&person.base), agent: agent.clone(), question, page: page.clone() };
        Ok(Self { page, part, arrival })
    }

    /// Whether the question is still to come.
    const fn is_open(&self) -> bool {
        self.arrival.question.is_none()
    }
}

/// The address of this server as clients write it: that of `--public-url`, else the one by which the person has come.
pub(super) struct ServerAddress(String);

impl FromRequestParts<App> for ServerAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        if let Some(url) = &app.http.public_url {
            return Ok(Self(url.to_string()));
        }
        let connection = parts.extensions.get::<Arc<Connection>>();
        let scheme = connection.map_or("http", |connection| scheme(connection, &app.http, &parts.headers));
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        // Over a socket of the file system a browser's proxy may say anything.
        Ok(Self(format!("{scheme}://{host}").parse::<ServerUrl>().unwrap_or_default().to_string()))
    }
}
