//! Clients that are slow, silent, many or malformed.

mod framing;
mod slow;
