//! A conversation that may stand in no log: what its server says of it does not either.

use std::io::Write;
use std::sync::Mutex;

use tracing::instrument::WithSubscriber;

use super::*;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_a_server_says_of_a_private_conversation_is_in_no_log() {
    for (is_private, said) in [(false, 1), (true, 0)] {
        let server =
            ScriptedServer::start(vec![status("400 Bad Request", "", "{\"error\": \"no: How are you?\"}")]).await;
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let bench = Bench::with(&[&server], &[]);
        let asked = bench.answer_to(Prompt { is_private, ..prompt() }).with_subscriber(subscriber).await;
        assert!(matches!(asked.1, Err(ModelError::Refused(_))), "{asked:?}");
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("a model gave no answer"), "{text}");
        assert_eq!(text.matches("How are you").count(), said, "{text}");
    }
}
