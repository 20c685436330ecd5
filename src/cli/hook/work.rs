//! What a hook does: read the event, ask the server, wait for the answer.

use std::io::{self, BufRead, Read};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::place::Place;
use super::say::Said;
use super::{Hook, locked};
use crate::api::{HookAnswer, HookEvent, HookQuery, StillWaiting};
use crate::client::{Client, Error, RetryPolicy, pause};
use crate::connect::On;
use crate::dialects::hooks::{self, Ask, Does, Moment, Voice, without_output};
use crate::domain::enums::{HookClient, Role};
use crate::domain::id::{ClaimId, RequestId};
use crate::domain::json::JsonObject;
use crate::domain::tool_call::Denial;

/// The largest event that is read, in bytes: what a tool has put out stands in some.
const LARGEST_EVENT: u64 = 64 * 1024 * 1024;

/// How long one request waits: short enough that a server that is gone is noticed.
const SLICE: Duration = Duration::from_secs(25);

/// How long the server may be away where the event asks nothing: the client waits for no answer, but for the end of its hook.
const PATIENCE_FOR_REPORTS: Duration = Duration::from_secs(2);

/// The work of one hook.
pub(super) struct Work {
    pub(super) client: HookClient,
    /// How it is to be done; or what is wrong with the command line.
    pub(super) flags: Result<Hook, String>,
    /// How long before the end it is to be done.
    pub(super) margin: Duration,
}

/// What is known so far: whatever happens, it is denied in the client's own words.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Whether the event asks nothing.
    is_silent: bool,
    voice: Option<Voice>,
    waiting: Option<RequestId>,
}

impl Progress {
    /// What is said in the place of the answer.
    pub(super) fn instead(&self, why: &str) -> Said {
        match &self.waiting {
            Some(request_id) => self.deny(&Denial::Waiting { request_id: request_id.clone() }),
            None => self.deny(&Denial::Unreachable { why: why.to_owned() }),
        }
    }

    fn deny(&self, denial: &Denial) -> Said {
        match &self.voice {
            _ if self.is_silent => Said::Nothing,
            Some(voice) => Said::Answer(voice.deny(denial).to_string()),
            None => Said::Denied(denial.clone()),
        }
    }
}

impl Work {
    pub(super) fn run(self, end: Instant, progress: &Mutex<Progress>) -> Said {
        let event = match read_event() {
            Ok(event) => event,
            Err(what) => return Said::Denied(Denial::NotUnderstood { what }),
        };
        let hooks::Hook { client, does, voice } = hooks::Hook::read(self.client, &event);
        let has_permission_event = hooks::has_permission_event(client);
        {
            let mut known = locked(progress);
            known.is_silent = matches!(does, Does::Ran(_) | Does::Ends { .. } | Does::Nothing);
            known.voice = voice;
        }
        let flags = match self.flags {
            Ok(flags) => flags,
            Err(why) => return locked(progress).deny(&Denial::Refused { why }),
        };
        match does {
            Does::Nothing => Said::Nothing,
            Does::Unclear(what) => locked(progress).deny(&Denial::NotUnderstood { what }),
            Does::Ran(_) => report(&flags, client, &without_output(&event)),
            Does::Ends { .. } => report(&flags, client, &event),
            Does::Ask(ask) if has_permission_event && flags.leaves(ask.moment) => Said::Nothing,
            Does::Ask(ask) => {
                let end = end.checked_sub(self.margin).unwrap_or(end);
                match flags.ask(client, &ask, event, end, progress) {
                    Ok(answer) if answer.0.tree().is_empty() => {
                        locked(progress).deny(&Denial::Refused { why: "the server's answer is empty".to_owned() })
                    }
                    Ok(answer) => Said::Answer(answer.0.text().to_owned()),
                    Err(denial) => locked(progress).deny(&denial),
                }
            }
        }
    }
}

/// Whether there is nothing on stdin: then a person asks for help.
pub(super) fn has_no_event() -> bool {
    io::stdin().lock().fill_buf().is_ok_and(<[u8]>::is_empty)
}

fn read_event() -> Result<JsonObject, String> {
    let mut bytes = Vec::new();
    let read = io::stdin().take(LARGEST_EVENT + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("the event cannot be read: {error}"))?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("there is no event on standard input".to_owned());
    }
    if bytes.len() as u64 > LARGEST_EVENT {
        return Err(format!("the event is larger than {LARGEST_EVENT} bytes"));
    }
    serde_json::from_slice(&bytes).map_err(|error| format!("the event: {error}"))
}

/// Tells the server of what asks nothing. Nothing comes of a failure: the client has gone on.
fn report(flags: &Hook, client: HookClient, event: &JsonObject) -> Said {
    if let Ok(server) = Client::open(&flags.access, Role::Agent) {
        let event = HookEvent(event.clone());
        let patience = RetryPolicy::new(PATIENCE_FOR_REPORTS);
        let query = HookQuery { asks_again: Some(true), ..HookQuery::default() };
        // The history then says that the outcome is not known.
        let _ = patience.run(|| server.hook_event(&client, &query, &event));
    }
    Said::Nothing
}

impl Hook {
    /// Whether the client's question of this moment is left to the client.
    fn leaves(&self, moment: Moment) -> bool {
        match (self.on, moment) {
            (Some(On::Permission), Moment::Every) | (Some(On::Every), Moment::Permission) => true,
            (Some(On::Permission), Moment::Permission | Moment::Apart)
            | (Some(On::Every), Moment::Every | Moment::Apart)
            | (None, _) => false,
        }
    }

    /// Asks the server again and again until the answer is there, or it is time to give up.
    fn ask(
        &self,
        client: HookClient,
        ask: &Ask,
        event: JsonObject,
        end: Instant,
        progress: &Mutex<Progress>,
    ) -> Result<HookAnswer, Denial> {
        let server = Client::open(&self.access, Role::Agent);
        let server = server.map_err(|error| Denial::Refused { why: error.to_string() })?;
        let defers = self.defer && ask.may_defer && is_unattended();
        let place = Place::find(client, ask);
        // The same for every try: an answer that is lost on the way is given again.
        let claim_id = ClaimId::generate();
        let event = HookEvent(event);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let is_last = left <= SLICE || defers;
            let wait = if defers { Duration::ZERO } else { left.min(SLICE) };
            let query = HookQuery {
                wait_ms: u64::try_from(wait.as_millis()).ok(),
                claim_id: Some(claim_id.clone()),
                asks_again: Some(!is_last),
                defer: Some(defers),
                ..place.query()
            };
            let error = match server.hook_event(&client, &query, &event) {
                Ok(answer) => match serde_json::from_str::<StillWaiting>(answer.0.text()) {
                    Ok(StillWaiting { waiting }) => {
                        locked(progress).waiting = Some(waiting);
                        continue;
                    }
                    Err(_) => return Ok(answer),
                },
                Err(error) => error,
            };
            match error.retry_after() {
                Some(after) if Instant::now() + after < end => pause(after),
                Some(_) | None => return Err(denial(&error)),
            }
        }
    }
}

fn denial(error: &Error) -> Denial {
    match error {
        Error::Unreachable { why, .. } => Denial::Unreachable { why: why.clone() },
        Error::UnknownToken { .. } | Error::Refused(_) | Error::Foreign { .. } => {
            Denial::Refused { why: error.to_string() }
        }
    }
}

/// Whether Claude Code runs without a person at its terminal: only then can it end here and be woken.
fn is_unattended() -> bool {
    std::env::var("CLAUDE_CODE_ENTRYPOINT").is_ok_and(|entry| entry.starts_with("sdk"))
}
