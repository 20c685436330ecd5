//! Clients of agents and how each is connected: what is to stand in its settings, or in a program, so that it asks here. The command
//! line shows and writes it on the client's machine (`cli/connect`), the inbox shows it to be copied (`web/connect.rs`).
//!
//! Nothing is read or written here.

mod clients;
mod settings;
mod snippets;

pub(crate) use self::clients::{Client, Means, On, token_path};
pub(crate) use self::settings::{Content, MARK, SettingsFile, changed, is_ours_like, read_settings, starts_hook};
pub(crate) use self::snippets::{connecting, keeping};
