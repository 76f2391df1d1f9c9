//! The number of a pod's containers of one image: copies of the oldest are made, or the newest taken away.

use serde_json::Value;

use super::api::Api;
use super::container::{Container, write_down};
use super::spec;
use crate::runner::journal::Handle;
use crate::runner::step::{StepContext, StepFailure, StepResult};

/// No pod here is larger.
const MOST_CONTAINERS: usize = 256;

pub(super) async fn to(api: &Api, pod: &str, image: &str, replicas: u64, context: &StepContext<'_>) -> StepResult {
    let mut there = of_image(api, pod, image).await?;
    there.sort_by(|one, other| one.created.cmp(&other.created).then_with(|| one.id.cmp(&other.id)));
    let wanted = usize::try_from(replicas).unwrap_or(usize::MAX);
    let before = there.len();
    let Some(oldest) = there.first().cloned() else {
        return Err(StepFailure::Refused(format!("the pod {pod} has no container of {image} that could be copied")));
    };
    if context.dry_run {
        return Ok(format!("would bring the containers of {image} in the pod {pod} from {before} to {wanted}"));
    }
    for container in there.iter().skip(wanted).rev() {
        context.go_on()?;
        container.write_down(context).await?;
        api.remove(&container.id).await?;
        context.telling.output(&format!("the container {} was removed\n", container.name));
    }
    for number in before..wanted {
        context.go_on()?;
        make(api, &oldest, number, context).await?;
    }
    let after = of_image(api, pod, image).await?.iter().filter(|container| container.is_running).count();
    let said = format!("of {image} in the pod {pod} {after} containers run; before there were {before}");
    if after == wanted { Ok(said) } else { Err(StepFailure::Failed(format!("{said}, and {wanted} were asked for"))) }
}

async fn make(api: &Api, oldest: &Container, number: usize, context: &StepContext<'_>) -> Result<(), StepFailure> {
    let mark: String = context.trail.mark.chars().rev().take(8).collect();
    let name = format!("{}-{mark}-{number}", oldest.name);
    let image = api.look(&["images", &oldest.image, "json"]).await?.unwrap_or_default();
    let spec = spec::like(oldest, &image, &oldest.image_name, &name)?;
    write_down(context, Handle::NewContainer { name: name.clone() }).await?;
    let id = api.create(&spec).await?;
    if let Err(failure) = api.change(&["containers", &id, "start"], &[]).await {
        // What does not start is not left behind; whether it could be removed is seen in the count at the next call.
        let removed = api.remove(&id).await;
        let left = if removed.is_err() { "; it could not be removed" } else { "" };
        return Err(StepFailure::Failed(format!("the container {name} did not start: {failure}{left}")));
    }
    context.telling.output(&format!("the container {name} was started\n"));
    Ok(())
}

/// The pod's containers of this image, whatever they do.
async fn of_image(api: &Api, pod: &str, image: &str) -> Result<Vec<Container>, StepFailure> {
    let Some(shown) = api.look(&["pods", pod, "json"]).await? else {
        return Err(StepFailure::Refused(format!("there is no pod {pod}")));
    };
    let ids = shown.get("Containers").and_then(Value::as_array).into_iter().flatten();
    let ids: Vec<_> = ids.filter_map(|container| container.get("Id")?.as_str().map(str::to_owned)).collect();
    if ids.len() > MOST_CONTAINERS {
        return Err(StepFailure::Refused(format!("the pod {pod} has more than {MOST_CONTAINERS} containers")));
    }
    // Named as the container was, or otherwise: the same image has one id.
    let asked = api.look(&["images", image, "json"]).await?;
    let asked = asked.as_ref().and_then(|asked| asked.get("Id")).and_then(Value::as_str);
    let is_meant = |container: &Container| {
        let is_same = container.image_name == image || Some(container.image.as_str()) == asked;
        is_same && !container.is_infra
    };
    let mut found = Vec::new();
    for id in ids {
        // One that has gone meanwhile is none.
        let container = Container::read_if_there(api, &id).await?;
        found.extend(container.filter(is_meant));
    }
    Ok(found)
}
