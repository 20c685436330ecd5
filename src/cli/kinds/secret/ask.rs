//! `countersign ask secret`: the value on stdout, alone.

use std::io::{self, Write};

use clap::Args;
use zeroize::Zeroizing;

use crate::api::TakeSecretBody;
use crate::cli::Failure;
use crate::cli::ask::EXIT_CODES;
use crate::cli::ask::waiting::Waiting;
use crate::domain::id::{SecretName, TakeId};
use crate::domain::kinds::{Content, SecretRequest};

/// Ask for a secret.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct AskSecret {
    /// Whose secret it is, such as github
    #[arg(long, value_name = "NAME")]
    service: SecretName,

    /// Which one, such as token
    #[arg(long, value_name = "NAME")]
    field: SecretName,

    /// What a person is asked for [default: SERVICE FIELD]
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,

    /// More about it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// What you want it for
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,

    /// A tool that you promise to use it with; may be given again
    #[arg(long = "for-tool", value_name = "NAME")]
    allowed_tools: Vec<String>,

    /// A domain that you promise to send it to; may be given again
    #[arg(long = "for-domain", value_name = "DOMAIN")]
    allowed_domains: Vec<String>,

    /// With --json it is the value, how it was delivered and the id of its taking
    #[command(flatten)]
    waiting: Waiting,
}

impl AskSecret {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        let label = self.label.unwrap_or_else(|| format!("{} {}", self.service, self.field));
        let content = Content::Secret(SecretRequest {
            service: self.service,
            field: self.field,
            label,
            description: self.description,
            placeholder: None,
            purpose: self.purpose,
            allowed_tools: self.allowed_tools,
            allowed_domains: self.allowed_domains,
            allow_one_time_send: true,
        });
        let asked = self.waiting.ask(content)?;
        let request_id = &asked.answered(false)?.request_id;
        // With an id of our own a taking whose answer was lost is the same taking.
        let body = TakeSecretBody { take_id: Some(TakeId::generate()) };
        let taken = asked.patience.run(|| asked.client.take_secret(request_id, &body))?;
        if self.waiting.common.json {
            writeln!(io::stdout(), "{}", *Zeroizing::new(serde_json::to_string(&taken).map_err(io::Error::from)?))?;
        } else {
            // Of several lines the last newline is the value's own.
            let value = taken.value.expose();
            write!(io::stdout(), "{value}{}", if value.ends_with('\n') { "" } else { "\n" })?;
        }
        Ok(())
    }
}
