use clap::{CommandFactory, Parser};

use super::{Args, one_line};

fn wrong(arguments: &[&str]) -> String {
    let arguments = ["wsgate"].iter().chain(arguments);
    one_line(
        &Args::try_parse_from(arguments)
            .and_then(Args::check)
            .unwrap_err(),
    )
}

#[test]
fn the_definition_is_sound() {
    Args::command().debug_assert();
}

#[test]
fn the_help_has_one_line_for_each_option() {
    for option in Args::command().get_arguments() {
        let help = option.get_help().unwrap().to_string();
        assert!(help.len() <= 60, "{help}");
        assert!(option.get_long_help().is_none(), "{help}");
    }
}

#[test]
fn an_error_is_one_line_that_names_the_argument() {
    assert!(wrong(&[]).contains("--upstream"));
    assert!(wrong(&["--demo", "--upstream", "ws://a"]).contains("--demo"));
    assert!(wrong(&["--demo", "--tls-key", "key.pem"]).contains("--tls-certificate"));
    let two_keys = ["--tls-key", "a", "--tls-certificate", "b", "--tls-key", "c"];
    assert!(wrong(&[&["--demo"], &two_keys[..]].concat()).contains("--tls-key"));
    assert!(wrong(&["--demo", "--listen-plain", "[::1]:1"]).contains("--listen-plain"));
    assert!(wrong(&["--upstream", "ws://a", "--tls"]).contains("--demo"));
    assert!(wrong(&["--upstream", "ws+unix:a:b"]).contains("SOCKET"));
    assert!(wrong(&["--demo", "--listen", "unix:"]).contains("path"));
    assert!(wrong(&["--demo", "--keepalive", "3"]).contains("--keepalive"));
    assert!(wrong(&["--demo", "--memory", "3MB"]).contains("64KiB"));
    assert!(wrong(&["--demo", "--whole-frames", "1MiB", "--memory", "8MiB"]).contains("--memory"));
    assert!(wrong(&["--demo", "--nonsense"]).contains("--nonsense"));
    assert!(wrong(&["--demo", "--trusted-proxy", "proxy"]).contains("10.0.0.0/8"));
    for arguments in [
        &["--upstream", "http://a"][..],
        &["--demo", "--listen", "8080"],
    ] {
        assert_eq!(wrong(arguments).lines().count(), 1);
    }
}

#[test]
fn numbers_out_of_bounds_are_errors_that_name_the_bounds() {
    for (option, values, bound) in [
        ("--max-message", ["0", "2EiB"], "from 1 B to 1.0 EiB"),
        ("--max-head", ["0", "2MiB"], "from 1.0 KiB to 1.0 MiB"),
        ("--max-headers", ["0", "10001"], "16..=10000"),
        ("--max-connections", ["0", "20001"], "1..=20000"),
        ("--memory", ["0", "5GiB"], "from 2.0 MiB to 4.0 GiB"),
        ("--sandbox", ["0", "1001"], "from 1 to 1000"),
        ("--threads", ["0", "1025"], "1..=1024"),
        ("--call-time", ["0s", "2years"], "from 1ms"),
        ("--handshake-timeout", ["0", "999us"], "from 1ms"),
        ("--connect-timeout", ["0s", "-1s"], "from 1ms"),
        (
            "--idle-timeout",
            ["0s", "99999999999999999999s"],
            "from 1ms",
        ),
        ("--message-timeout", ["0s", "never"], "or off"),
        ("--keepalive", ["1ns", "366days"], "from 1ms"),
        ("--pong-timeout", ["0s", ""], "or off"),
        ("--write-timeout", ["0s", "never"], "or off"),
        ("--park-after", ["0s", "never"], "or off"),
        ("--close-timeout", ["0s", "off"], "from 1ms"),
        ("--shutdown-timeout", ["0s", "off"], "from 1ms"),
    ] {
        for value in values {
            let error = wrong(&["--demo", &format!("{option}={value}")]);
            assert!(
                error.contains(option) && error.contains(bound),
                "{value}: {error}"
            );
        }
    }
}

#[test]
fn an_address_to_listen_on_that_is_wrong_gets_the_form_that_is_right() {
    for (text, form) in [
        ("8080", "127.0.0.1:8080 or [::1]:8080"),
        ("localhost:9000", "127.0.0.1:9000 or [::1]:9000"),
        (":9000", "127.0.0.1:9000 or [::1]:9000"),
        ("*:9000", "127.0.0.1:9000 or [::1]:9000"),
        ("::1:9000x", "127.0.0.1:8080 or [::1]:8080"),
        ("localhost", "127.0.0.1:8080 or [::1]:8080"),
        ("127.0.0.1:99999", "127.0.0.1:8080 or [::1]:8080"),
        ("10.0.0.1", "10.0.0.1:8080"),
        ("::1", "[::1]:8080"),
        ("", "127.0.0.1:8080 or [::1]:8080"),
    ] {
        let error = wrong(&["--demo", "--listen", text]);
        assert!(
            error.contains("--listen") && error.contains(form),
            "{error}"
        );
    }
}

#[test]
fn a_path_for_health_checks_is_a_path() {
    for text in ["healthz", "", "/a?b", "/a#b", "/a b", "http://a/"] {
        let error = wrong(&["--demo", "--health", text]);
        assert!(error.contains("/healthz"), "{error}");
    }
    assert!(Args::try_parse_from(["wsgate", "--demo", "--health", "/-/health"]).is_ok());
}
