"""The pages in a real browser: keys, decisions, no faults in the console, nothing wider than it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from detector.database import writing
from detector.people import accounts
from tests.api.conftest import KNOWN, make_system
from tests.api.market import signals
from tests.browser.conftest import serve
from tests.people.test_people import GOOD

pytestmark = pytest.mark.browser

NAME = "Reviewer 3"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running server over forty alerts."""
    from api.app import create_app

    system = make_system(tmp_path_factory.mktemp("desk"), signals())
    with writing(system.engine) as connection:
        accounts.add(
            connection, NAME, ["regulator", "rule_author"], "setup", system.clock(), password=GOOD
        )
    yield from serve(create_app(system, known=lambda: KNOWN))
    system.engine.dispose()


def signed_in(context) -> None:  # type: ignore[no-untyped-def]
    """Opens a session in a browser."""
    context.request.post("/sign-in", form={"name": NAME, "password": GOOD})


@pytest.fixture
def page(chromium, address) -> Iterator[object]:  # type: ignore[no-untyped-def]
    """A page that fails the test when the console or the content policy complains."""
    context = chromium.new_context(base_url=address, viewport={"width": 1440, "height": 900})
    signed_in(context)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: complaints.append(r.url) if not r.url.startswith(address) else 0)
    yield page
    context.close()
    assert not complaints


def focused(page) -> str:  # type: ignore[no-untyped-def]
    return page.evaluate("document.activeElement.dataset.id ?? document.activeElement.tagName")


def test_keys_move_open_and_come_back(page) -> None:  # type: ignore[no-untyped-def]
    page.goto("/")
    rows = page.locator("[data-id]").evaluate_all("rows => rows.map(r => r.dataset.id)")
    for key, at in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        assert focused(page) == rows[at]
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/alerts/{rows[1]}")
    page.keyboard.press("Escape")
    page.wait_for_url("**/")
    page.wait_for_function(f"document.activeElement.dataset.id === '{rows[1]}'")


def test_keys_rest_while_typing_and_when_switched_off(page) -> None:  # type: ignore[no-untyped-def]
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("jk")
    assert page.locator("#search").input_value() == "jk"
    page.goto("/?keys=off")
    page.goto("/")
    page.keyboard.press("j")
    assert focused(page) == "BODY"


def test_taking_an_alert_and_closing_it_with_a_reason(page) -> None:  # type: ignore[no-untyped-def]
    page.goto("/")
    page.locator("[data-id] a.who").first.click()
    page.wait_for_load_state()
    page.keyboard.press("a")
    page.get_by_text("The alert is taken up, in your name.").wait_for()
    page.wait_for_load_state()  # The text is there before the script that listens for keys.
    page.keyboard.press("d")
    page.get_by_label("Reason").select_option("confirmed")
    page.locator("details[open] textarea[name=note]").fill("The log shows an earlier notice.")
    page.get_by_role("button", name="Close the alert").click()
    page.get_by_text("The alert is closed.").wait_for()
    assert page.locator("ol.acts li").count() == 3


def test_pages_work_without_script(chromium, address) -> None:  # type: ignore[no-untyped-def]
    context = chromium.new_context(base_url=address, java_script_enabled=False)
    signed_in(context)
    page = context.new_page()
    page.goto("/?lane=screen")
    page.locator("[data-id] a.who").first.click()
    page.locator("summary", has_text="Comment").click()
    form = page.locator("form[action$=comments]")
    form.locator("textarea").fill("Written without script.")
    form.get_by_role("button").click()
    assert page.get_by_text("Written without script.").is_visible()
    context.close()


def test_signing_in_and_out_by_keyboard_alone(chromium, address) -> None:  # type: ignore[no-untyped-def]
    context = chromium.new_context(base_url=address)
    page = context.new_page()
    page.goto("/?lane=screen")
    page.keyboard.type(NAME)
    page.keyboard.press("Tab")
    page.keyboard.type(GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/?lane=screen")
    page.locator("details.me summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")
    page.goto("/")
    assert "/sign-in" in page.url
    context.close()


@pytest.mark.parametrize("width", [390, 720, 1000, 1440])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_page_is_wider_than_the_window(page, width: int, lang: str) -> None:  # type: ignore[no-untyped-def]
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"/?lang={lang}&lane=screen")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("[data-id] a.who").first.click()
    page.wait_for_url("**/alerts/*")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_row_is_low_and_its_reason_no_longer_than_a_line_of_prose(page, lang: str) -> None:  # type: ignore[no-untyped-def]
    page.goto(f"/?lang={lang}")
    boxes = page.evaluate(
        """() => [...document.querySelectorAll('[data-id]')].map((row) => [
             row.getBoundingClientRect().height, row.querySelector('.seen').clientWidth])"""
    )
    assert all(50 <= height <= 78 for height, _ in boxes), boxes
    assert all(width >= 420 for _, width in boxes), boxes


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_small_text_has_enough_contrast(page, theme: str) -> None:  # type: ignore[no-untyped-def]
    page.goto(f"/?theme={theme}")
    worst = page.evaluate(
        """() => {
        const light = ([r, g, b]) => [r, g, b]
          .map((c) => c / 255)
          .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
          .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
        const behind = (node) => {
          for (let at = node; at; at = at.parentElement) {
            const colour = rgb(getComputedStyle(at).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
          }
          return [255, 255, 255];
        };
        return Math.min(...[...document.querySelectorAll('main *, .known *, .top *')]
          .filter((n) => n.checkVisibility() && [...n.childNodes].some((c) => c.data?.trim()))
          .map((n) => {
            const [a, b] = [rgb(getComputedStyle(n).color), behind(n)].map(light);
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          }));
      }"""
    )
    assert worst >= 4.5
