//! Arbitrary bytes as a request, from LAN or cloud: each of its commands is answered in bounds, and what a job is fetched
//! from is HTTPS or on the card.
#![no_main]

use libfuzzer_sys::fuzz_target;
use printerd::protocol::{Command, JobSource, Refusal, read_request};

fuzz_target!(|bytes: &[u8]| {
    let Ok(calls) = read_request(bytes) else {
        return;
    };
    assert!(!calls.is_empty());
    for call in calls {
        if let Ok(Command::Project(job)) = &call.command
            && let JobSource::Https(url) = &job.source
        {
            assert_eq!(url.expose().scheme(), "https");
            if let Some(query) = url.expose().query().filter(|query| query.len() > 3) {
                assert!(!url.to_string().contains(&format!("?{query}")));
            }
        }
        let refusal = Refusal::new("refused");
        let answer = call.tag.answer(
            call.command
                .as_ref()
                .map(|_| Default::default())
                .map_err(|_| &refusal),
        );
        assert!(answer.to_string().len() <= 8 << 10);
    }
});
