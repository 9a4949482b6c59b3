use std::net::Ipv4Addr;

use super::*;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

fn fields(sent: &[(&str, &str)], peer: IpAddr, trusted: bool) -> Vec<(String, String)> {
    fields_of(sent, &without_tls(Some(peer)), trusted)
}

fn without_tls(peer: Option<IpAddr>) -> Source<'static> {
    Source {
        peer,
        is_secure: false,
        certificate: None,
    }
}

fn fields_of(sent: &[(&str, &str)], source: &Source<'_>, trusted: bool) -> Vec<(String, String)> {
    let headers = sent.iter().map(|(name, value)| header(name, *value));
    let request = RequestHead {
        method: "GET".into(),
        target: "/".into(),
        authority: "gate.example".into(),
        subprotocols: Vec::new(),
        extensions: Vec::new(),
        headers: headers.collect(),
        violation: None,
        tolerated: Vec::new(),
    };
    let fields = about_the_client(&request, source, trusted).into_iter();
    fields
        .map(|field| (field.name, String::from_utf8(field.value).unwrap()))
        .collect()
}

/// The value of a field that upstreams get if a trusted proxy sends these.
fn told(name: &str, sent: &[(&str, &str)]) -> Option<String> {
    let mut fields = fields(sent, PEER, true)
        .into_iter()
        .filter(|(other, _)| other == name);
    let value = fields.next().map(|(_, value)| value);
    assert_eq!(fields.next(), None);
    value
}

/// What upstreams get in the one field if a trusted proxy sends it once with each of these values.
fn told_of(name: &str, values: &[&str]) -> Option<String> {
    let sent: Vec<(&str, &str)> = values.iter().map(|value| (name, *value)).collect();
    told(name, &sent)
}

#[test]
fn of_a_peer_that_is_not_trusted_nothing_is_believed() {
    let spellings = |name: &str| match name.strip_suffix('-') {
        Some(start) => vec![format!("{name}x"), format!("{}_x", start.replace('-', "_"))],
        None => vec![
            name.to_lowercase(),
            name.replace('-', "_"),
            name.replace('-', "."),
        ],
    };
    let plain = fields(&[], PEER, false);
    assert_eq!(plain.len(), 3);
    for name in ABOUT_THE_CLIENT.iter().flat_map(|name| spellings(name)) {
        assert!(is_about_the_client(&name), "{name}");
        assert_eq!(fields(&[(&name, "10.9.9.9")], PEER, false), plain, "{name}");
    }
}

#[test]
fn what_a_trusted_proxy_says_is_believed() {
    for (name, value) in [
        ("X-Real-IP", "203.0.113.9"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "example.com:8443"),
        ("X-Forwarded-Port", "443"),
        ("CF-Connecting-IP", "203.0.113.9"),
        ("X-Forwarded-Client-Cert", "Hash=1"),
    ] {
        assert_eq!(told_of(name, &[value]).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn other_spellings_are_not_a_proxys_and_never_believed() {
    let sent = [
        ("X_Forwarded_For", "10.9.9.9"),
        ("X_Forwarded_Proto", "https"),
        ("X.Real.IP", "10.9.9.9"),
        ("CF_Connecting_IP", "10.9.9.9"),
    ];
    assert_eq!(fields(&sent, PEER, true), fields(&[], PEER, true));
}

#[test]
fn the_addresses_are_extended_and_end_at_what_is_none() {
    for (sent, told) in [
        (&["203.0.113.9"][..], "203.0.113.9, "),
        (
            &["203.0.113.9, 10.0.0.1", "10.0.0.2"],
            "203.0.113.9, 10.0.0.1, 10.0.0.2, ",
        ),
        (
            &["203.0.113.9:1234,[2001:db8::1]:80 , [::1],2001:db8::2"],
            "203.0.113.9:1234, [2001:db8::1]:80, [::1], 2001:db8::2, ",
        ),
        (&["10.9.9.9, unknown, 203.0.113.9"], "203.0.113.9, "),
        (&["10.9.9.9", "<script>", "203.0.113.9"], "203.0.113.9, "),
        (&["10.9.9.9, \u{e9}, 203.0.113.9"], "203.0.113.9, "),
        (&["203.0.113.9, 10.9.9.9.9"], ""),
        (&["203.0.113.9, , 10.0.0.1,"], "203.0.113.9, 10.0.0.1, "),
        (&[""], ""),
        (&[], ""),
    ] {
        let told = format!("{told}192.0.2.7");
        assert_eq!(told_of("X-Forwarded-For", sent), Some(told), "{sent:?}");
    }
}

#[test]
fn a_scheme_is_one_of_four_and_said_once() {
    for scheme in ["http", "HTTPS", "ws", "wss"] {
        assert_eq!(
            told_of("X-Forwarded-Proto", &[scheme]).as_deref(),
            Some(scheme)
        );
    }
    for sent in [
        &["https", "http"][..],
        &["https, http"],
        &["ftp"],
        &[""],
        &[],
    ] {
        assert_eq!(
            told_of("X-Forwarded-Proto", sent).as_deref(),
            Some("http"),
            "{sent:?}"
        );
    }
}

#[test]
fn a_host_is_one_and_valid_or_the_one_that_the_gate_was_asked_for() {
    for host in [
        "a",
        "example.com:8443",
        "[::1]",
        "[2001:db8::1]:80",
        "10.0.0.1",
        "xn--bcher-kva.example",
    ] {
        assert_eq!(told_of("X-Forwarded-Host", &[host]).as_deref(), Some(host));
    }
    for sent in [
        &["a", "b"][..],
        &["a, b"],
        &["user@a"],
        &["a/b"],
        &["a?b"],
        &["a b"],
        &["a:99999"],
        &["::1"],
        &["[::1"],
        &["<script>"],
        &[""],
        &[],
    ] {
        let told = told_of("X-Forwarded-Host", sent);
        assert_eq!(told.as_deref(), Some("gate.example"), "{sent:?}");
    }
}

#[test]
fn without_a_host_none_is_told() {
    let request = RequestHead {
        method: "GET".into(),
        target: "/".into(),
        authority: String::new(),
        subprotocols: Vec::new(),
        extensions: Vec::new(),
        headers: Vec::new(),
        violation: None,
        tolerated: Vec::new(),
    };
    let names = about_the_client(&request, &without_tls(Some(PEER)), false);
    let names: Vec<&str> = names.iter().map(|header| header.name.as_str()).collect();
    assert_eq!(names, ["X-Forwarded-For", "X-Forwarded-Proto"]);
}

#[test]
fn a_real_address_is_one_or_dropped() {
    assert_eq!(
        told_of("X-Real-IP", &["2001:db8::1"]).as_deref(),
        Some("2001:db8::1")
    );
    for sent in [
        &["10.0.0.1", "10.0.0.2"][..],
        &["10.0.0.1, 10.0.0.2"],
        &["10.0.0.1:80"],
        &["x"],
        &[],
    ] {
        assert_eq!(told_of("X-Real-IP", sent), None, "{sent:?}");
    }
}

#[test]
fn a_forwarded_field_is_extended_and_ends_at_one_that_cannot_be_read() {
    for (sent, told) in [
        (
            &["for=203.0.113.9;proto=https"][..],
            "for=203.0.113.9;proto=https, ",
        ),
        (
            &["for=\"[2001:db8::1]:80\", for=a", "for=b"],
            "for=\"[2001:db8::1]:80\", for=a, for=b, ",
        ),
        (
            &["for=\"a\\\"b, c\" ; by=_x ,"],
            "for=\"a\\\"b, c\" ; by=_x ,, ",
        ),
        (&["for=10.9.9.9", "for=\"x", "for=b"], "for=b, "),
        (&["for=10.9.9.9, for"], ""),
        (&["for=\"x\\\""], ""),
        (&["=x"], ""),
        (&["for="], ""),
        (&["for=a b"], ""),
        (&["for=[::1]"], ""),
    ] {
        let told = format!("{told}for=192.0.2.7");
        assert_eq!(told_of("Forwarded", sent), Some(told), "{sent:?}");
    }
    assert_eq!(told_of("Forwarded", &[]), None);
}

#[test]
fn the_peer_is_written_as_each_field_has_it() {
    for (peer, node, pair) in [
        ("2001:db8::7", "2001:db8::7", "for=\"[2001:db8::7]\""),
        ("::ffff:192.0.2.7", "192.0.2.7", "for=192.0.2.7"),
    ] {
        let fields = fields(&[("Forwarded", "")], peer.parse().unwrap(), true);
        assert!(
            fields.contains(&("X-Forwarded-For".into(), node.into())),
            "{fields:?}"
        );
        assert!(
            fields
                .iter()
                .any(|(name, value)| name == "Forwarded" && value.ends_with(pair)),
            "{fields:?}"
        );
    }
}

#[test]
fn at_a_unix_socket_there_is_no_address_to_tell() {
    let unix = without_tls(None);
    let sent = [
        ("X-Forwarded-For", "10.0.0.1"),
        ("Forwarded", "for=10.0.0.1"),
    ];
    let told = |trusted| fields_of(&sent, &unix, trusted);
    assert!(
        told(false)
            .iter()
            .all(|(name, _)| name.starts_with("X-Forwarded-") && name != "X-Forwarded-For")
    );
    let expected = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert!(told(true).contains(&expected("X-Forwarded-For", "10.0.0.1")));
    assert!(told(true).contains(&expected("Forwarded", "for=10.0.0.1, for=unknown")));
}

/// RFC 9440, section 2.4: what a client says of its own certificate is not believed, whoever passes it on.
#[test]
fn a_certificate_that_the_gate_has_seen_is_told_and_no_other() {
    let source = Source {
        is_secure: true,
        certificate: Some(b"DER"),
        ..without_tls(Some(PEER))
    };
    let sent = [("Client-Cert", ":AAAA:"), ("Client-Cert-Chain", ":AAAA:")];
    for trusted in [false, true] {
        let fields = fields_of(&sent, &source, trusted);
        let certificates: Vec<_> = fields
            .iter()
            .filter(|(name, _)| name.starts_with("Client-Cert"))
            .collect();
        assert_eq!(
            certificates,
            [&("Client-Cert".to_owned(), ":REVS:".to_owned())]
        );
        assert!(fields.contains(&("X-Forwarded-Proto".to_owned(), "https".to_owned())));
    }
}

#[test]
fn a_peer_is_trusted_by_address_or_by_network() {
    let proxies = ["10.0.0.0/8", "192.0.2.7", "fd00::/8", "2001:db8::1"];
    let proxies = proxies.map(|text| text.parse().unwrap());
    for peer in [
        "10.255.0.1",
        "::ffff:10.0.0.1",
        "192.0.2.7",
        "fd12::1",
        "2001:db8::1",
    ] {
        assert!(is_trusted(&proxies, Some(peer.parse().unwrap())), "{peer}");
    }
    for peer in ["11.0.0.1", "192.0.2.8", "fe80::1", "2001:db8::2", "::a00:1"] {
        assert!(!is_trusted(&proxies, Some(peer.parse().unwrap())), "{peer}");
    }
    assert!(!is_trusted(&proxies, None));
    assert!(!is_trusted(&[], Some(PEER)));
    let unix = ["unix".parse().unwrap()];
    assert!(is_trusted(&unix, None) && !is_trusted(&unix, Some(PEER)));
}

#[test]
fn what_is_no_network_is_an_error() {
    for text in [
        "",
        "10.0.0.0/33",
        "10.0.0",
        "localhost",
        "10.0.0.1:80",
        "::/129",
        "::ffff:10.0.0.0/104",
    ] {
        assert!(text.parse::<Proxy>().is_err(), "{text}");
    }
}

#[test]
fn the_readme_lists_the_fields() {
    let readme = include_str!("../../README.md");
    for name in ABOUT_THE_CLIENT {
        let listed = match name.ends_with('-') {
            true => format!("`{name}*`"),
            false => format!("`{name}`"),
        };
        assert!(readme.contains(&listed), "{listed}");
    }
}
