//! The inbox: pages for people, through the real server, as a browser without a script sees them.

mod agents;
mod assets;
mod connect;
mod deciding;
mod history;
mod login;
mod numbers;
mod pages;
mod rule_editor;
mod rules;
mod settings;
mod signs;
mod snooze;
mod story;
mod why;
