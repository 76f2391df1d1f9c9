//! Who is told of alerts.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use trust_core::Mistake;

use super::reach;
use crate::outbound::OutboundSettings;
use crate::section::Section;

/// Of one delivery; it is made again.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The row of what is told through the gateway itself.
pub(in crate::probe) const GATEWAY: &str = "gateway";

/// How a receiver wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::probe) enum Form {
    /// As Alertmanager's webhook, version 4.
    Alertmanager,
    /// As a CloudEvent in structured mode.
    CloudEvents,
}

#[derive(Clone, Debug)]
pub(in crate::probe) struct ReceiverSettings {
    pub(in crate::probe) name: String,
    pub(in crate::probe) form: Form,
    pub(in crate::probe) url: Url,
    /// What it shows, read for each delivery.
    pub(in crate::probe) token_file: Option<PathBuf>,
    pub(in crate::probe) reach: OutboundSettings,
}

pub(super) fn read(file: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Vec<ReceiverSettings> {
    let mut names = BTreeSet::from([GATEWAY.to_owned()]);
    let mut receivers = Vec::new();
    for item in &file.list("receivers", mistakes) {
        let receiver = read_one(item, mistakes);
        if receiver.as_ref().is_some_and(|receiver| !names.insert(receiver.name.clone())) {
            item.at("name")
                .mistake("another receiver has this name already; `gateway` is the gateway itself", mistakes);
        }
        receivers.extend(receiver);
    }
    receivers
}

fn read_one(item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<ReceiverSettings> {
    item.only_keys(&["name", "form", "url", "tokenFile", "caFile", "allowedNetworks"], mistakes);
    let name = item.required("name", mistakes);
    let form = match item.required("form", mistakes).as_deref() {
        Some("alertmanager") => Some(Form::Alertmanager),
        Some("cloudevents") => Some(Form::CloudEvents),
        Some(_) => {
            item.at("form").mistake("alertmanager or cloudevents was expected", mistakes);
            None
        }
        None => None,
    };
    item.required("url", mistakes);
    let url = item.url("url", mistakes);
    let (token_file, reach) = (item.path("tokenFile", mistakes), reach(item, TIMEOUT, mistakes));
    Some(ReceiverSettings { name: name?, form: form?, url: url?, token_file, reach })
}
