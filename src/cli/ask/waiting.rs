//! Registering and waiting, whatever becomes of the server and of the terminal meanwhile.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;

use crate::api::{Interaction, NoBody, RegisterBody, Resolution, WithRaw};
use crate::cli::common::{Common, warn};
use crate::cli::interrupt::{Heard, Interrupts};
use crate::cli::open::{link, pages};
use crate::cli::{Failure, safe_text};
use crate::client::{Client, Error, RetryPolicy};
use crate::config::{lifetime, timeout};
use crate::domain::bounded::LifetimeMs;
use crate::domain::enums::{Kind, Outcome};
use crate::domain::id::{ConversationId, RequestId};
use crate::domain::kinds::Content;
use crate::present::{Ending, escape_json};

/// What every question has beside its content.
#[derive(Debug, Args)]
pub(in crate::cli) struct Waiting {
    /// The id to register under, so that a script that was killed comes back to the same question [default: a new one]
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) request_id: Option<RequestId>,

    /// The conversation that this request belongs to
    #[arg(long, value_name = "ID")]
    conversation: Option<ConversationId>,

    /// How long the question waits for an answer, such as 10m or 7d [default: the server's]
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    expires_in: Option<LifetimeMs>,

    /// Give up when the server has been unreachable for this long without a break
    #[arg(long, value_name = "TIME", env = "COUNTERSIGN_UNREACHABLE_AFTER", default_value = "30s", value_parser = timeout)]
    unreachable_after: Duration,

    /// Cancel the request when interrupted, instead of leaving it pending
    #[arg(long)]
    cancel_on_interrupt: bool,

    #[command(flatten)]
    pub(in crate::cli) common: Common,
}

/// A question that was answered, in whichever way, and what is needed to go on.
pub(in crate::cli) struct Asked {
    pub(in crate::cli) client: Arc<Client>,
    pub(in crate::cli) patience: RetryPolicy,
    pub(in crate::cli) interaction: WithRaw<Interaction>,
}

impl Waiting {
    /// Registers `content` and waits until it is resolved.
    pub(in crate::cli) fn ask(&self, content: Content) -> Result<Asked, Failure> {
        let client = Arc::new(self.common.agent()?);
        let patience = RetryPolicy::new(self.unreachable_after);
        // With an id of our own it may be sent again and again.
        let request_id = self.request_id.clone().unwrap_or_else(RequestId::generate);
        let body = RegisterBody {
            request_id: Some(request_id.clone()),
            conversation_id: self.conversation.clone(),
            expires_in_ms: self.expires_in,
            ..RegisterBody::new(content)
        };
        let interrupts = Interrupts::new()?;
        // Whether the server may have it, from before or from now on: else there is nothing to come back to.
        let may_be_asked = Arc::new(AtomicBool::new(self.request_id.is_some()));
        interrupts.start({
            let (client, request_id, may_be_asked) =
                (Arc::clone(&client), request_id.clone(), Arc::clone(&may_be_asked));
            let on_interrupt = if self.cancel_on_interrupt { "cancels it" } else { "leaves it" };
            move || wait(&client, patience, &request_id, &body, &may_be_asked, on_interrupt)
        });
        match interrupts.next()? {
            Heard::Done(Ok(interaction)) => Ok(Asked { client, patience, interaction }),
            Heard::Done(Err(error)) if error.is_transient() => Err(match may_be_asked.load(Ordering::Relaxed) {
                true => Failure::Away { error, request_id },
                false => Failure::NotAsked(error),
            }),
            Heard::Done(Err(error)) => Err(error.into()),
            Heard::Signal(_) if !may_be_asked.load(Ordering::Relaxed) => {
                Err(Failure::Interrupted("interrupted; nothing is asked yet".to_owned()))
            }
            Heard::Signal(_) if self.cancel_on_interrupt => {
                client.cancel_interaction(&request_id, &NoBody {})?;
                Err(Failure::Ended(Outcome::Cancelled, format!("interrupted; {request_id} is cancelled")))
            }
            Heard::Signal(_) => Err(Failure::Interrupted(format!(
                "interrupted; what was asked stays: come back with --request-id {request_id}"
            ))),
        }
    }
}

fn wait(
    client: &Client,
    patience: RetryPolicy,
    request_id: &RequestId,
    body: &RegisterBody,
    may_be_asked: &AtomicBool,
    on_interrupt: &str,
) -> Result<WithRaw<Interaction>, Error> {
    let mut interaction = patience.run(|| {
        let before = may_be_asked.swap(true, Ordering::Relaxed);
        let registered = client.register_interaction(body);
        let is_certain = registered.as_ref().is_err_and(|error| !error.may_be_done());
        may_be_asked.store(before || !is_certain, Ordering::Relaxed);
        registered
    })?;
    // Whether anybody reads this does not matter to the question.
    let _ = warn(interaction.value.warnings.take());
    if interaction.value.outcome().is_none() {
        let what = if interaction.value.kind == Kind::Confirmation { "approval" } else { "an answer" };
        let place = pages(client).map_or_else(|| request_id.to_string(), |pages| link(&pages, request_id));
        let _ = writeln!(io::stderr(), "waiting for {what}: {place} (Ctrl-C {on_interrupt})");
    }
    while interaction.value.outcome().is_none() {
        interaction = patience.run(|| client.wait(request_id))?;
    }
    Ok(interaction)
}

impl Asked {
    /// Prints the interaction where JSON is wanted, and fails where the answer is none, or no.
    pub(in crate::cli) fn answered(&self, json: bool) -> Result<&Interaction, Failure> {
        if json {
            writeln!(io::stdout(), "{}", escape_json(&self.interaction.json()))?;
        }
        let interaction = &self.interaction.value;
        match interaction.outcome() {
            Some(Outcome::Approved | Outcome::Answered) => Ok(interaction),
            Some(outcome) => Err(Failure::Ended(outcome, how_it_ended(interaction, outcome))),
            None => Err(Failure::Other(format!("{} is still pending", interaction.request_id))),
        }
    }
}

/// The sentence for the one who asked.
pub(in crate::cli) fn how_it_ended(interaction: &Interaction, outcome: Outcome) -> String {
    let resolution = interaction.resolution.as_ref();
    let ending = Ending::new(outcome, resolution.map(Resolution::resolved_by));
    let effective = resolution.and_then(Resolution::effective_input);
    let is_edited =
        effective.zip(interaction.confirmation.as_ref()).is_some_and(|(input, asked)| asked.input != *input);
    let ending = ending.edited(is_edited).delivered(resolution.and_then(Resolution::delivery));
    let comment = resolution.and_then(Resolution::comment);
    let comment = comment.map_or_else(String::new, |comment| format!(": {}", safe_text::line(comment)));
    format!("{ending}{comment}")
}
