//! From the first byte to a session: encryption refused, cancel requests carried out, the client let in.
//!
//! There are no roles yet: whoever reaches the socket is let in under the name given.

use pgwire::messages::PgWireBackendMessage as Out;
use pgwire::messages::response::{GssEncResponse, SslResponse};
use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey,
};
use tokio::sync::OwnedSemaphorePermit;

use super::cancel::Registration;
use super::error::{Stop, error_info};
use super::frontend::{First, violation};
use super::listener::Front;
use super::session::Session;
use super::wire::Wire;
use crate::server::session::SessionState;
use crate::sql::{SqlError, sqlstate};

/// A session that may begin.
pub struct Admitted {
    state: SessionState,
    registration: Registration,
    permit: OwnedSemaphorePermit,
}

impl Admitted {
    pub fn into_session(self, wire: Wire, front: &Front) -> Session {
        Session::new(wire, self.state, front.executor.clone(), front.limits, self.registration, self.permit)
    }
}

/// Brings a connection to its first ReadyForQuery, which the session sends. None: it was not for a session.
pub async fn handshake(wire: &mut Wire, front: &Front) -> Result<Option<Admitted>, Stop> {
    let mut refusals = 0;
    let (minor, parameters) = loop {
        match wire.first().await? {
            first @ (First::Ssl | First::GssEncryption) => {
                // Bytes behind the request would have been sent in the clear by someone in the middle.
                if wire.has_input() || refusals >= 2 {
                    return Err(Stop::Fatal(violation(
                        "received unencrypted data after an encryption request",
                    )));
                }
                refusals += 1;
                wire.put(match first {
                    First::Ssl => Out::SslResponse(SslResponse::Refuse),
                    _ => Out::GssEncResponse(GssEncResponse::Refuse),
                });
                wire.flush().await?;
            }
            First::Cancel { pid, secret } => {
                front.registry.cancel(pid, &secret);
                return Ok(None);
            }
            First::Startup { minor, parameters } => break (minor, parameters),
        }
    };
    let Ok(permit) = front.sessions.clone().try_acquire_owned() else {
        return Err(Stop::Fatal(
            SqlError::new(sqlstate::TOO_MANY_CONNECTIONS, "sorry, too many clients already")
                .detail(format!("at most {} sessions are open at a time", front.limits.max_connections))
                .hint(
                    "close idle sessions, use a connection pool, or raise the server's limit on connections",
                ),
        ));
    };
    let registration = front.registry.register();
    let state = state(registration.pid, &parameters, minor, wire)?;
    wire.cancel = registration.flag.clone();
    wire.put(Out::Authentication(Authentication::Ok));
    for (name, value) in state.parameters.reported() {
        wire.put(Out::ParameterStatus(ParameterStatus::new(name.to_owned(), value)));
    }
    wire.put(Out::BackendKeyData(BackendKeyData::new(registration.pid, SecretKey::I32(registration.secret))));
    Ok(Some(Admitted { state, registration, permit }))
}

/// Puts a FATAL error into the output.
pub fn fatal(wire: &mut Wire, error: &SqlError) {
    wire.put(Out::ErrorResponse(error_info(error, "FATAL", "").into()));
}

fn state(
    pid: i32,
    parameters: &[(String, String)],
    minor: u16,
    wire: &mut Wire,
) -> Result<SessionState, Stop> {
    let get = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let user = get("user").filter(|u| !u.is_empty()).ok_or_else(|| {
        Stop::Fatal(SqlError::new("28000", "no PostgreSQL user name specified in startup packet"))
    })?;
    let database = get("database").filter(|d| !d.is_empty()).unwrap_or_else(|| user.clone());
    if get("replication").is_some_and(|r| !matches!(r.as_str(), "false" | "off" | "no" | "0")) {
        return Err(Stop::Fatal(SqlError::not_supported("replication connections")));
    }
    let state = SessionState::new(pid, user.clone(), database);
    state.parameters.set_by_server("session_authorization", &user);
    let mut unknown = Vec::new();
    for (name, value) in parameters {
        match name.as_str() {
            "user" | "database" | "replication" => {}
            "options" => {
                for (name, value) in options(value) {
                    state.parameters.set_at_startup(&name, &value).map_err(Stop::Fatal)?;
                }
            }
            extension if extension.starts_with("_pq_.") => unknown.push(name.clone()),
            _ => state.parameters.set_at_startup(name, value).map_err(Stop::Fatal)?,
        }
    }
    if minor > 2 || !unknown.is_empty() {
        let newest = (3 << 16) | i32::from(minor.min(2));
        wire.put(Out::NegotiateProtocolVersion(NegotiateProtocolVersion::new(newest, unknown)));
    }
    Ok(state)
}

/// The settings in `-c name=value --name=value`; a backslash takes the next character as it is.
fn options(text: &str) -> Vec<(String, String)> {
    let mut words = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => words.last_mut().map_or((), |w| w.extend(chars.next())),
            ' ' => words.push(String::new()),
            c => words.last_mut().map_or((), |w| w.push(c)),
        }
    }
    let mut settings = Vec::new();
    let mut after_c = false;
    for word in words.iter().filter(|w| !w.is_empty()) {
        let setting = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            Some("") => {
                after_c = true;
                continue;
            }
            Some(setting) => setting,
            None if after_c => word,
            None => continue,
        };
        after_c = false;
        if let Some((name, value)) = setting.split_once('=') {
            settings.push((name.replace('-', "_"), value.to_owned()));
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::options;

    #[test]
    fn options_are_split() {
        let got = options("-c geqo=off -csearch_path=a,b --statement-timeout=5 -c DateStyle=ISO,\\ DMY junk");
        let got: Vec<String> = got.into_iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(got, ["geqo=off", "search_path=a,b", "statement_timeout=5", "DateStyle=ISO, DMY"]);
    }
}
