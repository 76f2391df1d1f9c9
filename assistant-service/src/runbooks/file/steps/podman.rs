//! What Podman may be asked for.

use serde_json::Value;
use trust_core::Mistake;

use super::super::super::{Argument, Podman};
use super::arguments::{Wanted, argument};
use crate::section::Section;

const MOST_LINES: u64 = 10_000;
const MOST_REPLICAS: u64 = 100;
const LONGEST_UNTIL_HEALTHY_SECONDS: u64 = 60 * 60;
const KINDS: [&str; 4] = ["restart", "logs", "scale", "roll"];

pub(super) fn read(section: &Section<'_>, schema: Option<&Value>, mistakes: &mut Vec<Mistake>) -> Option<Podman> {
    section.only_keys(&KINDS, mistakes);
    let kinds: Vec<_> = KINDS.into_iter().filter(|kind| section.at(kind).is_there()).collect();
    let [kind] = kinds.as_slice() else {
        section.mistake(format!("exactly one of {} was expected", KINDS.join(", ")), mistakes);
        return None;
    };
    let here = section.at(kind);
    let mut given = |key: &str, wanted: Wanted| -> Option<Argument> {
        super::super::required(&here, key, mistakes)?;
        argument(&here.at(key), &wanted, schema, mistakes)
    };
    let (known, podman): (&[&str], Option<Podman>) = match *kind {
        "restart" => (&["container"], given("container", Wanted::Name).map(|container| Podman::Restart { container })),
        "logs" => {
            let (container, tail) = (given("container", Wanted::Name), given("tail", Wanted::Number(1..=MOST_LINES)));
            (&["container", "tail"], container.zip(tail).map(|(container, tail)| Podman::Logs { container, tail }))
        }
        "scale" => {
            let (pod, image) = (given("pod", Wanted::Name), given("image", Wanted::Image));
            let replicas = given("replicas", Wanted::Number(0..=MOST_REPLICAS));
            let all = pod.zip(image).zip(replicas);
            (&["pod", "image", "replicas"], all.map(|((pod, image), replicas)| Podman::Scale { pod, image, replicas }))
        }
        _ => {
            let (container, image) = (given("container", Wanted::Name), given("image", Wanted::Image));
            let key = "healthy_within_seconds";
            let within = super::super::required(&here, key, mistakes)
                .and_then(|()| here.number(key, 1..=LONGEST_UNTIL_HEALTHY_SECONDS, mistakes));
            let all = container.zip(image).zip(within);
            let roll = |((container, image), healthy_within_seconds)| Podman::Roll {
                container,
                image,
                healthy_within_seconds,
            };
            (&["container", "image", "healthy_within_seconds"], all.map(roll))
        }
    };
    here.only_keys(known, mistakes);
    podman
}
