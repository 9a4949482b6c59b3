use websocket_component::Role::Client;

use super::proxy::{Connection, Outside, UPGRADE, owned};
use crate::{Action, Filters, Head, Host};

/// A request of a new connection.
fn request(filters: &mut Filters, outside: &mut Outside, connection: u32, filter: u32) -> Action {
    filters.create(connection, filter);
    let mut asks = Connection::default();
    asks.request = owned(&UPGRADE);
    outside.connections.insert(connection, asks);
    outside.enter(connection, crate::Carrier::Http);
    let filter = filters.of(connection).expect("it was configured");
    filter.head(connection, Head::Request, outside)
}

#[test]
fn filters_of_one_vm_have_settings_of_their_own() {
    let (mut filters, mut outside) = (Filters::new(), Outside::default());
    let closed = br#"{"origins": []}"#;
    filters.configure(1, b"", &mut outside).expect("valid");
    filters.configure(2, closed, &mut outside).expect("valid");
    assert_eq!(request(&mut filters, &mut outside, 10, 1), Action::Continue);
    assert_eq!(request(&mut filters, &mut outside, 11, 2), Action::Pause);
    assert_eq!(request(&mut filters, &mut outside, 12, 1), Action::Continue);
}

#[test]
fn new_settings_are_for_new_connections_and_wrong_ones_change_nothing() {
    let (mut filters, mut outside) = (Filters::new(), Outside::default());
    let looks = br#"{"content": {"deny": [{"text": "x"}]}}"#;
    filters.configure(1, looks, &mut outside).expect("valid");
    assert_eq!(request(&mut filters, &mut outside, 10, 1), Action::Continue);
    assert!(filters.configure(1, b"{", &mut outside).is_err());
    let closed = br#"{"origins": []}"#;
    filters.configure(1, closed, &mut outside).expect("valid");
    assert_eq!(request(&mut filters, &mut outside, 11, 1), Action::Pause);
    assert!(filters.of(10).is_some());
}

#[test]
fn a_filter_that_is_deleted_stays_for_its_connections() {
    let (mut filters, mut outside) = (Filters::new(), Outside::default());
    filters.configure(1, b"", &mut outside).expect("valid");
    request(&mut filters, &mut outside, 10, 1);
    filters.delete(1, &mut outside);
    let filter = filters.of(10).expect("it has a connection");
    assert_eq!(
        filter.bytes(10, Client, 0, false, &mut outside),
        Action::Pause
    );
    filters.delete(10, &mut outside);
    assert!(filters.of(10).is_none() && filters.of(1).is_none());
}
