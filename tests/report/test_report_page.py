"""A report in a real browser: what is drawn, what mouse and keyboard do, what is said aloud."""

import csv
import io
from itertools import pairwise
from pathlib import Path

import pytest
from defusedxml import ElementTree

from degan.data.manifest import Dataset, read_dataset
from degan.evaluation.exported import evaluate
from degan.recognition.recognizer import Recognizer
from degan.report.build import write_report
from made_results import make_result, probes, write_json

EVIL = "<script>document.title='owned'</script><b>x</b>%{x}&amp;"


@pytest.fixture(scope="module")
def data(rendered):
    return read_dataset(rendered[1])


@pytest.fixture(scope="module")
def report(data, tmp_path_factory):
    """Two results with faces and names that are code, one of weights, and something missing."""
    folder = tmp_path_factory.mktemp("report")
    samples = [
        sample._replace(subject=f"{EVIL}{sample.subject}") if place % 2 else sample
        for place, sample in enumerate(data.samples)
    ]
    odd = Dataset(data.folder, tuple(samples), data.crop_size, data.frame, data.manifest_hash)
    make_result(folder / "first", odd)
    make_result(folder / "second", odd, skill=0.9, seed=1)
    proof = probes(run=EVIL)
    proof["runs"] += probes(run="other")["runs"]
    write_json(folder / "first" / "probe" / "probes.json", proof)
    evaluate(odd, Recognizer("clean"), out=folder / "third")
    runs = [folder / name for name in ("first", "second", "third")]
    write_report(runs, folder / "r.html", dataset=odd)
    return folder / "r.html"


@pytest.fixture
def opened(chromium, report):
    """A function that opens the report and scrolls through it; nothing may go wrong meanwhile."""
    contexts, wrong = [], []

    def run(**options):
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda sent: (
                None if sent.url.startswith(("data:", "blob:", "file:")) else wrong.append(sent.url)
            ),
        )
        page.goto(report.as_uri())
        for card in page.locator(".card").all():
            card.scroll_into_view_if_needed()
        return page

    yield run
    for context in contexts:
        context.close()
    assert wrong == []


def plots(page):
    return page.locator(".card[data-kind=figure]").all()


class TestDrawing:
    def test_every_figure_draws_and_nothing_leaves_the_page(self, opened):
        page = opened()
        assert len(plots(page)) >= 12
        for card in plots(page):
            card.locator(".plot .main-svg").first.wait_for(timeout=10_000)
            marks = card.locator(".plot .trace, .plot .heatmaplayer image, .plot .point").count()
            assert marks, card.get_attribute("id")

    @pytest.mark.parametrize("width", [390, 1280])
    def test_no_page_is_wider_than_its_window(self, opened, width):
        page = opened(viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width

    def test_every_view_draws_by_keyboard(self, opened):
        page = opened()
        for button in page.locator("[data-view]").all():
            button.focus()
            page.keyboard.press("Enter")
            assert button.get_attribute("aria-pressed") == "true"
        pressed = page.locator("[data-view][aria-pressed=true]").count()
        assert pressed == page.locator(".views").count()

    def test_the_legend_hides_and_shows_by_keyboard_and_light_does_not_undo_it(self, opened):
        page = opened(color_scheme="light")
        card = page.locator("#accuracy")
        button = card.locator(".legend button").first
        before = card.locator(".plot .trace").count()
        button.focus()
        page.keyboard.press("Enter")
        assert button.get_attribute("aria-pressed") == "false"
        assert card.locator(".plot .trace").count() == before - 1
        page.emulate_media(color_scheme="dark")
        page.wait_for_timeout(300)
        assert card.locator(".plot .trace").count() == before - 1
        page.keyboard.press("Enter")
        assert card.locator(".plot .trace").count() == before

    def test_dark_and_light_follow_the_system(self, opened):
        page = opened(color_scheme="light")
        ink = "getComputedStyle(document.querySelector('#accuracy .xtick text')).fill"
        ground = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(ink), page.evaluate(ground)
        page.emulate_media(color_scheme="dark")
        for _ in range(50):  # the page lets nobody wait in it: it evaluates no strings
            if page.evaluate(ink) != light[0]:
                break
            page.wait_for_timeout(100)
        assert page.evaluate(ink) != light[0]
        assert page.evaluate(ground) != light[1]

    def test_print_is_dark_ink_on_white_and_draws_all(self, opened):
        page = opened(color_scheme="dark")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        ink = "getComputedStyle(document.querySelector('#accuracy .xtick text')).fill"
        assert page.evaluate(ink) == "rgb(0, 0, 0)"
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.evaluate(ink) != "rgb(0, 0, 0)"


class TestFaces:
    def test_a_click_on_a_cell_shows_its_faces(self, opened):
        page = opened()
        card = page.locator("#confusion-1")
        card.scroll_into_view_if_needed()
        box = card.locator(".plot .heatmaplayer image").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 16, box["y"] + box["height"] / 16)
        faces = card.locator(".chosen .face")
        faces.first.wait_for()
        assert "neutral read as neutral" in card.locator(".chosen p").inner_text()
        assert card.locator("select").input_value() == "0,0"

    def test_the_same_by_keyboard(self, opened):
        page = opened()
        card = page.locator("#confusion-1")
        select = card.locator("select")
        select.focus()
        page.keyboard.press("ArrowDown")
        faces = card.locator(".chosen .face")
        faces.first.wait_for()
        told = card.locator(".chosen p").inner_text()
        assert told.startswith(f"{faces.count()} face")
        assert faces.first.get_attribute("aria-label")

    def test_a_face_is_its_own_part_of_the_sheet(self, opened):
        page = opened()
        places = page.eval_on_selector_all(
            "#mistakes-1 .face", "all => all.map(one => getComputedStyle(one).backgroundPosition)"
        )
        assert len(places) > 3
        assert len(set(places)) == len(places)
        image = page.eval_on_selector(
            "#mistakes-1 .face", "one => getComputedStyle(one).backgroundImage"
        )
        assert image.startswith('url("data:image/webp')

    def test_hovering_over_the_map_shows_who_is_there(self, opened, data):
        page = opened()
        card = page.locator("#map-3")
        card.scroll_into_view_if_needed()
        point = card.locator(".plot .points path").first
        point.wait_for()
        box = point.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        tip = page.locator("#tip")
        tip.locator(".face").wait_for()
        expression, subject = tip.text_content().split(", ", 1)
        assert expression in data.expressions
        assert subject.removeprefix(EVIL) in data.subjects
        page.mouse.move(0, 0)
        tip.wait_for(state="hidden")

    def test_what_decides_is_a_picture_an_expression(self, opened):
        tiles = opened().locator("#decides-3 li img")
        assert tiles.count() >= 2
        wide = tiles.evaluate_all("all => all.map(one => one.naturalWidth)")
        assert all(width > 100 for width in wide)


class TestNames:
    def test_names_that_are_code_are_text(self, opened):
        page = opened()
        assert page.title() == "Report: first, second, third"
        assert EVIL in page.locator("#people-1 table").text_content()
        shown = page.locator("#leakage .ytick").all_text_contents()
        assert any(EVIL[:12] in text for text in shown), shown

    def test_hovering_says_the_name_as_it_is(self, opened):
        page = opened()
        card = page.locator("#people-1")
        card.scroll_into_view_if_needed()
        told = set()
        for bar in card.locator(".plot .point path").all():
            box = bar.bounding_box()
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2)
            card.locator(".hoverlayer .hovertext").wait_for()
            told.add(card.locator(".hoverlayer .hovertext").text_content())
        assert any(text.startswith("<script>") and text.count("%{x}") for text in told), told


class TestFiles:
    def test_the_data_of_a_figure_is_a_csv(self, opened, report):
        page = opened()
        with page.expect_download() as download:
            page.locator("#people-1 [data-save=csv]").click()
        assert download.value.suggested_filename == "people-1.csv"
        text = download.value.path().read_text(encoding="utf-8")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert {"subject", "images", "right", "accuracy"} == set(rows[0])
        assert any(row["subject"].startswith(EVIL) for row in rows)

    def test_a_figure_is_an_svg_in_dark_ink(self, opened):
        page = opened(color_scheme="dark")
        with page.expect_download() as download:
            page.locator("#accuracy [data-save=svg]").click()
        assert download.value.suggested_filename == "accuracy.svg"
        root = ElementTree.parse(download.value.path()).getroot()
        assert root.tag.endswith("svg")
        assert any("first" in (node.text or "") for node in root.iter())

    def test_the_data_of_a_table_is_latex(self, opened):
        page = opened()
        with page.expect_download() as download:
            page.locator("#summary [data-save=tex]").click()
        assert download.value.suggested_filename == "summary.tex"
        lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
        assert lines[1:3] == [r"\begin{tabular}{lllllllrr}", r"\toprule"]
        assert lines[3].startswith("result & what it is & accuracy (95 \\% interval)")
        assert lines[-1] == r"\end{tabular}"
        assert all(line.count("&") - line.count(r"\&") == 8 for line in lines[5:-2])

    def test_a_figure_alone_is_printed_as_pdf(self, opened):
        page = opened()
        page.emulate_media(media="print")
        page.evaluate(
            "window.print = () => { window.printed = "
            "[...document.querySelectorAll('.card')].filter((card) => card.offsetParent)"
            ".map((card) => card.id); }"
        )
        page.locator("#recall [data-save=pdf]").dispatch_event("click")
        assert page.evaluate("window.printed") == ["recall"]
        assert page.locator("#accuracy").is_visible()


class TestLayout:
    def test_a_narrow_figure_alone_in_its_row_has_the_whole_row(self, opened):
        page = opened()
        for section in page.locator("main section").all():
            boxes = [card.bounding_box() for card in section.locator(".card").all()]
            narrow = [box for box in boxes if box["width"] < 0.6 * page.viewport_size["width"]]
            assert len(narrow) % 2 == 0

    def test_no_heading_repeats_that_of_its_section(self, opened):
        page = opened()
        for section in page.locator("main section").all():
            title = section.locator("h2").inner_text()
            for text in section.locator("h3").all_inner_texts():
                assert text != title
                assert not text.startswith(f"{title}:")

    def test_the_summary_fits_a_phone(self, opened):
        page = opened(viewport={"width": 390, "height": 844})
        cells = page.locator("#summary tbody tr").first.locator("td")
        assert cells.count() == 9
        for cell in cells.all():
            box = cell.bounding_box()
            assert box["x"] + box["width"] <= 390

    def test_ticks_are_at_whole_epochs_and_below_100_percent(self, opened):
        page = opened()
        for key in ("accuracy", "recall", "training-1"):
            page.locator(f"#{key}").scroll_into_view_if_needed()
            page.wait_for_selector(f"#{key} .xtick text")
            ticks = page.locator(f"#{key} .xtick text").all_text_contents()
            assert len(set(ticks)) == len(ticks)
            if key == "training-1":
                assert all(float(tick) == int(float(tick)) for tick in ticks)
            else:
                assert all(float(tick.rstrip("%")) <= 100 for tick in ticks)


class TestAloud:
    @pytest.mark.parametrize(
        "options",
        [{}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}],
        ids=["light", "dark", "narrow"],
    )
    def test_an_audit_finds_nothing(self, audit, report, options):
        assert audit(report, **options) == []

    def test_every_figure_and_control_has_a_name(self, opened):
        page = opened()
        for card in plots(page):
            label = card.locator(".plot").get_attribute("aria-label")
            assert card.locator("h3").inner_text() in label
            assert card.locator(".plot").get_attribute("role") == "img"
        for control in page.locator("button, select, summary, a").all():
            named = control.get_attribute("aria-label") or control.inner_text()
            assert named.strip()
        for table in page.locator("table").all():
            assert table.locator("th[scope=col]").count()
        assert page.locator("html").get_attribute("lang") == "en"

    def test_what_is_missing_is_a_note(self, opened):
        page = opened()
        notes = page.locator("#absent .absent").all_inner_texts()
        assert any("has no decoder to draw faces" in note for note in notes), notes
        assert page.locator("nav a").last.inner_text() == "Not in this report"

    def test_headings_go_down_one_by_one(self, opened):
        levels = opened().eval_on_selector_all(
            "h1, h2, h3", "all => all.map(one => Number(one.tagName[1]))"
        )
        assert levels[0] == 1
        assert all(b - a <= 1 for a, b in pairwise(levels))
