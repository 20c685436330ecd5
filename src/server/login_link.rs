//! What a person is told when the server starts: where the inbox is.

use std::io::{self, Write};

use crate::service::Service;

/// Shows the way to the inbox, to a person: a link that works once.
pub(super) async fn print_login_link(url: &str, service: &Service) -> io::Result<()> {
    // No browser goes to a Unix socket.
    if url.starts_with("unix:") {
        return Ok(());
    }
    match service.make_first_login_link().await {
        Ok(Some(pass)) => {
            let mut err = io::stderr().lock();
            writeln!(err, "The inbox, for ten minutes and one use (`countersign login` makes more):")?;
            writeln!(err)?;
            writeln!(err, "  {url}/login#{}", *pass.text)?;
            writeln!(err)
        }
        Ok(None) => Ok(()),
        // A disk that is full now is no reason not to serve what can be served.
        Err(error) => {
            tracing::warn!(%error, "no log-in link could be made");
            Ok(())
        }
    }
}
