//! A console is heard for ever, whatever becomes of the connection to it.

use std::sync::Arc;
use std::time::Duration;

use service_agent::Backoff;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::game::Inbox;
use crate::portal::{Identity, Portal, PortalError};
use crate::reading::{Input, Reading};
use crate::tally::{Seldom, Tally, Voice, add};

const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Asks the console who it is until it says so.
pub(crate) async fn named(portal: &Portal, tally: &Tally, voice: &Arc<dyn Voice>) -> Identity {
    let mut backoff = Backoff::up_to(LONGEST_WAIT);
    loop {
        match portal.identity().await {
            Ok(identity) => return identity,
            Err(error) => portal_is_down(&error, tally, &**voice),
        }
        sleep(backoff.wait()).await;
    }
}

/// Hears a console for ever, whatever becomes of the connection.
pub(crate) async fn hear(portal: Portal, inbox: Inbox) {
    let Inbox { inputs, tally, voice, .. } = inbox;
    let full = Seldom::default();
    let mut backoff = Backoff::up_to(LONGEST_WAIT);
    loop {
        let heard = async {
            let Identity { name, traits } = portal.identity().await?;
            // After an update a console comes back with another firmware.
            if inputs.send(Input::Traits(traits)).await.is_err() {
                return Ok(());
            }
            if tally.portal.turns_up() {
                voice.say(&format!("the portal of {name} answers"));
            }
            let hear = |reading: Reading| {
                let values = u64::try_from(reading.values.len()).unwrap_or(u64::MAX);
                backoff.reset();
                match inputs.try_send(Input::Portal(reading)) {
                    Ok(()) => add(&tally.samples, values),
                    // A console does not wait; its next figures are newer anyway.
                    Err(mpsc::error::TrySendError::Full(_)) => {
                        add(&tally.dropped, values);
                        if let Some(said) = full.said(|| "there is no room for figures of the console".to_owned()) {
                            voice.say(&said);
                        }
                    }
                    Err(mpsc::error::TrySendError::Closed(_)) => return false,
                }
                true
            };
            portal.figures(hear).await
        };
        match heard.await {
            Ok(()) if inputs.is_closed() => return,
            // The socket is tried again at once.
            Ok(()) => continue,
            Err(error) => portal_is_down(&error, &tally, &*voice),
        }
        sleep(backoff.wait()).await;
    }
}

fn portal_is_down(error: &PortalError, tally: &Tally, voice: &dyn Voice) {
    let said = error.to_string();
    if tally.portal.goes_down(said.clone()) {
        voice.say(&format!("{said}; it is tried again"));
    }
}
