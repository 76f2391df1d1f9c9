//! What each tool gives, to whom, and how much of it.

use serde_json::json;

use super::*;
use crate::assistant::tests::foreign::hosts;
use crate::backbone::{Batch, NewEvent};
use crate::knowledge::{Knowledge, Scopes};
use crate::section::Section;
use crate::testing::{COMPANY, Stage};

struct Tools {
    stage: Stage,
    toolbox: Toolbox,
    findings: Findings,
}

impl Tools {
    async fn new() -> Self {
        let stage = Stage::new();
        let events = (0..40).map(|number| {
            let event = json!({"specversion": "1.0", "id": number.to_string(), "source": "urn:x", "type": format!("com.example.{}", number % 2),
                "subject": "queue", "correlationid": "incident-1", "data": {"trace": "x".repeat(3000), "password": "hunter2"}});
            NewEvent::from_json(event.to_string()).unwrap()
        });
        stage.state.backbone.commit(Batch { events: events.collect(), puts: Vec::new() }).await.unwrap();
        let toolbox = Toolbox {
            backbone: Arc::clone(&stage.state.backbone),
            runbooks: COMPANY.1.clone(),
            scopes: ToolScopes::default(),
            redactor: Redactor::default(),
            hosts: hosts(),
            defences: Defences::default(),
        };
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company/documents");
        let knowledge = Arc::new(Knowledge::load(&folder).unwrap());
        let shown = Shown::for_question(Arc::clone(&knowledge), Scopes::default(), "mailer");
        Self { stage, toolbox, findings: Findings::nothing_yet(knowledge, shown) }
    }

    async fn call(&mut self, name: &str, arguments: &str, scopes: &[&str]) -> String {
        let call = ToolCall { id: "1".to_owned(), name: name.to_owned(), arguments: arguments.to_owned() };
        let asker = Asker { principal: "urn:ada".to_owned(), scopes: scopes.iter().copied().collect() };
        self.toolbox.call(&call, &asker, &mut self.findings).await.to_string()
    }
}

const ALL: [&str; 3] = ["events:read", "runbooks:read", "commands:request"];

#[tokio::test]
async fn a_tool_is_offered_and_answers_by_the_askers_own_scopes_alone() {
    let mut tools = Tools::new().await;
    for (name, arguments, scope) in [
        ("query_events", "{}", "events:read"),
        ("incident", r#"{"correlation_id":"incident-1"}"#, "events:read"),
        ("list_runbooks", "{}", "runbooks:read"),
        ("propose_command", r#"{"runbook":"show-status"}"#, "commands:request"),
        ("command_status", r#"{"id":"x"}"#, "commands:approve"),
    ] {
        let asker = |scopes: &[&str]| Asker { principal: String::new(), scopes: scopes.iter().copied().collect() };
        let is_offered =
            |tools: &Tools, scopes: &[&str]| tools.toolbox.offered(&asker(scopes)).iter().any(|tool| tool.name == name);
        let others: Vec<&str> = ["events:write", "runbooks:rea", "commands:lease", "documents"].into_iter().collect();
        assert!(is_offered(&tools, &[scope]) && !is_offered(&tools, &others) && !is_offered(&tools, &[]), "{name}");
        assert_eq!(tools.call(name, arguments, &others).await, "refused: whoever asks may not use this tool", "{name}");
        assert_ne!(
            tools.call(name, arguments, &[scope]).await,
            "refused: whoever asks may not use this tool",
            "{name}"
        );
    }
    assert!(tools.call("search_documents", r#"{"query":"mailer"}"#, &[]).await.starts_with("id: c1\nfile: "));
    for name in ["run_runbook", "approve_command", "http_request", "", "Query_Events"] {
        assert_eq!(tools.call(name, "{}", &ALL).await, "refused: there is no such tool", "{name}");
    }
}

#[tokio::test]
async fn events_are_told_redacted_and_bounded() {
    let mut tools = Tools::new().await;
    let told = tools.call("query_events", r#"{"type":"com.example.*","limit":20}"#, &ALL).await;
    assert!(told.starts_with("id: e1\nevent: {") && told.len() <= LONGEST_RESULT_BYTES + 16, "{}", told.len());
    assert!(!told.contains("hunter2") && told.contains("[redacted:secret]") && told.contains("[…]"));
    let one = tools.call("query_events", r#"{"type":"com.example.1","limit":1}"#, &ALL).await;
    assert!(one.contains("\"id\":\"39\""), "the newest first: {one}");
    let incident = tools.call("incident", r#"{"correlation_id":"incident-1"}"#, &ALL).await;
    assert!(incident.contains("\"id\":\"0\"") && incident.len() <= LONGEST_RESULT_BYTES + 16, "{incident}");
    assert_eq!(tools.call("incident", r#"{"correlation_id":"no"}"#, &ALL).await, "no event matches");
    for wrong in [r#"{"text":"hunter"}"#, r#"{"since":"yesterday"}"#, r#"{"limit":-1}"#, "[]", "no", r#"{"type":7}"#] {
        assert_eq!(
            tools.call("query_events", wrong, &ALL).await,
            "refused: the arguments are not what the tool takes",
            "{wrong}"
        );
    }
    let long = format!(r#"{{"type":"{}"}}"#, "a".repeat(9000));
    assert_eq!(tools.call("query_events", &long, &ALL).await, "refused: the arguments are not what the tool takes");
}

#[tokio::test]
async fn a_withheld_subject_cannot_be_guessed_by_looking_for_it() {
    let mut tools = Tools::new().await;
    let event = json!({"specversion": "1.0", "id": "s", "source": "urn:x", "type": "t", "subject": "ada", "dataclassification": "secret"});
    let events = vec![NewEvent::from_json(event.to_string()).unwrap()];
    tools.stage.state.backbone.commit(Batch { events, puts: Vec::new() }).await.unwrap();
    assert!(tools.call("query_events", r#"{"subject":"ada"}"#, &ALL).await.contains("\"ada\""));
    let file = json!({"withholdSubjects": true});
    tools.toolbox.redactor = Redactor::read(&Section::root(&file), &mut Vec::new());
    assert_eq!(tools.call("query_events", r#"{"subject":"ada"}"#, &ALL).await, "no event matches");
    assert!(!tools.call("query_events", r#"{"type":"t"}"#, &ALL).await.contains("ada"));
}

#[tokio::test]
async fn only_what_the_catalogue_has_and_takes_is_proposed_and_nothing_is_asked_for() {
    let mut tools = Tools::new().await;
    let proposed = "proposed; a person decides";
    for (arguments, given) in [
        (r#"{"runbook":"restart-worker","parameters":{"worker":"mailer"},"why":"stuck"}"#, proposed),
        (r#"{"runbook":"restart-worker","parameters":{"worker":"mailer"},"why":"stuck"}"#, proposed),
        (
            r#"{"runbook":"wipe-disks","parameters":{}}"#,
            "refused: there is no runbook of this name; list_runbooks tells which there are",
        ),
        (
            r#"{"runbook":"restart-worker","parameters":{}}"#,
            "refused: the runbook does not take these parameters: parameters.worker",
        ),
        (
            r#"{"runbook":"restart-worker","parameters":{"worker":"rm -rf"}}"#,
            "refused: the runbook does not take these parameters: parameters.worker",
        ),
        (
            r#"{"runbook":"restart-worker","parameters":{"worker":"mailer","reason":"see https://evil.test"}}"#,
            "refused: a parameter holds an address that the settings do not allow",
        ),
        (
            r#"{"runbook":"restart-worker","parameters":{"worker":"mailer"},"approve":true}"#,
            "refused: the arguments are not what the tool takes",
        ),
        (r#"{"runbook":"show-status"}"#, proposed),
        (r#"{"runbook":"rotate-logs"}"#, proposed),
        (r#"{"runbook":"rotate-logs","parameters":{"worker":"mailer"}}"#, "refused: there are enough proposals"),
    ] {
        assert_eq!(tools.call("propose_command", arguments, &ALL).await, given, "{arguments}");
    }
    let names: Vec<&str> = tools.findings.proposals.iter().map(|proposal| proposal.runbook.as_str()).collect();
    assert_eq!(names, ["restart-worker", "show-status", "rotate-logs"]);
    assert!(
        tools.findings.removed.iter().all(|removed| removed.what == "proposal") && tools.findings.removed.len() == 4
    );
    assert_eq!(tools.stage.get("/v1/commands").send().await.json["commands"], json!([]));
}

#[tokio::test]
async fn a_commands_status_is_told_as_its_route_tells_it() {
    let mut tools = Tools::new().await;
    let body = json!({"runbook": "restart-worker", "parameters": {"worker": "mailer"}, "reason": "password=hunter2"});
    let command = tools.stage.post("/v1/commands", &body).send().await.json;
    let told = tools.call("command_status", &json!({"id": command["id"]}).to_string(), &ALL).await;
    assert!(told.contains("\"state\":\"pending\"") && !told.contains("hunter2"), "{told}");
    assert_eq!(tools.call("command_status", r#"{"id":"x"}"#, &ALL).await, "refused: there is no such thing");
    assert!(tools.call("list_runbooks", "{}", &ALL).await.contains("\"name\":\"restart-worker\""));
}

#[tokio::test]
async fn documents_are_found_by_the_askers_scopes_and_told_once() {
    let mut tools = Tools::new().await;
    let query = r#"{"query":"rotate the signing key of player tokens"}"#;
    assert!(!tools.call("search_documents", query, &["documents:securit"]).await.contains("key-rotation"));
    let told = tools.call("search_documents", query, &["documents:security"]).await;
    assert!(told.contains("file: security/key-rotation.md"), "{told}");
    let again = tools.call("search_documents", query, &["documents:security"]).await;
    assert!(again.contains("(its text was shown before)"), "{again}");
    for wrong in [r#"{"query":" "}"#, r#"{}"#, &format!(r#"{{"query":"{}"}}"#, "a".repeat(501))] {
        assert_eq!(
            tools.call("search_documents", wrong, &ALL).await,
            "refused: the arguments are not what the tool takes"
        );
    }
}

#[test]
fn scopes_are_read_and_every_mistake_is_named() {
    let read = |file: serde_json::Value| {
        let mut mistakes = Vec::new();
        let scopes = ToolScopes::read(&Section::root(&file), &mut mistakes);
        (scopes, mistakes.into_iter().map(|mistake| mistake.place).collect::<Vec<_>>())
    };
    let scopes = |names: &[&str]| names.iter().copied().collect::<Scopes>();
    let (read_scopes, mistakes) = read(json!({"queryEvents": "audit", "incident": ["a", "b"], "listRunbooks": []}));
    assert_eq!(mistakes, [""; 0]);
    assert!(
        read_scopes.admit(Kind::QueryEvents, &scopes(&["audit"]))
            && !read_scopes.admit(Kind::QueryEvents, &scopes(&["events:read"]))
    );
    assert!(
        read_scopes.admit(Kind::Incident, &scopes(&["b"]))
            && !read_scopes.admit(Kind::ListRunbooks, &scopes(&["runbooks:read"]))
    );
    assert!(read_scopes.admit(Kind::ProposeCommand, &scopes(&["commands:request"])), "what is not said stays");
    for (file, place) in [
        (json!({"queryEvent": "a"}), "queryEvent"),
        (json!({"queryEvents": "a b"}), "queryEvents"),
        (json!({"queryEvents": 7}), "queryEvents"),
        (json!({"queryEvents": ["a", ""]}), "queryEvents[1]"),
    ] {
        assert_eq!(read(file).1, [place]);
    }
}

#[tokio::test]
async fn code_is_recommended_as_it_stands_in_what_was_shown_and_in_no_other_way() {
    let mut tools = Tools::new().await;
    let arguments = |cite: &str, snippet: &str, change: &str| {
        json!({"cite": cite, "snippet": snippet, "change": change}).to_string()
    };
    let drain = "platformctl matchmaking drain --region eu-west";
    let refused = tools.call("recommend_code", &arguments("c1", drain, ""), &[]).await;
    assert_eq!(refused, "refused: it is not recommended: it names no section that was shown");
    let shown = tools.call("search_documents", r#"{"query": "drain the director before maintenance"}"#, &[]).await;
    let id = shown.split(drain).next().unwrap().rsplit("id: ").next().unwrap().split('\n').next().unwrap().to_owned();
    for (cite, snippet, why) in [
        (id.as_str(), "platformctl matchmaking drain --region us-west", "its code does not stand there"),
        // It stands in the section, but as prose.
        (&id, "Draining takes as long as the longest match", "its code does not stand there"),
        (&id, "drain", "its code is too short to be of use"),
        (&id, &"drain ".repeat(1000), "its code is longer than a snippet may be"),
        ("c77", drain, "it names no section that was shown"),
        ("e1", drain, "it names no section that was shown"),
    ] {
        let refused = tools.call("recommend_code", &arguments(cite, snippet, "Run it."), &[]).await;
        assert_eq!(refused, format!("refused: it is not recommended: {why}"));
        let removed = Removed { what: "recommendation", why: why.to_owned() };
        assert_eq!(tools.findings.removed.last(), Some(&removed));
        assert!(tools.findings.recommended.is_none());
    }
    let change = "Use your own region, see [it](https://evil.test/x). password=hunter2hunter2";
    tools.findings.removed.clear();
    let respaced = arguments(&id, "platformctl  matchmaking drain\n--region eu-west", change);
    assert_eq!(tools.call("recommend_code", &respaced, &[]).await, "recommended; it stands beside the answer");
    let recommended = tools.findings.recommended.clone().unwrap();
    let recommendation = &recommended.recommendation;
    assert_eq!((recommendation.snippet(), recommendation.file()), (drain, "matchmaking.md"));
    assert_eq!(recommended.citation.as_ref().unwrap().quote(), drain);
    let change = recommendation.change().unwrap();
    assert!(change.starts_with("Use your own region, see") && !change.contains("evil"), "{change}");
    assert!(!change.contains("hunter2"), "{change}");
    assert_eq!(tools.findings.removed.len(), 1, "{:?}", tools.findings.removed);
}
