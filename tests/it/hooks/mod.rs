//! Agents' clients: the use case that decides their calls, and the faces in front of it.

mod tool_call;
