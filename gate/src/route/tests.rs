use super::*;

fn routes(rules: &[&str]) -> Routes {
    let rules: Vec<Rule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    Routes::new(&rules, &[]).unwrap()
}

fn found(routes: &Routes, target: &str) -> String {
    let Found {
        upstream, target, ..
    } = routes.find(target).unwrap();
    format!("{} {target}", upstream.authority)
}

#[test]
fn without_a_prefix_targets_stay_as_they_are() {
    let routes = routes(&["ws://a:9001"]);
    for target in ["/", "/x/y?z=1&w=/../", "//", "/x/", "/%2f"] {
        assert_eq!(found(&routes, target), format!("a:9001 {target}"));
    }
}

#[test]
fn the_path_of_the_url_takes_the_place_of_the_prefix() {
    let routes = routes(&["/chat=ws://a/room/", "/raw/=ws://b"]);
    assert_eq!(found(&routes, "/chat"), "a /room");
    assert_eq!(found(&routes, "/chat/1?k=v"), "a /room/1?k=v");
    assert_eq!(found(&routes, "/chat?k"), "a /room?k");
    assert_eq!(found(&routes, "/raw"), "b /");
    assert_eq!(found(&routes, "/raw/x"), "b /x");
}

#[test]
fn the_longest_prefix_wins_at_the_border_of_a_segment() {
    let routes = routes(&["ws://root", "/a=ws://a", "/a/b=ws://ab"]);
    assert_eq!(found(&routes, "/a/b/c"), "ab /c");
    assert_eq!(found(&routes, "/a/bc"), "a /bc");
    assert_eq!(found(&routes, "/ab"), "root /ab");
}

#[test]
fn servers_of_one_prefix_take_turns() {
    let routes = routes(&["ws://a", "ws://b"]);
    let turns: Vec<String> = (0..4).map(|_| found(&routes, "/")).collect();
    assert_eq!(turns, ["a /", "b /", "a /", "b /"]);
}

#[test]
fn what_matches_nothing_is_not_found() {
    let routes = routes(&["/chat=ws://a"]);
    assert_eq!(routes.find("/chatter"), Err(NoRoute::NotFound));
    assert_eq!(routes.find("/"), Err(NoRoute::NotFound));
}

#[test]
fn nothing_leads_out_of_a_prefix() {
    let routes = routes(&["/chat=ws://a/room"]);
    for target in [
        "/chat/../admin",
        "/chat/%2e%2E/admin",
        "/chat/..%2fadmin",
        "/chat/..%252fadmin",
        "/chat/%25252e%25252e/admin",
        "/chat/..;/admin",
        "/chat/..;a=b/admin",
        "/chat/..%3b/admin",
        "/chat/..%5cadmin",
        "/chat/%c0%ae%c0%ae/admin",
        "/chat/..%c0%afadmin",
        "/chat/%uff0e%uff0e/admin",
        "/chat/%ef%bc%8e%ef%bc%8e/admin",
        "/chat/%20../admin",
        "/chat/..%20/admin",
        "/chat/..%3f/admin",
        "/chat/%2e..",
        "/chat/.",
        "/chat/...",
        "/./chat",
    ] {
        let error = NoRoute::Path(PathError::DotSegment);
        assert_eq!(routes.find(target), Err(error), "{target}");
    }
    for (target, error) in [
        ("/chat\\..\\x", PathError::Backslash),
        ("/chat/x%00", PathError::Control),
        ("/chat/.%0a./admin", PathError::Control),
        ("/chat/a;b%2fc", PathError::Parameter),
    ] {
        assert_eq!(routes.find(target), Err(error.into()), "{target}");
    }
}

#[test]
fn another_spelling_of_a_prefix_is_refused() {
    let routes = routes(&["ws://root", "/chat=ws://a/room", "/chat/admin=ws://b"]);
    for target in [
        "/%63hat",
        "/%2563hat/x",
        "/%u0063hat",
        "/%ef%bd%83hat",
        "//chat",
        "/chat;x",
        "/chat%3bx",
        "/chat%3fx",
        "/chat%23",
        "/chat%2fx",
        "/chat%20",
        "/chat.",
        "/;/chat",
        "/%2fchat",
        "/%5cchat",
        "/chat//admin",
        "/chat/%61dmin",
        "/chat/admin;x/y",
        "/chat/admin%2fx",
    ] {
        let error = NoRoute::Path(PathError::Spelling);
        assert_eq!(routes.find(target), Err(error), "{target}");
    }
}

/// `new URL("//host/chat", base)` is what servers in Node do with a target.
#[test]
fn what_follows_the_host_of_a_reference_leads_to_the_same_route() {
    let routes = routes(&["ws://root", "/chat=ws://a"]);
    for target in ["//x/chat", "///x/chat/1", "//x/%63hat"] {
        let error = NoRoute::Path(PathError::Spelling);
        assert_eq!(routes.find(target), Err(error), "{target}");
    }
    for target in ["//x/y", "//x", "//x?/chat"] {
        assert_eq!(found(&routes, target), format!("root {target}"));
    }
}

#[test]
fn what_leads_to_the_same_place_in_every_reading_is_passed_on_as_it_came() {
    let routes = routes(&["ws://root", "/chat=ws://a/room"]);
    for rest in [
        "",
        "/",
        "//x",
        "/a%2Fb",
        "/a%252fb",
        "/caf%C3%A9",
        "/caf%e9",
        "/a%20b",
        "/x;v=1/y",
        "/..x",
        "/100%",
        "/%zz%u12",
        "/a:b@c,d+e=f&g",
        "/a%5Cb",
        "/%ef%bc%a1%ef%bc%8f%ef%bc%a2",
    ] {
        assert_eq!(
            found(&routes, &format!("/chat{rest}")),
            format!("a /room{rest}")
        );
        let elsewhere = format!("/other{rest}?../%00\\");
        assert_eq!(found(&routes, &elsewhere), format!("root {elsewhere}"));
    }
}

#[test]
fn a_prefix_that_browsers_encode_is_found_in_either_case() {
    let routes = routes(&["ws://root", "/caf\u{e9}/my room=ws://a"]);
    assert_eq!(found(&routes, "/caf%C3%A9/my%20room/x"), "a /x");
    assert_eq!(found(&routes, "/caf%c3%a9/my%20room"), "a /");
    assert_eq!(found(&routes, "/caf%C3%A9"), "root /caf%C3%A9");
    for target in [
        "/%63af%C3%A9/my%20room",
        "/caf%25C3%25A9/my%20room",
        "/caf%u00e9/my%20room",
    ] {
        assert_eq!(
            routes.find(target),
            Err(PathError::Spelling.into()),
            "{target}"
        );
    }
}

#[test]
fn urls_have_a_host_a_port_and_a_path() {
    let upstream: Upstream = "ws://[::1]:9001/x/".parse().unwrap();
    let at = |name: &str, port| Place::Host {
        name: name.into(),
        port,
    };
    assert_eq!(upstream.place, at("::1", 9001));
    assert_eq!(upstream.to_string(), "ws://[::1]:9001/x");
    let upstream: Upstream = "ws://a".parse().unwrap();
    assert_eq!((upstream.place, &*upstream.authority), (at("a", 80), "a"));
    let upstream: Upstream = "wss://a/x".parse().unwrap();
    assert!(upstream.is_secure);
    assert_eq!(upstream.to_string(), "wss://a/x");
    assert_eq!((upstream.place, &*upstream.authority), (at("a", 443), "a"));
    let upstream: Upstream = "ws://a:80/@me".parse().unwrap();
    assert_eq!(upstream.to_string(), "ws://a/@me");
    for text in [
        "",
        "a:1",
        "http://a",
        "ws://",
        "ws://a?q",
        "ws://u@a",
        "ws://a#f",
        "ws://a:0",
        "ws://a:99999",
        "ws://a b",
        "ws://[::1",
    ] {
        assert!(text.parse::<Upstream>().is_err(), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn the_url_of_a_unix_socket_has_its_path_and_that_of_the_request() {
    for (text, socket, target) in [
        ("ws+unix:/run/a.sock", "/run/a.sock", "/x"),
        ("ws+unix:/run/a.sock:/room", "/run/a.sock", "/room/x"),
        ("ws+unix:a.sock:/caf\u{e9}", "a.sock", "/caf%C3%A9/x"),
    ] {
        let upstream: Upstream = text.parse().unwrap();
        assert_eq!(upstream.place, Place::Unix(socket.into()));
        assert_eq!(upstream.authority, "localhost");
        let rules = [Rule::all(upstream)];
        let routes = Routes::new(&rules, &[]).unwrap();
        assert_eq!(routes.find("/x").unwrap().target, target);
    }
    for text in [
        "ws+unix:",
        "ws+unix::/room",
        "ws+unix:a:room",
        "ws+unix:a:/?q",
    ] {
        assert!(text.parse::<Upstream>().is_err(), "{text}");
    }
}

#[test]
fn what_is_no_rule_is_an_error() {
    for text in [
        "/chat",
        "/chat=",
        "/chat=https://a",
        "/../a=ws://b",
        "/a%00=ws://b",
    ] {
        assert!(text.parse::<Rule>().is_err(), "{text}");
    }
}

#[test]
fn a_prefix_in_another_form_is_an_error_that_names_the_normal_one() {
    for (prefix, normal) in [
        ("/%63hat", "/chat"),
        ("/chat//", "/chat"),
        ("//chat", "/chat"),
        ("//", "/"),
        ("/chat;x", "/chat"),
        ("/a?b", "/a"),
        ("/caf%C3%A9", "/caf\u{e9}"),
        ("/chat.", "/chat"),
        ("/a%2Fb", "/a/b"),
    ] {
        let error = format!("{prefix}=ws://a").parse::<Rule>().unwrap_err();
        assert!(error.ends_with(&format!("which is {normal:?}")), "{error}");
    }
    for prefix in ["/", "/chat", "/chat/", "/a/b-c_d~e", "/100%"] {
        assert!(
            format!("{prefix}=ws://a").parse::<Rule>().is_ok(),
            "{prefix}"
        );
    }
}

#[test]
fn a_mode_is_that_of_all_routes_or_of_one_prefix() {
    let rules = ["ws://root", "/a=ws://a"].map(|rule| rule.parse().unwrap());
    let modes = |arguments: &[&str]| {
        let modes: Vec<ModeRule> = arguments.iter().map(|mode| mode.parse().unwrap()).collect();
        let routes = Routes::new(&rules, &modes)?;
        Ok::<_, String>(["/", "/a"].map(|target| routes.find(target).unwrap().mode))
    };
    let (inspect, terminate) = (Mode::Inspect, Mode::Terminate);
    assert_eq!(modes(&[]), Ok([inspect; 2]));
    assert_eq!(modes(&["terminate"]), Ok([terminate; 2]));
    assert_eq!(modes(&["/a=terminate"]), Ok([inspect, terminate]));
    assert_eq!(
        modes(&["/a=inspect", "terminate"]),
        Ok([terminate, inspect])
    );
    assert_eq!(modes(&["/=terminate"]), Ok([terminate, inspect]));
    let unknown = modes(&["/b=terminate"]);
    assert!(unknown.unwrap_err().contains("/b"));
    for wrong in ["", "pass", "/a=", "/a=pass", "a=inspect"] {
        assert!(wrong.parse::<ModeRule>().is_err(), "{wrong}");
    }
}
