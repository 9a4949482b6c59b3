//! Chromium, with the frame inspector that the gate shows. Screenshots of the page are written to `target/screenshots`.

use host_tests::gate::{Gate, component, file, root};
use host_tests::tools;

use crate::alone;

#[test]
fn chromium_shows_the_page_and_speaks_through_the_gate() {
    if tools::skipped("chromium_shows_the_page_and_speaks_through_the_gate") {
        return;
    }
    let _alone = alone();
    let page = file("WEBSOCKET_TEST_PAGE", "js/inspector/dist/index.html");
    let page = page.to_str().expect("the page's path");
    let arguments = [
        "--demo",
        "--log",
        "warn",
        "--max-connections",
        "100",
        "--page",
        page,
    ];
    let gate = Gate::start(&component(), &arguments).expect("the gate starts");
    let mut browser = tools::node("browser.mjs");
    browser
        .arg(format!("http://{}/", gate.address))
        .arg(tools::chromium())
        .arg(root().join("target/screenshots"));
    tools::run("the browser", browser);
    assert_eq!(gate.process.log(), "");
}
