//! The addresses of names.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

/// The addresses of a name, once they are found.
pub type Resolving<'r> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'r>>;

/// Finds the addresses of names.
pub trait Resolve: Send + Sync {
    /// The addresses of `host`, with `port`.
    fn resolve<'r>(&'r self, host: &'r str, port: u16) -> Resolving<'r>;
}

/// By the system's own settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'r>(&'r self, host: &'r str, port: u16) -> Resolving<'r> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}
