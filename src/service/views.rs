//! The queries that a person keeps under names.

use super::{Caller, Error, Result, Service};
use crate::domain::principal::Principal;
use crate::domain::query::Query;
use crate::domain::refused::Refused;
use crate::domain::saved_view::{MOST_VIEWS, SavedView, ViewName};
use crate::store::Priority;

impl Service {
    /// The views of `principal`, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn views(&self, principal: &Principal) -> Result<Vec<SavedView>> {
        let owner = principal.name.clone();
        Ok(self.store.read(Priority::Human, move |tx| tx.views(&owner)).await?)
    }

    /// Keeps a query under a name; whether the name is new.
    ///
    /// # Errors
    ///
    /// A refusal if `by` keeps as many as it may or the name does not show itself, or an error of the store.
    pub async fn keep_view(&self, by: &Caller, name: ViewName, query: Query) -> Result<(SavedView, bool)> {
        if !name.shows_itself() {
            return Err(Refused::ViewNameHidden.into());
        }
        let kept = self.write_as(by, move |tx, by| {
            let is_new = tx.view(&by.name, &name)?.is_none();
            if is_new && tx.views(&by.name)?.len() >= MOST_VIEWS as usize {
                return Err(Error::from(Refused::TooManyViews { limit: MOST_VIEWS }));
            }
            tx.keep_view(&by.name, &name, &query)?;
            Ok((tx.view(&by.name, &name)?.ok_or(Refused::UnknownView)?, is_new))
        });
        kept.await
    }

    /// Deletes a view, which is returned as it was.
    ///
    /// # Errors
    ///
    /// A refusal if there is none of this name, or an error of the store.
    pub async fn delete_view(&self, by: &Caller, name: ViewName) -> Result<SavedView> {
        let deleted = self.write_as(by, move |tx, by| {
            let view = tx.view(&by.name, &name)?.ok_or(Refused::UnknownView)?;
            tx.delete_view(&by.name, &name)?;
            Ok::<_, Error>(view)
        });
        deleted.await
    }
}
