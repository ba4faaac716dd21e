//! Which centre a command talks to, and as whom.

use anyhow::{Context, Result, bail};

use super::arguments::CentreArguments;
use super::org::answers;
use crate::client::Client;
use crate::folder::Folder;

/// A client of the centre that the arguments name.
pub(super) fn client(arguments: &CentreArguments) -> Result<Client> {
    if let Some(dir) = &arguments.dir {
        let socket = Folder::new(dir).socket();
        if !answers(&socket) {
            bail!("no centre listens on `{}`: start it with `bridgewatch serve`", socket.display());
        }
        return Client::local(&socket);
    }
    let url = arguments.url.as_ref().context("neither --url nor --dir says which centre")?;
    Client::new(url, arguments.authority.as_deref(), &token(arguments)?)
}

fn token(arguments: &CentreArguments) -> Result<String> {
    let text = match &arguments.token_file {
        Some(path) => std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?,
        None => std::env::var(&arguments.token_env).with_context(|| {
            format!("there is no token: say --token-file FILE, or set the variable `{}`", arguments.token_env)
        })?,
    };
    Ok(text.trim().to_owned())
}
