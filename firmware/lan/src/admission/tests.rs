use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::{Admission, AdmissionLimits, Full, Guest};

const LIMITS: AdmissionLimits = AdmissionLimits {
    connections: 8,
    per_address: 4,
    waiting: 4,
    waiting_per_address: 3,
    log_in_within: Duration::from_secs(1),
};

fn host(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 168, 1, number))
}

fn is_evicted(guest: &Guest) -> bool {
    guest.evicted.is_cancelled()
}

fn member(admission: &Admission, from: IpAddr) -> Guest {
    let mut guest = admission.admit(from).unwrap();
    assert!(guest.logged_in());
    guest
}

#[test]
fn places_come_back() {
    let admission = Admission::new(LIMITS);
    for _ in 0..100 {
        let guest = admission.admit(host(1)).unwrap();
        assert!(!is_evicted(&guest));
        assert_eq!(admission.connections(), 1);
    }
    assert_eq!(admission.connections(), 0);
}

#[test]
fn one_address_has_no_more_than_its_places() {
    let admission = Admission::new(LIMITS);
    let members: Vec<_> = (0..4).map(|_| member(&admission, host(1))).collect();
    assert_eq!(admission.admit(host(1)).unwrap_err(), Full);
    assert!(admission.admit(host(2)).is_ok());
    drop(members);
    assert!(admission.admit(host(1)).is_ok());
}

#[test]
fn half_open_handshakes_of_one_address_make_room_among_themselves() {
    let admission = Admission::new(LIMITS);
    let owner = admission.admit(host(2)).unwrap();
    let mut guests: Vec<Guest> = Vec::new();
    for number in 0..100 {
        guests.push(admission.admit(host(1)).unwrap());
        if number >= 3 {
            assert!(is_evicted(guests.first().unwrap()));
            guests.remove(0);
        }
    }
    assert!(guests.iter().all(|guest| !is_evicted(guest)));
    assert!(!is_evicted(&owner));
}

#[test]
fn strangers_make_room_for_a_newcomer_the_largest_crowd_first() {
    let admission = Admission::new(LIMITS);
    let owner = admission.admit(host(1)).unwrap();
    let crowd = [
        admission.admit(host(9)).unwrap(),
        admission.admit(host(9)).unwrap(),
    ];
    let _third = admission.admit(host(8)).unwrap();
    let _newcomer = admission.admit(host(7)).unwrap();
    assert!(is_evicted(&crowd[0]));
    assert!(!is_evicted(&crowd[1]) && !is_evicted(&owner));
}

#[test]
fn who_has_logged_in_is_never_evicted() {
    let admission = Admission::new(LIMITS);
    let members: Vec<_> = (0..8)
        .map(|number| member(&admission, host(number / 4)))
        .collect();
    assert_eq!(admission.admit(host(9)).unwrap_err(), Full);
    assert!(members.iter().all(|guest| !is_evicted(guest)));
}

#[test]
fn half_open_connections_go_before_a_handshake_from_the_same_address() {
    let admission = Admission::new(LIMITS);
    let mut owner = admission.admit(host(1)).unwrap();
    owner.spoke();
    let mut flood = Vec::new();
    for number in 0..100 {
        flood.push(admission.admit(host(1)).unwrap());
        if flood.len() > 3 {
            flood.remove(0);
        }
        if number == 50 {
            owner.secured();
        }
    }
    assert!(!is_evicted(&owner));
    assert!(owner.logged_in());
}

#[test]
fn an_evicted_guest_cannot_log_in() {
    let admission = Admission::new(LIMITS);
    let mut oldest = admission.admit(host(1)).unwrap();
    let _others: Vec<_> = (0..3).map(|_| admission.admit(host(1)).unwrap()).collect();
    assert!(!oldest.logged_in());
    assert_eq!(admission.connections(), 3);
}

fn neighbour(number: u16) -> IpAddr {
    format!("2001:db8::{number:x}").parse().unwrap()
}

#[test]
fn a_flood_from_one_host_of_an_ipv6_network_does_not_reach_its_neighbours_handshake() {
    let admission = Admission::new(LIMITS);
    let mut flood = Vec::new();
    let mut flooding = |count: usize| {
        for _ in 0..count {
            let mut guest = admission.admit(neighbour(1)).unwrap();
            guest.secured();
            flood.push(guest);
            flood.retain(|guest| !is_evicted(guest));
        }
    };
    flooding(10);
    let mut owner = admission.admit(neighbour(2)).unwrap();
    flooding(10);
    assert!(owner.logged_in());
}

#[test]
fn strangers_of_many_addresses_share_the_places_of_their_ipv6_network() {
    let admission = Admission::new(LIMITS);
    let mut flood = Vec::new();
    for number in 10..100 {
        flood.push(admission.admit(neighbour(number)).unwrap());
        flood.retain(|guest| !is_evicted(guest));
        assert!(flood.len() <= LIMITS.waiting_per_address);
    }
}

#[test]
fn strangers_of_its_ipv6_network_take_no_place_of_a_known_address() {
    let admission = Admission::new(LIMITS);
    let _members: Vec<_> = (0..LIMITS.per_address)
        .map(|_| member(&admission, neighbour(3)))
        .collect();
    let mut owner = admission.admit_known(neighbour(1)).unwrap();
    let mut flood = Vec::new();
    for number in 10..100 {
        let mut guest = admission.admit(neighbour(number)).unwrap();
        guest.secured();
        flood.push(guest);
        flood.retain(|guest| !is_evicted(guest));
    }
    assert!(owner.logged_in());
    // What it has itself, it has not twice.
    let known: Vec<_> = (0..LIMITS.per_address)
        .filter_map(|_| admission.admit_known(neighbour(3)).ok())
        .collect();
    assert!(known.is_empty());
}

#[test]
fn a_flood_does_not_outrun_the_closing_of_its_own_connections() {
    let admission = Admission::new(LIMITS);
    let open: Vec<_> = (0..1000)
        .filter_map(|number| admission.admit(host((number % 250) as u8)).ok())
        .collect();
    assert_eq!(open.len(), 8);
    drop(open);
    assert!(admission.admit(host(1)).is_ok());
}

#[test]
fn a_flood_from_more_addresses_than_places_does_not_reach_a_known_handshake() {
    let admission = Admission::new(LIMITS);
    let owner = admission.admit_known(host(1)).unwrap();
    let flood: Vec<_> = (2..100)
        .filter_map(|number| admission.admit(host(number)).ok())
        .collect();
    // So many of them are being closed that strangers are turned away.
    assert_eq!(admission.admit(host(200)).unwrap_err(), Full);
    assert!(!is_evicted(&owner));
    drop(owner);
    assert!(admission.admit_known(host(1)).is_ok());
    drop(flood);
}
