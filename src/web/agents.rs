//! `/agents`: who asks. Each agent with what waits for it, what it asked lately, and its tokens, which admins make and revoke here.

use std::collections::HashMap;
use std::str::FromStr;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use zeroize::Zeroizing;

use super::forms::{Field, Form, given, link};
use super::page::{Frame, html};
use super::row::AgentChip;
use super::session::{PageRejection, Person};
use super::text::AbsoluteTime;
use crate::domain::id::{PrincipalName, TokenId};
use crate::domain::principal::Right;
use crate::domain::refused::Refused;
use crate::domain::stats::{DayNumbers, Numbers, Period};
use crate::http::App;
use crate::http::error::{FORM_AT_FAULT, FORM_REPEATED, Problem, unknown_path};
use crate::http::extract::{NoQuery, Param};
use crate::service::Error;
use crate::store::Agent;

/// Of how many days the questions are counted, today with them.
const DAYS: i64 = 7;

/// How many agents are shown, those first that wait or have asked lately.
const MOST_AGENTS: usize = 200;

/// Of how many agents at most it is known how much waits for them.
const MOST_WAITING: u32 = 10_000;

#[derive(Template)]
#[template(path = "web/agents.html")]
struct AgentsPage {
    frame: Frame,
    agents: Vec<AgentView>,
    /// How many more there are than are shown.
    more: usize,
    may_make_tokens: bool,
    /// The agent that a token is to be made for.
    new_name: Field,
    /// The id of the token that the form makes: sent twice, it makes one.
    token_id: TokenId,
    /// The token that was just made.
    made: Option<Made>,
    /// Whether the form had made its token before.
    is_made_before: bool,
}

/// A token, in the one answer that shows it.
struct Made {
    name: String,
    text: Zeroizing<String>,
}

/// An agent, as the page shows it.
struct AgentView {
    who: AgentChip,
    last_asked: LastAsked,
    waiting: u64,
    /// Where what waits is.
    queue: String,
    /// Where all that it asked is.
    history: String,
    numbers: Numbers,
    tokens: Vec<TokenView>,
}

/// When an agent asked last, as exactly as it is known.
enum LastAsked {
    At(AbsoluteTime),
    On(String),
    Never,
}

struct TokenView {
    id: TokenId,
    created_at: AbsoluteTime,
}

pub(super) async fn page(State(app): State<App>, person: Person, NoQuery: NoQuery) -> Result<Response, Problem> {
    html(&AgentsPage::of(&app, &person).await?)
}

/// `POST /agents`: makes a token of an agent and shows it, in this answer alone.
pub(super) async fn make_token(State(app): State<App>, form: Form) -> Result<Response, PageRejection> {
    let Form { person, fields } = form;
    person.caller.require(Right::MakeTokens).map_err(Problem::from)?;
    let token_id = given::<TokenId>("tokenId", fields.get("tokenId"))?;
    let token_id = token_id.ok_or_else(|| Problem::malformed_field("tokenId", "the form of the page has it"))?;
    let mut new_name = Field::typed(fields.get("name").unwrap_or_default().trim());
    let Some(agent) = new_name.read(PrincipalName::from_str) else {
        let page = AgentsPage::of(&app, &person).await?;
        return Ok((FORM_AT_FAULT, html(&AgentsPage { new_name, ..page })?).into_response());
    };
    let made = app.service.make_agent_token(&person.caller, token_id, agent.clone()).await;
    let page = AgentsPage::of(&app, &person).await?;
    match made {
        Ok(made) => {
            let made = Some(Made { name: agent.into(), text: made.text });
            Ok(html(&AgentsPage { made, ..page })?)
        }
        Err(Error::Refused(Refused::TokenIdTaken)) => {
            Ok((FORM_REPEATED, html(&AgentsPage { is_made_before: true, ..page })?).into_response())
        }
        Err(error @ Error::Refused(Refused::OtherRole { .. })) => {
            new_name.fault = Some(Problem::from(error).sentence().to_owned());
            Ok((FORM_AT_FAULT, html(&AgentsPage { new_name, ..page })?).into_response())
        }
        Err(error) => Err(Problem::from(error).into()),
    }
}

/// `POST /tokens/{tokenId}/revoke`: takes a token of an agent back.
pub(super) async fn revoke_token(
    State(app): State<App>,
    Param(token_id): Param<TokenId>,
    form: Form,
) -> Result<Response, PageRejection> {
    match app.service.revoke_agent_token(&form.person.caller, token_id).await.map_err(Problem::from)? {
        true => Ok(Redirect::to("/agents").into_response()),
        false => Err(unknown_path().await.into()),
    }
}

impl AgentsPage {
    async fn of(app: &App, person: &Person) -> Result<Self, Problem> {
        let now = app.service.now();
        let since = Period::days_before(now, DAYS - 1, 0);
        // What is asked in this very millisecond is asked before the next one.
        let until = now.plus_millis(1).unwrap_or(now);
        let stats = app.service.stats(Period { since, until, offset_minutes: 0 }).await?;
        let asked = stats.agents.iter().map(|asked| (&asked.name, asked)).collect::<HashMap<_, _>>();
        let waiting = app.service.pending_by_agent(MOST_WAITING).await?.into_iter().collect::<HashMap<_, _>>();
        let view = |agent: Agent| {
            let asked = asked.get(&agent.name);
            let waits = waiting.get(&agent.name).copied().unwrap_or(0);
            let view = AgentView::of(&agent, waits, asked.map(|asked| asked.numbers).unwrap_or_default());
            let last = asked.map(|asked| LastAsked::At(AbsoluteTime(asked.last_asked_at)));
            let last_asked = last.unwrap_or(view.last_asked);
            ((waits > 0, asked.map(|asked| asked.last_asked_at), agent.last_day), AgentView { last_asked, ..view })
        };
        let mut agents = app.service.agents().await?.into_iter().map(view).collect::<Vec<_>>();
        // Agents that are alike in all of that stay in the order of their names.
        agents.sort_by(|(one, _), (other, _)| other.cmp(one));
        Ok(Self {
            frame: Frame::of(person, "agents"),
            more: agents.len().saturating_sub(MOST_AGENTS),
            agents: agents.into_iter().take(MOST_AGENTS).map(|(_, view)| view).collect(),
            may_make_tokens: person.caller.require(Right::MakeTokens).is_ok(),
            new_name: Field::default(),
            token_id: TokenId::generate(),
            made: None,
            is_made_before: false,
        })
    }
}

impl AgentView {
    fn of(agent: &Agent, waiting: u64, numbers: Numbers) -> Self {
        let name = agent.name.as_str();
        let on = |day| DayNumbers { day, numbers: Numbers::default() }.date().to_string();
        let tokens = agent.tokens.iter();
        let tokens =
            tokens.map(|token| TokenView { id: token.token_id.clone(), created_at: AbsoluteTime(token.created_at) });
        Self {
            who: AgentChip::of(name),
            last_asked: agent.last_day.map_or(LastAsked::Never, |day| LastAsked::On(on(day))),
            waiting,
            queue: link("/", &[("agent", Some(name))]),
            history: link("/history", &[("principal", Some(name))]),
            numbers,
            tokens: tokens.collect(),
        }
    }
}
