use alloc::string::String;

use super::*;

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_refusal_is_the_hosts_with_length_and_connection_added() {
    let refusal = Refusal {
        status: 403,
        headers: vec![Header::new("X", "y")],
        body: b"no\n".to_vec(),
    };
    let head = "HTTP/1.1 403 Forbidden\r\nX: y\r\nContent-Length: 3\r\nConnection: close\r\n\r\n";
    assert_eq!(
        refusal_head(&refusal, false).map(text),
        Ok(format!("{head}no\n"))
    );
    assert_eq!(refusal_head(&refusal, true).map(text), Ok(head.into()));
}

#[test]
fn a_status_that_has_no_body_is_written_without() {
    for (status, length) in [(204, ""), (304, ""), (205, "Content-Length: 0\r\n")] {
        let refusal = Refusal {
            body: b"body".to_vec(),
            ..Refusal::new(status)
        };
        let response = text(refusal_head(&refusal, false).unwrap());
        let rest = response.split_once("\r\n").unwrap().1;
        assert_eq!(
            rest,
            format!("{length}Connection: close\r\n\r\n"),
            "{status}"
        );
    }
}

#[test]
fn an_upgrade_field_gets_its_connection_option() {
    let refusal = Refusal {
        headers: vec![Header::new("upgrade", "h2c")],
        ..Refusal::new(426)
    };
    let response = text(refusal_head(&refusal, false).unwrap());
    assert!(response.contains("\r\nConnection: Upgrade, close\r\n"));
}

#[test]
fn a_status_is_200_to_999() {
    for status in (0..=u16::MAX)
        .step_by(7)
        .chain([0, 100, 101, 199, 200, 999, 1000, u16::MAX])
    {
        let response = refusal_head(&Refusal::new(status), false);
        if (200..=999).contains(&status) {
            assert!(
                response
                    .unwrap()
                    .starts_with(format!("HTTP/1.1 {status} ").as_bytes())
            );
        } else {
            assert_eq!(response, Err(Rule::StatusInvalid), "{status}");
        }
    }
}

#[test]
fn class_18_no_value_of_the_host_ends_its_line_or_frames_the_body() {
    let with = |name: &str, value: &str| {
        let refusal = Refusal {
            headers: vec![Header::new(name, value)],
            ..Refusal::new(403)
        };
        refusal_head(&refusal, false).err()
    };
    assert_eq!(with("X", "a\r\nb"), Some(Rule::HeaderValueInvalid));
    assert_eq!(with("X\r\n", "a"), Some(Rule::HeaderNameInvalid));
    assert_eq!(with("content-length", "5"), Some(Rule::HeaderReserved));
    assert_eq!(
        with("Transfer-Encoding", "chunked"),
        Some(Rule::HeaderReserved)
    );
    assert_eq!(with("CONNECTION", "keep-alive"), Some(Rule::HeaderReserved));
    assert_eq!(with("Sec-WebSocket-Version", "13"), None);
}

#[test]
fn class_18_a_wrong_version_gets_426_with_the_version() {
    for rule in [Rule::VersionMissing, Rule::VersionUnsupported] {
        let response = text(refusal_for(rule, false));
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            body,
            format!("{} ({})\n", rule.description(), rule.section())
        );
        let expected = format!(
            "HTTP/1.1 426 Upgrade Required\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Sec-WebSocket-Version: 13\r\n\
             Upgrade: websocket\r\n\
             Content-Length: {}\r\n\
             Connection: Upgrade, close",
            body.len()
        );
        assert_eq!(head, expected);
    }
}

#[test]
fn an_ordinary_request_learns_what_to_do() {
    let post = text(refusal_for(Rule::MethodNotGet, false));
    assert!(post.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
    assert!(post.contains("\r\nAllow: GET\r\n"));
    assert!(post.contains("\r\nConnection: close\r\n"));
    let head = text(refusal_for(Rule::MethodNotGet, true));
    assert!(post.starts_with(&head) && head.ends_with("\r\n\r\n"));
    let get = text(refusal_for(Rule::UpgradeMissing, false));
    assert!(get.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
    assert!(get.contains("\r\nUpgrade: websocket\r\n"));
    assert!(get.contains("\r\nConnection: Upgrade, close\r\n"));
    assert!(!get.contains("Sec-WebSocket-Version"));
}

#[test]
fn every_rule_has_a_response_with_its_status_and_a_phrase() {
    for &rule in Rule::ALL {
        let response = text(refusal_for(rule, false));
        let status = rule.status().unwrap_or(400);
        let line = response.lines().next().unwrap();
        let phrase = line.strip_prefix(&format!("HTTP/1.1 {status} ")).unwrap();
        assert!(!phrase.is_empty(), "{rule:?}");
    }
}
