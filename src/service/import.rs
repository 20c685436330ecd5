//! The rules of a file come into the database: what differs is found and done in one transaction.

use crate::clock::Timestamp;
use crate::domain::enums::{Role, RuleStatus};
use crate::domain::id::{PrincipalName, RuleName};
use crate::domain::trust_rule::TrustRule;
use crate::rules_file::FileRule;
use crate::store::{self, OpenError, Page, ReadTx, RuleFilter, WriteTx};

/// Rules of a file, to be brought in.
#[derive(Clone, Debug)]
pub struct Import {
    /// The rules.
    pub rules: Vec<FileRule>,
    /// Who makes and revokes them.
    pub by: PrincipalName,
    /// Whether active rules that have a name and are not among these are revoked.
    pub prune: bool,
    /// Whether rules are made again that say the same and have ended.
    pub renew: bool,
}

/// What an import does, or has done.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// What differs, in the order of the file, then what is not in it.
    pub changes: Vec<Change>,
    /// How many rules stand as the file says.
    pub unchanged: usize,
}

/// One difference between a file and the database.
#[derive(Clone, Debug)]
pub enum Change {
    /// There was no rule of this name.
    New(FileRule),
    /// The rule of this name said something else; it is revoked where it was active.
    Changed {
        /// What it says now.
        rule: FileRule,
        /// Its revision.
        revision: u64,
        /// What it said before.
        was: Box<FileRule>,
    },
    /// The rule of this name said the same and had ended.
    Renewed {
        /// What it says.
        rule: FileRule,
        /// Its revision.
        revision: u64,
    },
    /// It is not in the file.
    Revoked(FileRule),
    /// The rule of this name says the same and has ended: it is left so.
    LeftEnded {
        /// Its name.
        name: RuleName,
        /// How it ended.
        status: RuleStatus,
    },
}

/// Why nothing was brought in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database, in the middle.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The principal may not make rules, or does not exist.
    #[error("{0} is no approver and no admin of this database; `countersign token create` makes one")]
    NotAnApprover(PrincipalName),
    /// A time that is over.
    #[error("{0} expires before now")]
    Expired(RuleName),
}

impl Import {
    /// What would be done.
    ///
    /// # Errors
    ///
    /// If the author may not make rules, or the database cannot be read.
    pub fn plan(&self, tx: &ReadTx<'_>, now: Timestamp) -> Result<Imported, ImportError> {
        if !matches!(tx.role_of(&self.by)?, Some(Role::Approver | Role::Admin)) {
            return Err(ImportError::NotAnApprover(self.by.clone()));
        }
        let mut imported = Imported::default();
        for rule in &self.rules {
            match self.change(tx, rule, now)? {
                Some(change) => imported.changes.push(change),
                None => imported.unchanged += 1,
            }
        }
        if self.prune {
            for rule in active(tx, now)? {
                let Some(name) = rule.name.clone().filter(|name| !self.rules.iter().any(|kept| kept.name == *name))
                else {
                    continue;
                };
                imported.changes.push(Change::Revoked(FileRule::of(&rule, name)));
            }
        }
        Ok(imported)
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// If the author may not make rules, a rule has expired before it is made, or the database fails.
    pub fn run(&self, tx: &mut WriteTx<'_>) -> Result<Imported, ImportError> {
        let imported = self.plan(tx, tx.now())?;
        for change in &imported.changes {
            match change {
                Change::New(rule) => self.make(tx, rule, 1)?,
                Change::Changed { rule, revision, .. } | Change::Renewed { rule, revision } => {
                    self.revoke(tx, &rule.name)?;
                    self.make(tx, rule, *revision)?;
                }
                Change::Revoked(rule) => self.revoke(tx, &rule.name)?,
                Change::LeftEnded { .. } => {}
            }
        }
        Ok(imported)
    }

    fn change(&self, tx: &ReadTx<'_>, rule: &FileRule, now: Timestamp) -> Result<Option<Change>, store::Error> {
        let Some(stands) = known(tx, &rule.name)? else {
            return Ok(Some(Change::New(rule.clone())));
        };
        let revision = stands.revision + 1;
        let was = FileRule::of(&stands, rule.name.clone());
        let rule = rule.clone();
        // A rule whose time is over may not have been written down as expired yet.
        let is_over = stands.status == RuleStatus::Active && stands.expires_at.is_some_and(|end| end <= now);
        let status = if is_over { RuleStatus::Expired } else { stands.status };
        Ok(match (rule.says_what(&was), status) {
            // What it said before members were looked at, it now says as it reads.
            (true, RuleStatus::Active) if stands.is_before_parts => Some(Change::Renewed { rule, revision }),
            (true, RuleStatus::Active) => None,
            (true, _) if self.renew => Some(Change::Renewed { rule, revision }),
            (true, status) => Some(Change::LeftEnded { name: rule.name, status }),
            (false, _) => Some(Change::Changed { rule, revision, was: Box::new(was) }),
        })
    }

    fn make(&self, tx: &mut WriteTx<'_>, rule: &FileRule, revision: u64) -> Result<(), ImportError> {
        if rule.expires_at.is_some_and(|end| end <= tx.now()) {
            return Err(ImportError::Expired(rule.name.clone()));
        }
        Ok(tx.insert_trust_rule(&rule.make(&self.by, tx.now(), revision))?)
    }

    fn revoke(&self, tx: &mut WriteTx<'_>, name: &RuleName) -> Result<(), store::Error> {
        if let Some(stands) = known(tx, name)? {
            tx.revoke_trust_rule(&stands.rule_id, &self.by)?;
        }
        Ok(())
    }
}

/// The rule that this name means: the last of that name, or one without a name whose id it is.
fn known(tx: &ReadTx<'_>, name: &RuleName) -> Result<Option<TrustRule>, store::Error> {
    let named = tx.named_rule(name)?;
    if named.is_some() {
        return Ok(named);
    }
    let by_id = name.as_str().parse().map_or(Ok(None), |rule_id| tx.trust_rule(&rule_id))?;
    Ok(by_id.filter(|rule| rule.name.is_none()))
}

/// The rules that stand at `now`, as they were made.
///
/// # Errors
///
/// If the database cannot be read.
pub fn active(tx: &ReadTx<'_>, now: Timestamp) -> Result<Vec<TrustRule>, store::Error> {
    let filter = RuleFilter { status: Some(RuleStatus::Active), ..RuleFilter::default() };
    let rules = tx.trust_rules(&filter, Page { before: None, limit: u32::MAX })?;
    Ok(rules.rows.into_iter().rev().filter(|rule| rule.expires_at.is_none_or(|end| now < end)).collect())
}
