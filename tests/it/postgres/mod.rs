//! PostgreSQL as a user of the command line meets it: which server, as whom, encrypted or not, and what a command says where it cannot
//! work with it. Each test has a PostgreSQL of its own, whichever database the others run on; without one it says so in a line.

mod away;
mod commands;
mod plans;
mod probe;
mod server;
mod shared;
mod tls;
mod turns;
mod urls;
