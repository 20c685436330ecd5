//! Clients that are slow, silent, many or malformed.

mod framing;
mod shares;
mod slow;
