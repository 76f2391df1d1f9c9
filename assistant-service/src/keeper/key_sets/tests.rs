use serde_json::json;

use super::*;
use crate::keeper::wall::Standing;

const NAME: &str = "jwks/idp.json";
const ISSUER: &str = "https://idp.example.com";

struct Kept {
    folder: tempfile::TempDir,
    clock: Arc<Standing>,
    sets: KeySets,
}

impl Kept {
    fn new() -> Self {
        Self::over(tempfile::tempdir().unwrap(), Arc::new(Standing::new()), ISSUER)
    }

    fn over(folder: tempfile::TempDir, clock: Arc<Standing>, issuer: &str) -> Self {
        let config = IssuerConfig {
            issuer: issuer.to_owned(),
            file: NAME.to_owned(),
            jwks_uri: None,
            max_age: Duration::from_secs(3600),
            ca_file: None,
            allowed_networks: Vec::new(),
        };
        let trust = TrustFolder::open(folder.path()).unwrap();
        let sets = KeySets::open(trust, clock.clone(), &[config]).unwrap();
        Self { folder, clock, sets }
    }

    fn restarted(self) -> Self {
        self.sets.save_ages().unwrap();
        Self::over(self.folder, self.clock, ISSUER)
    }

    fn fetch(&self, jwks: &[u8]) -> Result<(), NotTaken> {
        self.sets.take_fetched(NAME, jwks, (self.clock.millis(), Instant::now()))
    }

    fn offer(&self, issuer: &str, jwks: serde_json::Value, checked_at: UnixMillis) -> Result<(), NotTaken> {
        self.sets.take_offered(&SharedKeySet { name: NAME.to_owned(), issuer: issuer.to_owned(), jwks, checked_at })
    }

    fn file(&self) -> Option<Vec<u8>> {
        fs::read(self.folder.path().join(NAME)).ok()
    }

    fn began(&self) -> UnixMillis {
        self.sets.began()[NAME]
    }
}

fn key_set() -> serde_json::Value {
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "one", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})
}

/// Lets time pass by both clocks.
async fn pass(kept: &Kept, seconds: u32) {
    tokio::time::advance(Duration::from_secs(seconds.into())).await;
    kept.clock.step(seconds.into());
}

#[tokio::test(start_paused = true)]
async fn keys_that_nobody_confirms_are_kept_for_their_time_and_then_removed() {
    let kept = Kept::new();
    assert_eq!(kept.began(), 0);
    kept.fetch(b"keys").unwrap();
    let began = kept.clock.millis();
    pass(&kept, 3600).await;
    assert_eq!((kept.sets.expire().unwrap(), kept.began()), (vec![], began));
    assert_eq!(kept.file().unwrap(), b"keys");
    pass(&kept, 1).await;
    assert_eq!((kept.sets.expire().unwrap(), kept.began()), (vec![ISSUER.to_owned()], 0));
    assert_eq!(kept.file(), None);
    assert!(kept.sets.expire().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_makes_no_key_younger() {
    let kept = Kept::new();
    kept.fetch(b"keys").unwrap();
    pass(&kept, 1800).await;
    let began = kept.began();
    kept.clock.step(-7200);
    assert_eq!(kept.began(), began - 7_200_000);
    pass(&kept, 1801).await;
    assert_eq!(kept.sets.expire().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn neither_does_a_restart_whatever_the_clock_does_meanwhile() {
    let kept = Kept::new();
    kept.fetch(b"keys").unwrap();
    pass(&kept, 3000).await;
    kept.clock.step(-7200);
    let kept = kept.restarted();
    assert_eq!(kept.file().unwrap(), b"keys");
    pass(&kept, 601).await;
    assert_eq!(kept.sets.expire().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_forward_ages_keys() {
    let kept = Kept::new();
    kept.fetch(b"keys").unwrap();
    kept.clock.step(3601);
    assert_eq!(kept.sets.expire().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn keys_of_another_issuer_do_not_stay_under_a_new_ones_name() {
    let kept = Kept::new();
    kept.fetch(b"keys").unwrap();
    let kept = Kept::over(kept.folder, kept.clock, "https://other.example.com");
    assert_eq!((kept.file(), kept.began()), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn keys_of_an_issuer_that_is_no_longer_kept_do_not_wait_for_the_next_one_of_that_name() {
    let kept = Kept::new();
    kept.fetch(b"keys").unwrap();
    let trust = TrustFolder::open(kept.folder.path()).unwrap();
    KeySets::open(trust, kept.clock.clone(), &[]).unwrap();
    assert_eq!(kept.file(), None);
    // Neither do keys that nobody has fetched.
    let kept = Kept::over(kept.folder, kept.clock, ISSUER);
    fs::create_dir_all(kept.folder.path().join("jwks")).unwrap();
    fs::write(kept.folder.path().join(NAME), "by hand").unwrap();
    let kept = kept.restarted();
    assert!(kept.file().is_some());
    assert_eq!(Kept::over(kept.folder, kept.clock, "https://other.example.com").file(), None);
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_written_down_keys_stay_and_nobody_knows_of_a_fetch() {
    let kept = Kept::new();
    kept.fetch(b"keys").unwrap();
    fs::remove_file(kept.folder.path().join(".keeper/state.json")).unwrap();
    let mut kept = Kept::over(kept.folder, kept.clock, ISSUER);
    for _ in 0..2 {
        assert_eq!((kept.file().as_deref(), kept.began()), (Some(&b"keys"[..]), 0));
        kept = kept.restarted();
    }
    // Whatever another host has fetched is better.
    kept.offer(ISSUER, key_set(), kept.clock.millis() - 60_000).unwrap();
    assert!(kept.began() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_lets_no_keeper_begin() {
    let kept = Kept::new();
    for garbage in ["", "{", "[]", r#"{"key_sets": {"jwks/idp.json": 7}}"#, &state_of("../idp.json"), &state_of("head")]
    {
        fs::write(kept.folder.path().join(".keeper/state.json"), garbage).unwrap();
        let trust = TrustFolder::open(kept.folder.path()).unwrap();
        assert!(KeySets::open(trust, kept.clock.clone(), &[]).is_err(), "{garbage}");
    }
}

fn state_of(name: &str) -> String {
    json!({"key_sets": {name: {"issuer": ISSUER, "checked_at": 1, "age_ms": 1}}}).to_string()
}

#[tokio::test(start_paused = true)]
async fn another_hosts_keys_are_taken_only_when_they_are_newer_and_of_this_issuer() {
    let kept = Kept::new();
    kept.fetch(b"old").unwrap();
    let fetched = kept.clock.millis();
    pass(&kept, 60).await;
    assert!(matches!(kept.offer(ISSUER, key_set(), fetched), Err(NotTaken::Older)));
    assert!(matches!(kept.offer("https://other.example", key_set(), fetched + 1), Err(NotTaken::Unknown)));
    assert!(matches!(kept.offer(ISSUER, json!({"keys": []}), fetched + 1), Err(NotTaken::Unfit(_))));
    assert_eq!(kept.file().unwrap(), b"old");
    kept.offer(ISSUER, key_set(), fetched + 1).unwrap();
    assert_eq!(kept.file().unwrap(), key_set().to_string().into_bytes());
    assert_eq!(kept.began(), fetched + 1);
    assert!(kept.sets.unshared().is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_hosts_clock_makes_no_key_younger_than_it_is_here() {
    let kept = Kept::new();
    let now = kept.clock.millis();
    assert!(matches!(kept.offer(ISSUER, key_set(), now + 60_001), Err(NotTaken::Future)));
    assert_eq!(kept.file(), None);
    kept.offer(ISSUER, key_set(), now + 60_000).unwrap();
    assert_eq!(kept.began(), now);
    pass(&kept, 30).await;
    // Told again they are what they were.
    assert!(matches!(kept.offer(ISSUER, key_set(), now + 60_000), Err(NotTaken::Older)));
    assert_eq!(kept.began(), now);
    pass(&kept, 3571).await;
    assert_eq!(kept.sets.expire().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_fetched_here_is_told_once() {
    let kept = Kept::new();
    let jwks = key_set().to_string();
    kept.fetch(jwks.as_bytes()).unwrap();
    let unshared = kept.sets.unshared();
    assert_eq!((unshared.len(), &unshared[0].jwks), (1, &key_set()));
    pass(&kept, 1).await;
    kept.fetch(jwks.as_bytes()).unwrap();
    // What was told is not what is here now.
    kept.sets.shared(&unshared[0]);
    let unshared = kept.sets.unshared();
    assert_eq!(unshared.len(), 1);
    kept.sets.shared(&unshared[0]);
    assert!(kept.sets.unshared().is_empty());
}
