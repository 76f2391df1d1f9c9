use super::*;

const GOOD: &str = "
models:
  - name: house/large
    baseUrl: https://models.example.com/v1/
    model: large-2
    apiKeyFile: /keys/models.key
    headers:
      X-Title: watchgate
      X-Tenant: {file: /keys/tenant}
    timeoutSeconds: 60
    firstPieceSeconds: 10
    idleSeconds: 5
    maxOutputTokens: 1000
    temperature: 0.2
    caFile: /keys/ca.pem
    allowedNetworks: [10.0.0.0/8]
  - name: azure
    baseUrl: https://ours.openai.azure.com
    azure: {deployment: gpt-4o, apiVersion: '2024-10-21'}
    apiKeyFile: /keys/azure.key
budgets: {requestsPerDay: 200, tokensPerDay: 1000000}
";

fn places(text: &str) -> Vec<String> {
    let mut mistakes = Vec::new();
    let value: serde_json::Value = serde_saphyr::from_str(text).unwrap();
    ModelsSettings::read_sections(&Section::root(&value), &mut mistakes);
    mistakes.into_iter().map(|mistake| mistake.place).collect()
}

#[test]
fn a_good_file_is_read_with_what_it_leaves_out() {
    let settings = ModelsSettings::read(GOOD).unwrap();
    let [large, azure] = &settings.models[..] else { panic!("two models") };
    assert_eq!((large.timeout, large.first_piece, large.idle), [60, 10, 5].map(Duration::from_secs).into());
    assert_eq!((large.max_output_tokens, large.temperature, large.headers.len()), (1000, Some(0.2), 2));
    assert_eq!((azure.timeout, azure.first_piece, azure.idle), [120, 30, 20].map(Duration::from_secs).into());
    assert_eq!((azure.model.as_str(), azure.max_output_tokens, azure.temperature), ("gpt-4o", 2048, None));
    let budgets = BudgetSettings { requests_per_day: Some(200), tokens_per_day: Some(1_000_000) };
    assert_eq!(settings.budgets, budgets);
    let none = ModelsSettings::read("{}").unwrap();
    assert!(none.models.is_empty() && none.budgets == BudgetSettings::default());
}

#[test]
fn every_mistake_is_found_at_once_and_in_its_place() {
    let found = places(
        "
models:
  - name: 'a b'
    baseUrl: https://models.example.com/v1?key=1
    apiKey: sk-1
    headers: {Host: x, Authorization: Bearer sk-1, X-Bad: \"a\\nb\", X-None: {path: /x}}
    timeoutSeconds: 0
    temperature: 3
    maxOutputTokens: 1.5
    allowedNetworks: [nowhere]
  - name: b
    baseUrl: ftp://models.example.com
    model: m
    azure: {deployment: a/b}
  - {name: b, baseUrl: https://models.example.com, model: m}
  - {name: b, baseUrl: https://models.example.com, model: m}
budgets: {requestsPerDay: 0, perDay: 1}
",
    );
    let expected = [
        "models[0].apiKey",
        "models[0].name",
        "models[0].baseUrl",
        "models[0].model",
        "models[0].headers.Authorization",
        "models[0].headers.Host",
        "models[0].headers.X-Bad",
        "models[0].headers.X-None.path",
        "models[0].headers.X-None.file",
        "models[0].timeoutSeconds",
        "models[0].maxOutputTokens",
        "models[0].temperature",
        "models[0].allowedNetworks[0]",
        "models[1].baseUrl",
        "models[1].azure.deployment",
        "models[1].azure.apiVersion",
        "models[3].name",
        "budgets.perDay",
        "budgets.requestsPerDay",
    ];
    let (mut found, mut expected) = (found, expected.map(str::to_owned));
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn mistakes_are_told_with_their_lines_and_without_what_stands_there() {
    let told = ModelsSettings::read("models:\n  - name: a\n    apiKey: sk-secret\n").unwrap_err().to_string();
    assert!(told.contains("line 3: ") && told.contains("apiKey"), "{told}");
    assert!(!told.contains("sk-secret"), "{told}");
}

#[test]
fn nothing_that_is_shown_of_the_settings_is_a_secret() {
    let shown = format!("{:?}", ModelsSettings::read(GOOD).unwrap());
    assert!(shown.contains("/keys/models.key"), "files are named, and nothing else is known of them");
}

#[test]
fn no_model_takes_the_assistants_name() {
    let text = "models:\n  - {name: watchgate, baseUrl: 'https://models.example.com/v1', model: m}\n";
    assert_eq!(places(text), ["models[0].name"]);
}

#[test]
fn no_model_may_take_longer_than_an_answer() {
    let model =
        |lines: &str| format!("models: [{{name: a, baseUrl: 'https://models.example.com', model: m, {lines}}}]");
    for key in ["timeoutSeconds", "firstPieceSeconds", "idleSeconds"] {
        assert_eq!(places(&model(&format!("{key}: 121"))), [format!("models[0].{key}")]);
        assert!(places(&model(&format!("{key}: 120"))).is_empty(), "{key}");
    }
}
