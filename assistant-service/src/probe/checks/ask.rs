//! A question is answered, and the answer says where that stands.

use anyhow::{bail, ensure};
use serde_json::{Value, json};

use super::super::gateway::plain;
use super::super::settings::AskSettings;
use super::super::walk::{Identity, Walk};

pub(in crate::probe) async fn check(
    walk: &Walk<'_>,
    identity: &Identity,
    settings: &AskSettings,
) -> anyhow::Result<String> {
    let question = json!({"question": settings.question});
    let answer = walk.gateway.post("/v1/ask", &question).bearer(&identity.token.text).expect(200).await?.json()?;
    judge(&answer, settings.document.as_deref())
}

fn judge(answer: &Value, document: Option<&str>) -> anyhow::Result<String> {
    ensure!(answer.get("known").and_then(Value::as_bool) == Some(true), "the answer is not known");
    let citations = answer.get("citations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut files = citations.iter().filter_map(|citation| citation.get("file")?.as_str());
    let cited = match document {
        Some(document) => files.find(|file| *file == document),
        None => files.next(),
    };
    match (cited, document) {
        (Some(file), _) => Ok(format!("cites {}", plain(file))),
        (None, Some(document)) => bail!("the answer does not cite {document}"),
        (None, None) => bail!("the answer cites nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_only_with_the_citation_that_was_asked_for() {
        let answer = json!({"known": true, "citations": [{"file": "a.md"}, {"file": "ops/b.md"}]});
        assert!(judge(&answer, None).is_ok() && judge(&answer, Some("ops/b.md")).is_ok());
        assert!(judge(&answer, Some("b.md")).is_err());
        assert!(judge(&json!({"known": true, "citations": []}), None).is_err());
        assert!(judge(&json!({"known": false, "citations": [{"file": "a.md"}]}), None).is_err());
        assert!(judge(&json!({}), None).is_err());
    }
}
