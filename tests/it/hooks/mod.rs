//! Agents' clients: the use case that decides their calls, and the faces in front of it.

mod command;
mod events;
mod faults;
mod payloads;
mod resume;
mod tool_call;
