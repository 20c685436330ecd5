//! The file of tool profiles that an owner adds to the built-in ones.

use std::io;
use std::path::PathBuf;

use clap::Args;

use crate::domain::tools::{ProfileError, Profiles};

/// Where the owner's tool profiles are.
#[derive(Clone, Debug, Args)]
pub struct ToolProfiles {
    /// A TOML file of tool profiles, which come before the built-in ones [default: none]
    #[arg(long = "tool-profiles", value_name = "FILE", env = "COUNTERSIGN_TOOL_PROFILES")]
    profiles_path: Option<PathBuf>,
}

/// Why there are no tool profiles to go by.
#[derive(Debug, thiserror::Error)]
pub enum ProfilesError {
    /// The file cannot be read.
    #[error("the tool profiles in {0} cannot be read: {1}")]
    Unread(PathBuf, io::Error),
    /// It is no file of profiles.
    #[error("the tool profiles in {0} are at fault in {1}")]
    AtFault(PathBuf, ProfileError),
}

impl ToolProfiles {
    /// The built-in profiles, after those of the file where one is given.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is none of profiles.
    pub fn load(&self) -> Result<Profiles, ProfilesError> {
        let Some(path) = &self.profiles_path else {
            return Ok(Profiles::default());
        };
        let text = std::fs::read_to_string(path).map_err(|error| ProfilesError::Unread(path.clone(), error))?;
        Profiles::with(&text).map_err(|error| ProfilesError::AtFault(path.clone(), error))
    }
}
