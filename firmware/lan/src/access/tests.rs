use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{Access, AccessCode, Denied, USER};
use crate::limits;

const OWNER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 1, 2));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 1, 66));

fn access() -> Access {
    Access::new(&AccessCode::parse("right2code").unwrap())
}

fn guess(number: usize) -> Vec<u8> {
    format!("wrong{number}").into_bytes()
}

/// Guesses from one address until it is told to stop; how many were compared.
fn guess_until_limited(access: &Access, from: IpAddr, now: Instant) -> usize {
    (0..1000)
        .take_while(|number| {
            let result = access.log_in(USER, &guess(*number), from, now);
            matches!(result, Err(Denied::WrongCredentials))
        })
        .count()
}

#[test]
fn random_codes_are_long_typeable_and_differ() {
    let [one, other] = [AccessCode::random().unwrap(), AccessCode::random().unwrap()];
    assert_ne!(one.expose(), other.expose());
    assert_eq!(one.expose().len(), 8);
    AccessCode::parse(one.expose()).unwrap();
}

#[test]
fn a_code_shows_itself_in_no_log() {
    let code = AccessCode::parse("right2code").unwrap();
    assert!(!format!("{code:?} {code} {:?}", Access::new(&code)).contains("right"));
}

#[test]
fn short_long_and_odd_codes_are_refused() {
    for text in [
        "",
        "1234567",
        &"1".repeat(33),
        "1234 5678",
        "12345678\n",
        "ünïcödé12",
    ] {
        assert!(AccessCode::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn only_the_right_user_with_the_right_code_logs_in() {
    let access = access();
    let now = Instant::now();
    assert!(access.log_in(USER, b"right2code", OWNER, now).is_ok());
    let wrong: [(&str, &[u8]); 5] = [
        ("root", b"right2code"),
        (USER, b"right2cod"),
        (USER, b"right2code\0"),
        ("bblpright2", b"code"),
        ("", b""),
    ];
    for (user, password) in wrong {
        assert!(
            access.log_in(user, password, OWNER, now).is_err(),
            "{user:?}"
        );
    }
}

#[test]
fn guessing_from_one_address_is_limited_and_the_right_code_with_it() {
    let access = access();
    let now = Instant::now();
    assert_eq!(guess_until_limited(&access, STRANGER, now), 5);
    let right = access.log_in(USER, b"right2code", STRANGER, now);
    assert_eq!(right.unwrap_err(), Denied::TooManyAttempts);
    let later = now + limits::ATTEMPTS_PER_ADDRESS.refill;
    assert_eq!(guess_until_limited(&access, STRANGER, later), 1);
}

#[test]
fn addresses_of_one_ipv6_network_share_more_attempts_than_one_of_them_has() {
    let access = access();
    let now = Instant::now();
    let guesses = |from: &str| guess_until_limited(&access, from.parse().unwrap(), now);
    let of_network: usize = (1..100)
        .map(|host| guesses(&format!("2001:db8::{host:x}")))
        .sum();
    assert_eq!(of_network, 20);
    assert_eq!(guesses("2001:db8:0:1::1"), 5);
    assert_eq!(guesses("2001:db8:0:1::2"), 5);
    assert_eq!(guesses("::ffff:192.168.1.66"), 5);
    assert_eq!(guess_until_limited(&access, STRANGER, now), 0);
}

#[test]
fn a_guesser_in_the_same_ipv6_network_cannot_lock_the_owner_out() {
    let access = access();
    let now = Instant::now();
    let [owner, guest] = ["2001:db8::1", "2001:db8::2"].map(|from| from.parse().unwrap());
    // Before anyone has logged in, one guesser of the network uses up what it has itself.
    guess_until_limited(&access, "2001:db8::bad".parse().unwrap(), now);
    access.log_in(USER, b"right2code", owner, now).unwrap();
    assert!(access.knows(owner) && !access.knows(guest));
    // From then on, all of them together do not reach the owner.
    for host in 0x100..0x200_u16 {
        let from = format!("2001:db8::{host:x}").parse().unwrap();
        guess_until_limited(&access, from, now);
    }
    let refused = access.log_in(USER, b"right2code", guest, now);
    assert_eq!(refused.unwrap_err(), Denied::TooManyAttempts);
    access.log_in(USER, b"right2code", owner, now).unwrap();
    access.change(&AccessCode::parse("next2code").unwrap());
    assert!(!access.knows(owner));
}

#[test]
fn guessers_elsewhere_cannot_lock_the_owner_out() {
    let access = access();
    let now = Instant::now();
    access.log_in(USER, b"right2code", OWNER, now).unwrap();
    let compared: usize = (0..=255)
        .map(|host| guess_until_limited(&access, IpAddr::from([10, 0, 0, host]), now))
        .sum();
    assert_eq!(compared, 60);
    for _ in 0..100 {
        access.log_in(USER, b"right2code", OWNER, now).unwrap();
    }
    let newcomer = access.log_in(USER, b"right2code", STRANGER, now);
    assert_eq!(newcomer.unwrap_err(), Denied::TooManyAttempts);
}

#[test]
fn a_known_address_that_guesses_is_limited_too() {
    let access = access();
    let now = Instant::now();
    access.log_in(USER, b"right2code", OWNER, now).unwrap();
    assert_eq!(guess_until_limited(&access, OWNER, now), 10);
    assert_eq!(guess_until_limited(&access, STRANGER, now), 5);
}

#[test]
fn a_client_left_with_an_old_code_does_not_shut_out_its_address() {
    let access = access();
    let now = Instant::now();
    for _ in 0..1000 {
        let refused = access.log_in(USER, b"old-code", OWNER, now);
        assert_eq!(refused.unwrap_err(), Denied::WrongCredentials);
    }
    access.log_in(USER, b"right2code", OWNER, now).unwrap();
}

#[test]
fn a_code_that_was_wrong_before_may_become_the_right_one() {
    let access = access();
    let now = Instant::now();
    access.log_in(USER, b"next2code", OWNER, now).unwrap_err();
    access.change(&AccessCode::parse("next2code").unwrap());
    access.log_in(USER, b"next2code", OWNER, now).unwrap();
    access.log_in(USER, b"right2code", OWNER, now).unwrap_err();
}

#[tokio::test]
async fn a_changed_code_ends_every_session_at_once() {
    let access = access();
    let now = Instant::now();
    let mut sessions =
        [OWNER, STRANGER].map(|from| access.log_in(USER, b"right2code", from, now).unwrap());
    assert!(sessions.iter().all(super::Session::is_valid));
    access.change(&AccessCode::parse("next2code").unwrap());
    let mut newer = access.log_in(USER, b"next2code", OWNER, now).unwrap();
    for session in &mut sessions {
        session.revoked().await;
        assert!(!session.is_valid());
    }
    assert!(newer.is_valid());
    drop(access);
    newer.revoked().await;
}

#[test]
fn tables_stay_bounded_whoever_comes() {
    let access = access();
    let mut now = Instant::now();
    for number in 0..5000_u32 {
        now += Duration::from_millis(100);
        let ours = IpAddr::V4(Ipv4Addr::from_bits(number));
        let other = IpAddr::V6(Ipv6Addr::from_bits(u128::from(number) << 63));
        for from in [ours, other] {
            let _ = access.log_in(USER, b"wrong-one", from, now);
            let _ = access.log_in(USER, b"right2code", from, now);
        }
    }
    let state = access.0.state();
    let [failed, networks, known] = state.attempted.sizes();
    assert!(failed.max(networks) <= limits::ADDRESSES_THAT_FAILED);
    assert!(known <= limits::ADDRESSES_KNOWN);
}

proptest! {
    #[test]
    fn no_other_password_logs_in(user in ".{0,300}", password in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assume!(user != USER || password != b"right2code");
        prop_assert!(access().log_in(&user, &password, OWNER, Instant::now()).is_err());
    }

    #[test]
    fn parsed_codes_are_what_was_given(text in "[A-Za-z0-9]{8,32}") {
        let code = AccessCode::parse(&text).unwrap();
        prop_assert_eq!(code.expose(), text);
    }
}
