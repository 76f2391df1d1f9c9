use std::fs;

use serde_json::{Value, json};

use super::*;
use crate::clock::SystemClock;

const FOREVER: u64 = 9_000_000_000;

struct Kept {
    folder: tempfile::TempDir,
    heard: Heard,
    revoked: Revoked,
}

impl Kept {
    fn new() -> Self {
        Self::over(tempfile::tempdir().unwrap())
    }

    fn over(folder: tempfile::TempDir) -> Self {
        let trust = TrustFolder::open(folder.path()).unwrap();
        let heard = Heard::open(trust.clone(), Arc::new(SystemClock), Duration::from_secs(60));
        let revoked = Revoked::open(trust, Arc::new(SystemClock), 0, &heard).unwrap();
        Self { folder, heard, revoked }
    }

    fn tell(&self, told: Value, complete: bool) -> Result<bool, NotApplied> {
        let told: Vec<RevocationEntry> = serde_json::from_value(told).map_err(|_| NotApplied::Form)?;
        self.revoked.apply(&told, complete)
    }

    fn entries(&self) -> usize {
        self.revoked.state.lock().unwrap().entries.len()
    }

    fn tables(&self) -> Vec<String> {
        let names =
            fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(TABLE)).collect();
        names.sort();
        names
    }
}

fn session(sid: &str, keep_until: u64) -> Value {
    json!({"iss": "https://idp.example.com", "sid": sid, "keep_until": keep_until})
}

#[tokio::test]
async fn each_form_is_taken_in_and_survives_a_restart() {
    let kept = Kept::new();
    assert_eq!(kept.revoked.number(), None);
    let told = json!([
        {"token": "A".repeat(43), "keep_until": FOREVER},
        {"iss": "i", "jti": "j", "keep_until": FOREVER},
        session("s", FOREVER),
        {"iss": "i", "sub": "u", "before": 7, "keep_until": FOREVER},
    ]);
    assert!(kept.tell(told.clone(), true).unwrap());
    assert!(!kept.tell(told, false).unwrap(), "nothing new needs no new table");
    let before = kept.revoked.number().unwrap();
    kept.heard.now();
    let kept = Kept::over(kept.folder);
    assert_eq!(kept.entries(), 4);
    assert!(kept.revoked.number().unwrap() > before && kept.heard.is_recent());
}

#[tokio::test]
async fn what_was_heard_counts_only_together_with_what_was_told() {
    let kept = Kept::new();
    assert!(!kept.heard.is_recent(), "nothing was ever heard");
    kept.heard.now();
    assert!(kept.heard.is_recent());
    fs::remove_file(kept.folder.path().join(".keeper/revocations.json")).unwrap();
    assert!(!Kept::over(kept.folder).heard.is_recent());
}

#[tokio::test]
async fn kept_revocations_that_cannot_be_read_let_no_keeper_begin() {
    let kept = Kept::new();
    fs::write(kept.folder.path().join(".keeper/revocations.json"), "[{\"keep_until\": 1}]").unwrap();
    let trust = TrustFolder::open(kept.folder.path()).unwrap();
    assert!(Revoked::open(trust, Arc::new(SystemClock), 0, &kept.heard).is_err());
}

#[tokio::test]
async fn everything_replaces_and_news_adds() {
    let kept = Kept::new();
    kept.tell(json!([session("a", FOREVER)]), true).unwrap();
    kept.tell(json!([session("b", FOREVER)]), false).unwrap();
    assert_eq!(kept.entries(), 2);
    kept.tell(json!([session("c", FOREVER)]), true).unwrap();
    assert_eq!(kept.entries(), 1);
    kept.tell(json!([]), true).unwrap();
    assert_eq!((kept.entries(), kept.revoked.number()), (0, None));
}

#[tokio::test]
async fn what_need_not_be_kept_any_longer_is_dropped() {
    let kept = Kept::new();
    kept.tell(json!([session("past", 1_000_000_000), session("now", FOREVER)]), true).unwrap();
    assert_eq!(kept.entries(), 1);
}

#[tokio::test]
async fn a_clock_that_goes_forward_for_a_day_drops_nothing() {
    let kept = Kept::new();
    let now_second = now(&SystemClock) / 1000;
    kept.tell(json!([session("within", now_second - 86_000), session("past", now_second - 86_401)]), true).unwrap();
    assert_eq!(kept.entries(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_steady_stream_leaves_few_tables_and_those_that_the_head_has_named() {
    let kept = Kept::new();
    let one_more = |number: u32| {
        kept.tell(json!([session(&number.to_string(), FOREVER)]), false).unwrap();
        kept.revoked.number()
    };
    let named = [one_more(0), one_more(1)];
    named.iter().for_each(|number| kept.revoked.named_in_head(*number));
    for number in 2..40 {
        one_more(number);
    }
    kept.revoked.remove_old_tables();
    let tables = kept.tables();
    // The current one, and two that were named a long time ago.
    assert_eq!(tables.len(), MOST_OLD_TABLES + 3);
    for number in named.into_iter().chain([kept.revoked.number()]) {
        assert!(tables.contains(&format!("{TABLE}{}", number.unwrap())));
    }
    let before = kept.revoked.number();
    kept.revoked.named_in_head(before);
    kept.revoked.named_in_head(before);
    kept.revoked.remove_old_tables();
    assert_eq!(kept.tables().len(), MOST_OLD_TABLES + 2);
}

#[tokio::test]
async fn large_tables_are_written_further_apart_but_within_the_second() {
    let kept = Kept::new();
    assert_eq!(kept.revoked.apart(), LEAST_APART);
    let many = |count: u32| (0..count).map(|number| session(&number.to_string(), FOREVER)).collect::<Vec<_>>();
    kept.tell(json!(many(4000)), true).unwrap();
    assert_eq!(kept.revoked.apart(), LEAST_APART + Duration::from_millis(10));
    kept.tell(json!(many(110_000)), true).unwrap();
    assert_eq!(kept.revoked.apart(), MOST_APART);
}

#[tokio::test]
async fn a_revocation_that_is_not_understood_is_not_passed_over() {
    let kept = Kept::new();
    for unknown in [
        json!({"keep_until": FOREVER}),
        json!({"iss": "i", "keep_until": FOREVER}),
        json!({"token": "short", "keep_until": FOREVER}),
        json!({"iss": "i", "jti": "j", "sid": "s", "keep_until": FOREVER}),
        json!({"iss": "i", "sub": "u", "keep_until": FOREVER}),
        json!({"device": "d", "keep_until": FOREVER}),
    ] {
        let outcome = kept.tell(json!([session("good", FOREVER), unknown]), false);
        assert!(matches!(outcome, Err(NotApplied::Form)), "{unknown}");
    }
    assert_eq!(kept.entries(), 0);
}

#[tokio::test(start_paused = true)]
async fn tables_stay_for_gates_that_have_just_read_the_head() {
    let kept = Kept::new();
    for number in 0..6 {
        kept.tell(json!([session(&number.to_string(), FOREVER)]), false).unwrap();
    }
    kept.revoked.remove_old_tables();
    assert_eq!(kept.tables().len(), 6);
    tokio::time::advance(TABLE_KEPT_FOR).await;
    kept.revoked.remove_old_tables();
    let tables = kept.tables();
    assert_eq!(tables.len(), TABLES_KEPT);
    assert_eq!(tables.last().unwrap(), &format!("{TABLE}{}", kept.revoked.number().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn silence_is_measured_by_the_time_that_passes() {
    let kept = Kept::new();
    kept.heard.now();
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(kept.heard.is_recent());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!kept.heard.is_recent());
    // A word from the future says nothing.
    fs::write(kept.folder.path().join(".keeper/heard"), "99999999999999").unwrap();
    assert!(!Kept::over(kept.folder).heard.is_recent());
}

#[tokio::test]
async fn a_table_that_cannot_be_written_is_tried_again() {
    let kept = Kept::new();
    // A folder in its way stops the file that is written first.
    let path = kept.folder.path().join(".keeper/revocations.json");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let told = json!([session("a", FOREVER)]);
    assert!(matches!(kept.tell(told.clone(), false), Err(NotApplied::Unwritten(_))));
    assert_eq!(kept.revoked.number(), None);
    fs::remove_dir(&path).unwrap();
    assert!(kept.tell(told, false).unwrap());
    assert!(kept.revoked.number().is_some());
}
