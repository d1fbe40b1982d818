"""The report in a browser: silent, off the network, sorted and toggled by mouse and keyboard, accessible, printable."""

import json
import shutil

import frames
import numpy as np
import pytest
import test_claim_sentences
import test_report as pages

from initbench.claims.report import appendix_of
from initbench.present.report import render_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: nothing of the page's scripts and looks is tested"),
]
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
PHONE, DESK = {"width": 375, "height": 800}, {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def reports():
    single = pages.chapter(frames.experiment(frames.eight, initializer=frames.EIGHT))
    swept = pages.chapter(
        frames.experiment(
            frames.gridded, initializer=pages.THREE, depth=[5, 20], learning_rate=[0.01, 0.3, 1.0], seeds=4, epochs=4
        )
    )
    swept = swept._replace(verdict=[f"In setting {i} he_normal leads." for i in range(8)])
    claims = test_claim_sentences.table({}, {"claim": "b", "verdict": "refuted", "instead": "Glorot wins."})
    return {
        "single": render_report([single], "single"),
        "joined": render_report([single, swept], "joined"),
        "with claims": render_report([single], "with claims", [appendix_of(claims)]),
    }


class Visit:
    """A page that was opened, and what it complained of and asked for."""

    def __init__(self, browser, html, folder, **context):
        (folder / "report.html").write_text(html, encoding="utf-8")
        self.address = (folder / "report.html").as_uri()
        self.context = browser.new_context(**{"viewport": DESK, "reduced_motion": "reduce", **context})
        self.page = self.context.new_page()
        self.complaints, self.requests = [], []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(self.address)

    def asked(self):
        return [url for url in self.requests if url != self.address and not url.startswith("data:")]

    def faults(self):
        """Serious and critical faults that axe-core finds."""
        from axe_playwright_python.sync_playwright import Axe

        violations = Axe().run(self.page).response["violations"]
        return [(v["id"], v["nodes"][0]["html"]) for v in violations if v["impact"] in ("serious", "critical")]

    def column(self, head, table=0):
        rows = (
            self.page.locator("table.sortable")
            .nth(table)
            .evaluate(
                """(table, head) => {
                const place = [...table.tHead.rows[0].cells].findIndex((cell) => cell.textContent.trim() === head);
                return [...table.tBodies[0].rows].filter((row) => !row.hidden)
                    .map((row) => row.cells[place].dataset.sort ?? row.cells[place].textContent);
            }""",
                head,
            )
        )
        return rows

    def ink(self):
        """A fingerprint of what is drawn on the first plot."""
        return self.page.locator(".plot canvas").first.evaluate("canvas => canvas.toDataURL()")


@pytest.fixture
def visit(browser, reports, tmp_path):
    opened = []

    def open_report(name="single", html=None, **context):
        opened.append(Visit(browser, html or reports[name], tmp_path, **context))
        return opened[-1]

    yield open_report
    for each in opened:
        each.context.close()


@pytest.mark.parametrize("name", ["single", "joined", "with claims"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["375", "1440"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_silent_off_the_network_and_accessible(visit, name, viewport, scheme):
    seen = visit(name, viewport=viewport, color_scheme=scheme)
    assert seen.faults() == []
    assert seen.complaints == []
    assert seen.asked() == []
    width = seen.page.evaluate("document.documentElement.scrollWidth")
    assert width <= viewport["width"]  # only tables and figures scroll sideways
    assert seen.page.locator(".plot canvas").first.is_visible()


def test_the_checks_catch_requests_errors_and_what_is_not_accessible(visit, reports):
    planted = '<img src="https://example.invalid/a.png"><p class="note" aria-hidden="maybe">a</p><script>x</script>'
    seen = visit(html=reports["single"].replace("<footer>", f"{planted}<footer>"))
    assert {"image-alt", "aria-valid-attr-value"} <= {fault for fault, _ in seen.faults()}
    assert sum("Content Security Policy" in complaint for complaint in seen.complaints) == 2
    loose = reports["single"].replace("default-src 'none'; img-src data:", "img-src data: https:")
    seen = visit(html=loose.replace("<footer>", f"{planted}<footer>"))
    assert seen.asked() == ["https://example.invalid/a.png"]


@pytest.mark.parametrize("press", ["mouse", "Enter", "Space"])
def test_tables_sort_by_the_exact_number(visit, press):
    seen = visit()
    button = seen.page.get_by_role("button", name="best valid %", exact=True)

    def act():
        if press == "mouse":
            button.click()
        else:
            button.focus()
            seen.page.keyboard.press(press)

    for direction, sign in [("descending", -1), ("ascending", 1)]:
        seen.page.evaluate("addEventListener('sort-end', () => { document.body.id = 'sorted' }, {once: true})")
        act()
        seen.page.wait_for_selector(f"#sorted th[aria-sort={direction}]")
        seen.page.evaluate("document.body.id = ''")
        values = [float(value) for value in seen.column("best valid %")]
        assert values == sorted(values, key=lambda value: sign * value)
    assert len(values) == 8


def test_rows_narrow_by_setting_initializer_and_words(visit):
    seen = visit("joined")
    table = seen.page.locator("article").nth(1).locator(".table").first
    rows = table.locator("tbody tr:visible")
    assert rows.count() == 18
    table.get_by_label("Setting").select_option(label="depth 5 · learning rate 0.3")
    assert rows.count() == 3
    table.get_by_label("Initializer").select_option(label="orthogonal")
    assert rows.count() == 1
    assert table.get_by_role("status").inner_text() == "1 of 18 rows"
    table.get_by_label("Initializer").select_option(label="all")
    table.get_by_label("Search").fill("HE_nor")
    assert rows.count() == 1


def test_sentences_follow_the_rows_of_their_table(visit):
    seen = visit("joined")
    table = seen.page.locator("article").nth(1).locator(".table").nth(1)
    rows, sentences = table.locator("tbody tr:visible"), table.locator("li:visible")
    table.locator("summary").click()
    table.get_by_label("Setting").select_option(label="depth 5 · learning rate 0.3")
    assert rows.count() == sentences.count() == 3
    table.get_by_label("Initializer").select_option(label="orthogonal")
    assert rows.count() == sentences.count() == 2
    assert all("orthogonal" in text for text in sentences.all_inner_texts())


@pytest.mark.parametrize("press", ["mouse", "keyboard"])
def test_lines_are_switched_on_and_off(visit, press):
    seen = visit()
    box = seen.page.get_by_role("checkbox", name="he_normal")
    before = seen.ink()
    for _ in range(2):
        if press == "mouse":
            box.click()
        else:
            box.focus()
            seen.page.keyboard.press("Space")
        after = seen.ink()
        assert after != before
        before = after
    seen.page.get_by_role("button", name="none").click()
    assert seen.page.locator(".legend input:checked").count() == 0
    seen.page.get_by_role("button", name="all", exact=True).click()
    assert seen.page.locator(".legend input:checked").count() == 8
    assert seen.complaints == []


def curves_of(html):
    tags = pages.Tags(html)
    return json.loads(next(e["text"] for e in tags.of("script") if e.get("type") == "application/json"))


def test_hovering_and_arrow_keys_tell_the_numbers_of_an_epoch(visit, reports):
    seen = visit()
    line = curves_of(reports["single"])["settings"][0]["lines"]["test_accuracy"]["he_normal"]
    value = seen.page.locator(".legend label", has_text="he_normal").locator("output")

    def told():
        return np.array(pages.numbers(value.inner_text()))

    seen.page.locator(".plot").focus()
    seen.page.keyboard.press("End")
    np.testing.assert_allclose(told(), [end[-1] for end in line], rtol=1e-3)
    seen.page.keyboard.press("ArrowLeft")
    np.testing.assert_allclose(told(), [end[-2] for end in line], rtol=1e-3)
    assert seen.page.locator(".reading").inner_text().startswith("epoch 9: he_normal ")
    seen.page.locator(".u-over").hover(position={"x": 1, "y": 20})
    seen.page.wait_for_function("document.querySelector('.reading').textContent === 'epoch 0'")
    np.testing.assert_allclose(told()[0], line[0][0], rtol=1e-3)


def test_metrics_settings_and_scales_of_curves_can_be_chosen(visit):
    seen = visit("joined")
    chart = seen.page.locator(".curves").nth(1)
    chart.get_by_label("Metric").select_option("train_loss")
    chart.get_by_label("Setting").select_option(label="depth 20 · learning rate 1")
    for box in ("log scale", "intervals"):
        chart.get_by_label(box).click()
    chart.get_by_role("combobox", name="Epochs").select_option("half")
    chart.locator("summary").click()
    assert chart.locator("caption").inner_text() == "training loss, depth 20 · learning rate 1"
    assert chart.locator(".numbers tbody tr").count() >= 1
    assert seen.complaints == []


def test_print_is_light_and_unfolded(visit):
    seen = visit("joined", color_scheme="dark")

    def ground():
        return seen.page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert ground() == "rgb(20, 23, 26)"
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    seen.page.emulate_media(media="print")
    assert ground() == "rgb(255, 255, 255)"
    assert seen.page.get_by_text("In setting 7 he_normal leads.").is_visible()
    assert not seen.page.locator("nav").is_visible()
    seen.page.emulate_media(media="screen")
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.locator("details[open]").count() == 0
    assert seen.page.pdf()[:4] == b"%PDF"
    assert seen.complaints == []


def test_without_scripts_all_tables_and_pictures_are_there(visit):
    seen = visit(java_script_enabled=False)
    assert seen.page.locator("table.sortable tbody tr:visible").count() > 8
    assert seen.page.get_by_text("The curves are drawn by a script").is_visible()
    assert not seen.page.locator(".controls").first.is_visible()
