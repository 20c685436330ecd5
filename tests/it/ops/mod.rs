//! Running a server: where it listens, what it starts on, how it stops, and what keeps its data whole.

mod apart;
mod backup;
mod base_path;
mod clock;
mod doctor;
mod key;
mod listen;
mod migrate;
mod observe;
mod one_server;
mod overwritten;
mod refused_start;
mod restart;
mod shutdown;
