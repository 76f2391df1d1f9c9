//! What is sent, to whom, and what is never told.

use super::*;

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn a_conversation_goes_out_as_servers_take_it() {
    let server = ScriptedServer::start(vec![saying("hi")]).await;
    let call = ToolCall { id: "x".to_owned(), name: "find".to_owned(), arguments: "{\"q\":1}".to_owned() };
    let odd = ToolCall { arguments: "not json".to_owned(), ..call.clone() };
    let mut asked = prompt();
    asked.messages.extend([
        Message::Assistant { text: String::new(), calls: vec![call, odd] },
        Message::ToolResult { call: "x".to_owned(), content: "nothing".to_owned() },
        Message::Assistant { text: "Well.".to_owned(), calls: Vec::new() },
    ]);
    asked.tools.push(Tool {
        name: "find".to_owned(),
        description: "Finds.".to_owned(),
        parameters: json!({"type": "object"}),
        strict: Some(true),
    });
    asked.max_output_tokens = Some(7);
    let Value::Object(options) =
        json!({"temperature": 0.5, "tool_choice": "auto", "model": "other", "stream": false, "n": 9})
    else {
        unreachable!()
    };
    asked.options = options;
    Bench::with(&[&server], &["temperature: 0.1"]).answer_to(asked).await.1.unwrap();
    let seen = server.seen().remove(0);
    assert!(seen.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", seen.head);
    let function =
        |arguments: &str| json!({"id": "x", "type": "function", "function": {"name": "find", "arguments": arguments}});
    let expected = json!({
        "model": "m-a",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How are you?"},
            {"role": "assistant", "content": null, "tool_calls": [function("{\"q\":1}"), function("{}")]},
            {"role": "tool", "tool_call_id": "x", "content": "nothing"},
            {"role": "assistant", "content": "Well."},
        ],
        "tools": [{"type": "function", "function": {"name": "find", "description": "Finds.", "parameters": {"type": "object"}, "strict": true}}],
        "stream": true,
        "stream_options": {"include_usage": true},
        "max_tokens": 7,
        "temperature": 0.5,
        "tool_choice": "auto",
    });
    assert_eq!(seen.body, expected);
    assert!(!seen.body.to_string().contains("anna") && !seen.head.contains("anna"), "the account stays here");
}

#[tokio::test]
async fn keys_and_headers_are_read_for_each_request() {
    let server = ScriptedServer::start(vec![saying("hi")]).await;
    let folder = tempfile::tempdir().unwrap();
    let (key, tenant) = (folder.path().join("key"), folder.path().join("tenant"));
    let bench = Bench::new(&format!(
        "models: [{{name: a, baseUrl: '{}/', model: m, allowedNetworks: [127.0.0.0/8], apiKeyFile: {},
           headers: {{X-Title: watchgate, X-Tenant: {{file: {}}}}}}}]",
        server.url(),
        key.display(),
        tenant.display()
    ));
    std::fs::write(&tenant, "ours").unwrap();
    assert!(matches!(bench.answer().await, Err(ModelError::Unavailable(_))), "no key, no request");
    for (number, secret) in ["sk-1", "sk-2\n"].into_iter().enumerate() {
        std::fs::write(&key, secret).unwrap();
        bench.stage.clock.advance(Duration::from_secs(60));
        bench.answer().await.unwrap();
        let seen = server.seen().remove(number);
        let bearer = format!("Bearer {}", secret.trim());
        assert_eq!(header(&seen.head, "authorization"), Some(bearer.as_str()));
        assert_eq!((header(&seen.head, "x-title"), header(&seen.head, "x-tenant")), (Some("watchgate"), Some("ours")));
        assert!(seen.head.starts_with("POST /v1/chat/completions "), "{}", seen.head);
    }
    for unfit in ["", " \n", "a\u{7}b"] {
        std::fs::write(&key, unfit).unwrap();
        bench.stage.clock.advance(Duration::from_secs(60));
        assert!(matches!(bench.answer().await, Err(ModelError::Unavailable(_))), "{unfit:?}");
    }
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn azure_is_asked_at_its_own_address_in_its_own_way() {
    let server = ScriptedServer::start(vec![saying("hi")]).await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "azure-key").unwrap();
    let bench = Bench::new(&format!(
        "models: [{{name: a, baseUrl: '{}', allowedNetworks: [127.0.0.0/8], apiKeyFile: {},
           azure: {{deployment: our-gpt, apiVersion: '2024-10-21'}}}}]",
        server.url().strip_suffix("/v1").unwrap(),
        key.display()
    ));
    bench.answer().await.unwrap();
    let head = server.seen().remove(0).head;
    let path = "POST /openai/deployments/our-gpt/chat/completions?api-version=2024-10-21 HTTP/1.1\r\n";
    assert!(head.starts_with(path), "{head}");
    assert_eq!((header(&head, "api-key"), header(&head, "authorization")), (Some("azure-key"), None));
}

#[tokio::test]
async fn a_server_that_repeats_its_key_does_not_bring_it_into_our_log() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "sk-very-secret").unwrap();
    let said = "{\"error\": {\"message\": \"Incorrect API key\\nprovided: sk-very-secret.\"}}";
    for reply in [status("401 Unauthorized", "", said), vec![stream(&format!("data: {said}\n\n")), Act::Close]] {
        let server = ScriptedServer::start(vec![reply]).await;
        let bench = Bench::new(&format!(
            "models: [{{name: a, baseUrl: '{}', model: m, allowedNetworks: [127.0.0.0/8], apiKeyFile: {}}}]",
            server.url(),
            key.display()
        ));
        let error = bench.answer().await.unwrap_err().to_string();
        assert!(error.contains("Incorrect API key provided: …") && !error.contains("very-secret"), "{error}");
    }
}

#[tokio::test]
async fn what_a_server_does_not_know_is_left_out_from_then_on() {
    let refusing = |what: &str| status("400 Bad Request", "", &json!({"error": {"message": what}}).to_string());
    let server = ScriptedServer::start(vec![
        refusing("Unrecognized request argument: stream_options"),
        refusing("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        saying("hi"),
    ])
    .await;
    let bench = Bench::with(&[&server], &[]);
    bench.answer().await.unwrap();
    bench.answer().await.unwrap();
    let has =
        |body: &Value| ["stream_options", "max_tokens", "max_completion_tokens"].map(|name| body.get(name).is_some());
    let seen: Vec<_> = server.seen().iter().map(|seen| has(&seen.body)).collect();
    let learned = [false, false, true];
    assert_eq!(seen, [[true, true, false], [false, true, false], learned, learned]);
}

#[tokio::test]
async fn no_server_is_asked_where_none_may_be() {
    let open = |url: &str, networks: &str| {
        let text = format!("models: [{{name: a, baseUrl: '{url}', model: m, allowedNetworks: [{networks}]}}]");
        let stage = Stage::new();
        let settings = ModelsSettings::read(&text).unwrap();
        OpenAiModels::open(settings, stage.state.backbone.clone(), stage.clock.clone(), &stage.state.metrics).map(drop)
    };
    for (url, networks) in [
        ("http://models.example.com/v1", ""),
        ("http://10.1.2.3/v1", "10.0.0.0/8"),
        ("http://127.0.0.1:1/v1", ""),
        ("https://169.254.169.254/v1", ""),
        ("https://[::1]/v1", "127.0.0.0/8"),
    ] {
        open(url, networks).expect_err(url);
    }
    open("https://10.1.2.3/v1", "10.0.0.0/8").unwrap();
    // A name is looked at when it has become an address.
    let bench = Bench::new("models: [{name: a, baseUrl: 'https://localhost:1/v1', model: m}]");
    let error = bench.answer().await.unwrap_err();
    assert!(matches!(&error, ModelError::Unavailable(said) if said.contains("allowedNetworks")), "{error:?}");
}

#[tokio::test]
async fn no_callers_text_teaches_a_dialect() {
    let asking = |word: &str| {
        let options = [("stop".to_owned(), json!([word]))].into_iter().collect();
        Prompt { options, ..prompt() }
    };
    for word in ["stream_options", "max_completion_tokens"] {
        for said in
            [format!("'{word}' is no stop sequence that is known here"), format!("Unknown parameter: '{word}' in stop")]
        {
            let refusal = status("400 Bad Request", "", &json!({"error": {"message": said}}).to_string());
            let server = ScriptedServer::start(vec![refusal, saying("hi")]).await;
            let bench = Bench::with(&[&server], &[]);
            assert!(matches!(bench.answer_to(asking(word)).await.1, Err(ModelError::Refused(_))), "{said}");
            bench.answer().await.unwrap();
            let body = server.seen().pop().unwrap().body;
            assert!(body.get("stream_options").is_some() && body.get("max_tokens").is_some(), "{said}: {body}");
        }
    }
}

#[tokio::test]
async fn what_was_learned_is_kept_only_where_it_helped() {
    let refusing = || {
        let error = json!({"message": "Unknown parameter: 'stream_options'.", "param": "stream_options"});
        status("400 Bad Request", "", &json!({"error": error}).to_string())
    };
    let server = ScriptedServer::start(vec![refusing(), refusing(), saying("hi")]).await;
    let bench = Bench::with(&[&server], &[]);
    assert!(matches!(bench.answer().await, Err(ModelError::Refused(_))));
    bench.answer().await.unwrap();
    let counted: Vec<_> = server.seen().iter().map(|seen| seen.body.get("stream_options").is_some()).collect();
    assert_eq!(counted, [true, false, true], "asked again without, in vain, and so with it from then on");
}

#[tokio::test]
async fn servers_say_in_their_own_ways_what_they_do_not_know() {
    for said in [
        json!({"error": {"message": "no", "param": "stream_options", "code": "unknown_parameter"}}),
        json!({"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}),
        json!({"error": {"message": "Unrecognized request argument supplied: stream_options"}}),
    ] {
        let server =
            ScriptedServer::start(vec![status("422 Unprocessable Content", "", &said.to_string()), saying("hi")]).await;
        Bench::with(&[&server], &[]).answer().await.unwrap_or_else(|error| panic!("{said}: {error}"));
        assert!(server.seen().pop().unwrap().body.get("stream_options").is_none(), "{said}");
    }
}
