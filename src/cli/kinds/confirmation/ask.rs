//! `countersign ask`: may a tool be used?

use std::io::{self, Write};

use clap::Args;

use crate::cli::Failure;
use crate::cli::ask::waiting::{Waiting, how_it_ended};
use crate::config::lifetime;
use crate::domain::bounded::LifetimeMs;
use crate::domain::enums::{ExecutionTarget, Outcome, RiskLevel};
use crate::domain::id::ToolName;
use crate::domain::json::JsonObject;
use crate::domain::kinds::{Confirmation, Content};

/// May a tool be used?
#[derive(Debug, Args)]
pub(in crate::cli) struct AskConfirmation {
    /// The tool to use
    #[arg(long, value_name = "NAME", required = true)]
    tool: Option<ToolName>,

    /// The tool's input: a JSON object, or - for stdin
    #[arg(long, value_name = "JSON", required = true)]
    input: Option<String>,

    /// Let the person edit the input; what was approved is then in the JSON
    #[arg(long, requires = "json")]
    allow_edits: bool,

    #[command(flatten)]
    about: About,

    #[command(flatten)]
    waiting: Waiting,
}

/// What a person is told beside the tool and its input.
#[derive(Debug, Args)]
pub(in crate::cli) struct About {
    /// Why, in your own words
    #[arg(long)]
    reason: Option<String>,

    /// How much harm it could do: low, medium or high
    #[arg(long, value_name = "LEVEL", default_value_t)]
    risk: RiskLevel,

    /// Where it is to run: sandbox or host
    #[arg(long, value_name = "WHERE")]
    target: Option<ExecutionTarget>,

    /// What the patterns of trust rules are matched against [default: the input's command, file_path, path or url, else the whole input]
    #[arg(long)]
    subject: Option<String>,

    /// How long an approval is good for, such as 10m, until it is claimed [default: the server's]
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    claim_within: Option<LifetimeMs>,

    /// Allow no trust rule to be made from this
    #[arg(long)]
    no_rules: bool,

    /// The directory it is to run in
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) working_dir: Option<String>,
}

impl About {
    /// The question whether `tool_name` may be used with `input`.
    pub(in crate::cli) fn ask(self, tool_name: ToolName, input: JsonObject, input_edits_allowed: bool) -> Content {
        Content::Confirmation(Box::new(Confirmation {
            risk_level: self.risk,
            execution_target: self.target,
            working_dir: self.working_dir,
            subject: self.subject,
            reason: self.reason,
            persistent_decisions_allowed: !self.no_rules,
            claim_within_ms: self.claim_within,
            input_edits_allowed,
            ..Confirmation::new(tool_name, input)
        }))
    }
}

impl AskConfirmation {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        // Both are there unless there is a subcommand.
        let (Some(tool), Some(input)) = (self.tool, self.input) else {
            return Err(Failure::Usage("--tool and --input say what to ask".to_owned()));
        };
        let text = if input == "-" { io::read_to_string(io::stdin())? } else { input };
        let input = serde_json::from_str(&text).map_err(|error| {
            Failure::Usage(format!("--input is not a JSON object such as '{{\"command\":\"ls\"}}': {error}"))
        })?;
        let json = self.waiting.common.json;
        let asked = self.waiting.ask(self.about.ask(tool, input, self.allow_edits))?;
        let interaction = asked.answered(json)?;
        if !json {
            writeln!(io::stdout(), "{}", how_it_ended(interaction, Outcome::Approved))?;
        }
        Ok(())
    }
}
