//! The HTTP interface: a file for each verb, and what holds for every call.

mod auth;
mod bad_input;
mod bad_request;
mod browser;
mod canary;
mod cancel;
mod claim;
mod confirm;
mod exact_numbers;
mod expire;
mod list;
mod list_filters;
mod matrix;
mod nulls;
mod openapi;
mod origin;
mod question;
mod race;
mod refused_registration;
mod register;
pub(crate) mod routes;
mod secret;
mod supersede;
mod tool_use;
mod wait;
mod warnings;
mod withdraw;
