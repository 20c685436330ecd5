//! `countersign views`: queries under names, each person's own.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::Failure;
use super::common::Common;
use super::safe_text::SafeText;
use super::style::{TerminalStyle, TextStyle};
use super::table::Table;
use crate::api::{View, ViewBody};
use crate::client::Client;
use crate::domain::query::Query;
use crate::domain::saved_view::ViewName;
use crate::present::escape_json;

#[derive(Debug, Subcommand)]
pub(super) enum ViewsCommand {
    /// List your views, in the order in which they were made
    List(Common),
    /// Keep a query under a name, or another one under the same name
    Save(SaveView),
    /// Delete a view
    Delete(DeleteView),
}

#[derive(Debug, Args)]
pub(super) struct SaveView {
    /// Your own word for it: 1 to 64 characters
    name: ViewName,

    /// What it finds, such as: 'kubectl agent:ci is:pending'
    query: Query,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(super) struct DeleteView {
    /// Its name, as `views list` shows it
    name: ViewName,

    #[command(flatten)]
    common: Common,
}

impl ViewsCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::List(common) => list(&common),
            Self::Save(SaveView { name, query, common }) => {
                let view = common.person()?.save_view(&ViewBody { name, query })?;
                said(&view, common.json, |view| format!("{} finds: {}", view.name, view.query))
            }
            Self::Delete(DeleteView { name, common }) => {
                let view = common.person()?.delete_view(&name)?;
                said(&view, common.json, |view| format!("{} is deleted; it found: {}", view.name, view.query))
            }
        }
    }
}

/// The query that `name` stands for.
pub(super) fn query_of(client: &Client, name: &ViewName) -> Result<Query, Failure> {
    let views = client.list_views()?.views;
    let found = views.into_iter().find(|view| view.name == *name).map(|view| view.query);
    found.ok_or_else(|| {
        Failure::Other(format!("you have no view {name}: `countersign views list` shows those you have"))
    })
}

fn list(common: &Common) -> Result<(), Failure> {
    let views = common.person()?.list_views()?.views;
    let (mut out, look) = (io::stdout().lock(), TerminalStyle::of_stdout());
    if common.json {
        let lines: Vec<String> = views.iter().map(json).collect();
        return Ok(writeln!(out, "[{}]", lines.join(",\n "))?);
    }
    if views.is_empty() {
        writeln!(io::stderr(), "You have no views: `countersign views save NAME QUERY` keeps one.")?;
        return Ok(());
    }
    let mut table = Table::new(["NAME", "QUERY"]);
    for view in &views {
        let name = SafeText::line(view.name.as_str()).tinted(TextStyle::Bold);
        table.row([name, SafeText::line(&view.query.to_string())]);
    }
    Ok(table.print(&mut out, look)?)
}

fn said(view: &View, is_json: bool, words: impl Fn(&View) -> String) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match is_json {
        true => writeln!(out, "{}", json(view))?,
        false => writeln!(out, "{}.", SafeText::line(&words(view)).paint(TerminalStyle::of_stdout()))?,
    }
    Ok(())
}

/// A view is JSON of the wire's own types.
fn json(view: &View) -> String {
    escape_json(&serde_json::to_string(view).unwrap_or_default())
}
