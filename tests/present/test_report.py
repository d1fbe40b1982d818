"""The report as text: the same numbers as everywhere, nothing of the network, every word of a user's escaped."""

import base64
import csv
import hashlib
import io
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import frames
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import initbench
from initbench.analysis.bands import curve_bands
from initbench.analysis.comparisons import comparison_table
from initbench.analysis.summaries import accuracy_table
from initbench.present.figures import experiment_figures
from initbench.present.figures.style import series_styles
from initbench.present.report import Chapter, pictures, render_report
from initbench.present.sentences import pair_sentence
from initbench.present.tables import render_table
from initbench.results.files import figures_of
from initbench.results.report import write_report

REPORT = Path(initbench.__file__).parent / "present" / "report"
THREE = ["he_normal", "glorot_uniform", "orthogonal"]
MEGABYTE = 1_000_000
CONFIG = """\
dataset: digits
depth: [1, 2]
width: 8
initializer: [he_normal, zeros, {normal: {std: 100}}]
learning_rate: 0.1
epochs: 3
seeds: 3
train_rows: 200
description: Three on digits
"""


class Tags(HTMLParser):
    """Every element with its attributes and its own text, and the rows of each table."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.tables, self._open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, "text": "", **dict(attributes)}
        self.elements.append(element)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append(element)
        if tag not in ("meta", "link", "input", "img"):
            self._open.append(element)

    def handle_data(self, data):
        for element in self._open[-3:]:
            element["text"] += data

    def handle_endtag(self, tag):
        while self._open and self._open.pop()["tag"] != tag:
            pass

    def of(self, tag):
        return [element for element in self.elements if element["tag"] == tag]

    def table(self, *heads):
        """The rows of the first table that has these heads, each by its heads."""
        for head, *rows in self.tables:
            names = [cell["text"].strip() for cell in head]
            if set(heads) <= set(names):
                return [dict(zip(names, row, strict=True)) for row in rows]
        raise AssertionError(f"no table has {heads}")


def evidence(f):
    table = comparison_table(f.runs, f.baselines, f.factors)
    return table.assign(sentence=[pair_sentence(row) for row in table.to_dict("records")])


def chapter(f, **changes):
    accuracy, bands = accuracy_table(*f), curve_bands(f.curves, f.factors)
    done, diverged, failed = (int((f.runs["status"] == status).sum()) for status in ("ok", "diverged", "failed"))
    made = Chapter(
        name="mine",
        description="",
        caption="",
        verdict=["he_normal leads."],
        factors=f.factors,
        runs=f.runs,
        accuracy=accuracy,
        evidence=evidence(f),
        bands=bands,
        baselines=f.baselines,
        layers=pd.DataFrame(),
        tables={},
        figures={} if "figures" in changes else experiment_figures(f.runs, accuracy, bands, f.baselines, f.factors),
        counts={
            "planned": len(f.runs),
            "done": done + diverged,
            "diverged": diverged,
            "failed": failed,
            "missing": 0,
        },
        config="dataset: digits\n",
        manifest={"initbench": "0.1.0", "packages": {"numpy": "2.0"}, "blas": [{"version": "1"}, {"version": None}]},
    )
    return made._replace(**changes)


@pytest.fixture(scope="module")
def eight():
    return chapter(frames.experiment(frames.eight, initializer=frames.EIGHT))


@pytest.fixture(scope="module")
def bare(eight):
    return eight._replace(figures={})


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    (folder / "mine.yaml").write_text(CONFIG)
    return initbench.run(folder / "mine.yaml", results=folder / "results")


@pytest.fixture(scope="module")
def of_results(results):
    """The page of the results."""
    return write_report(results.folder, [initbench.load(results.folder)]).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def of_eight(eight):
    """The page of the eight initializers."""
    return render_report([eight], "a")


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)]


def disagreements(results, page):
    """Where text, Markdown, CSV, JSON, figures and the page differ from the one table that they are made of."""
    accuracy, comparison = results.accuracy, results.comparison
    wrong = []
    rows = Tags(page).table("rank", "initializer", "test accuracy %")
    pairs = Tags(page).table("better", "worse", "difference, points")
    files = [list(csv.DictReader(io.StringIO((results.folder / name).read_text()))) for name in FILES]
    records = [json.loads(render_table(table, "json")) for table in (accuracy, comparison)]
    for table, shown, file, record, columns in zip(
        (accuracy, comparison), (rows, pairs), files, records, COLUMNS, strict=True
    ):
        readers = [render_table(table, form).splitlines() for form in ("text", "markdown")]
        for i, (head, source) in enumerate(columns.items()):
            html = [row[head].get("data-sort") or row[head]["text"] for row in shown]
            told = {"html": html, "csv": [row[source] for row in file], "json": [row[source] for row in record]}
            for where, values in told.items():
                read = np.array([float(value) if value not in ("", None) else np.nan for value in values])
                if not np.array_equal(read, table[source].to_numpy(dtype=float), equal_nan=True):
                    wrong.append(f"{where}: {source}")
            for reader in readers if i == 0 else []:
                lines = reader[-len(table) :]
                wrong += [line for row, line in zip(shown, lines, strict=True) if row[head]["text"] not in line]
    for figure in [figure for name, figure in figures_of(results).items() if re.fullmatch(r"accuracy-depth=\d", name)]:
        depth = numbers(figure.get_suptitle().split("depth")[1])[0]
        table = accuracy[accuracy["depth"] == depth]
        for name, look in series_styles(accuracy["initializer"]).items():
            means = [
                line.get_xdata()[0]
                for line in figure.axes[0].lines
                if line.get_marker() == look.marker and to_hex(line.get_color()) == look.color.lower()
            ]
            (row,) = [r for r in rows if r["initializer"]["text"] == name and r["depth"]["text"] == str(int(depth))]
            exact = 100 * float(row["test accuracy %"]["data-sort"])
            if not np.isclose(means, exact, rtol=1e-12).any():
                wrong.append(f"figure: {name} at depth {depth}")
    return wrong


FILES = ["accuracy.csv", "comparison.csv"]
COLUMNS = [
    {
        "test accuracy %": "test_accuracy_mean",
        "best valid %": "best_valid_accuracy_mean",
        "test loss": "test_loss_mean",
    },
    {"difference, points": "difference", "p": "p", "adj. p": "p_adjusted", "P(better)": "probability_better"},
]


def test_text_tables_figures_and_report_say_the_same_numbers(results, of_results):
    assert disagreements(results, of_results) == []


def test_the_check_catches_a_page_that_is_off_in_the_last_digit(results, of_results):
    mean = results.accuracy["test_accuracy_mean"].tolist()[0]
    wrong = of_results.replace(f'data-sort="{mean!r}"', f'data-sort="{math.nextafter(mean, 1)!r}"', 1)
    assert disagreements(results, wrong) == ["html: test_accuracy_mean"]


def test_curves_of_the_page_are_the_bands(bare):
    data = next(e for e in Tags(render_report([bare], "")).of("script") if e.get("type") == "application/json")
    told = json.loads(data["text"])
    rows = bare.bands.query("metric == 'test_accuracy' and initializer == 'he_normal'")
    mean, low, high = told["settings"][0]["lines"]["test_accuracy"]["he_normal"]
    for shown, end in [(mean, "mean"), (low, "low"), (high, "high")]:
        np.testing.assert_allclose(shown, 100 * rows[end], rtol=1e-5)
    shaky = told["settings"][0]["lines"]["test_loss"]["uniform(low=-0.3, high=0.3)"]
    assert len(shaky[0]) == len(told["settings"][0]["epochs"]) == 11
    assert told["settings"][0]["chance"] == [11.35]


def foreign(page):
    """What a page would fetch, or run without its policy knowing it."""
    tags = Tags(page)
    found = [
        f"{element['tag']} {name}={value[:40]}"
        for element in tags.elements
        for name, value in element.items()
        if name in ("src", "href", "srcset", "data", "action", "style") or name.startswith("on")
        if not value.startswith(("data:", "#"))
    ]
    (policy,) = [e["content"] for e in tags.of("meta") if e.get("http-equiv") == "Content-Security-Policy"]
    inline = [e["text"] for e in (*tags.of("script"), *tags.of("style")) if e.get("type") != "application/json"]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline]
    found += [
        f"not in the policy: {text[:40]}" for text, known in zip(inline, hashes, strict=True) if known not in policy
    ]
    found += re.findall(r"url\((?!data:)[^)]*\)|@import[^;]*", "".join(e["text"] for e in tags.of("style")))
    return found


def test_a_page_asks_nothing_of_the_network(eight, bare):
    page = render_report([eight, bare], "all")
    assert foreign(page) == []
    (policy,) = [e["content"] for e in Tags(page).of("meta") if e.get("http-equiv")]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert "unsafe" not in policy


@pytest.mark.parametrize("planted", ['<img src="//a.example/b.png">', "<script>1</script>", '<p onclick="a()">'])
def test_the_check_catches_what_is_fetched_or_run(bare, planted):
    assert len(foreign(render_report([bare], "").replace("<footer>", planted + "<footer>"))) == 1


HOSTILE = "</script><script>alert(1)</script><img src=x onerror='alert(2)'>\"'&"


def test_every_word_of_a_user_is_escaped():
    f = frames.experiment(
        lambda **_: frames.Outcome(0.8),
        initializer=["he_normal", HOSTILE],
        dataset=["digits", HOSTILE],
        seeds=2,
        epochs=2,
    )
    runs = f.runs.assign(error=None)
    runs.loc[0, ["status", "error"]] = ["failed", HOSTILE]
    hostile = chapter(frames.Frames(runs, *f[1:]))._replace(
        **dict.fromkeys(("name", "description", "caption", "config"), HOSTILE),
        verdict=[HOSTILE],
        manifest={HOSTILE: {HOSTILE: HOSTILE}},
        tables={"ranking": pd.DataFrame({HOSTILE: [HOSTILE], "initializer": [HOSTILE]})},
    )
    page = render_report([hostile, hostile._replace(figures={})], HOSTILE)
    assert foreign(page) == []
    tags = Tags(page)
    assert len([e for e in tags.of("script") if e.get("type") != "application/json"]) == 3
    assert not [e for e in tags.of("img") if not e["src"].startswith("data:image/png")]
    assert HOSTILE in tags.of("h1")[0]["text"]
    assert [json.loads(e["text"])["names"] for e in tags.of("script") if e.get("type") == "application/json"]


def test_sections_stand_only_where_there_is_something_to_say(bare):
    def heads(told):
        return [e["text"] for e in Tags(render_report([told], "")).of("h2")]

    assert heads(bare) == [
        *("Accuracy", "Learning curves", "Who beats whom", "Is the learning rate fair?"),
        *("Diverged and failed cells", "Config", "Provenance", "How each number was computed"),
    ]
    table = pd.DataFrame({"initializer": ["he_normal"], "mean_rank": [1.25], "note": [None]})
    names = ("tuning", "ranking", "decisions", "predictors")
    assert {"In the layers", "Ranks over settings", "When it stopped"} <= set(
        heads(bare._replace(tables=dict.fromkeys(names, table)))
    )
    assert "Ranks over settings" not in heads(bare._replace(tables=dict.fromkeys(names, table.iloc[:0])))
    lone = chapter(frames.experiment(seeds=1, epochs=1))
    assert heads(lone)[:3] == ["Accuracy", "Learning curves", "Who beats whom"]
    assert "Is the learning rate fair?" not in heads(lone)
    nothing = chapter(frames.experiment(lambda **_: frames.Outcome(0, status="ok"), seeds=1, epochs=1))
    assert "Learning curves" not in heads(nothing._replace(bands=nothing.bands.iloc[:0], figures={}))


def test_diverged_and_failed_cells_are_listed_with_the_reason():
    f = frames.experiment(frames.gridded, initializer=THREE, depth=[5, 20], learning_rate=[0.3, 1.0], seeds=4, epochs=3)
    page = render_report([chapter(f, figures={})], "")
    rows = Tags(page).table("status", "reason")
    assert len(rows) == (f.runs["status"] != "ok").sum()
    assert {row["reason"]["text"] for row in rows} == {"", "MemoryError: no room"}
    assert "None: every cell" not in page


def test_every_picture_tells_its_finding(eight, of_eight):
    images = Tags(of_eight).of("img")
    assert len(images) == 2
    best = eight.accuracy.iloc[0]
    finding = f"Best: {best.initializer} {100 * best.test_accuracy_mean:.1f} %"
    assert all(finding in image["alt"] for image in images)
    f = frames.experiment(frames.deep, initializer=THREE, depth=[5, 50], epochs=1, seeds=2)
    swept = chapter(f)
    shown, _ = pictures.pictures(swept, MEGABYTE)
    assert [p.name for p in shown["intervals"]] == ["accuracy-depth=5", "accuracy-depth=50"]
    for picture, depth in zip(shown["intervals"], (5, 50), strict=True):
        best = swept.accuracy[swept.accuracy["depth"] == depth].iloc[0]
        assert f"{best.initializer} {100 * best.test_accuracy_mean:.1f} %" in picture.finding


def test_figures_that_have_no_room_are_named(eight):
    assert pictures.pictures(eight, 10) == ({}, ["accuracy", "speed"])
    assert pictures.pictures(eight, MEGABYTE)[1] == []


@pytest.mark.long
def test_large_experiments_stay_below_five_megabytes_and_say_what_they_leave_out(bare):
    def repeated(times):
        return bare._replace(evidence=pd.concat([bare.evidence] * times, ignore_index=True))

    whole = render_report([repeated(107)], "")  # 2,996 pairs, each with a sentence
    assert len(whole.encode()) < 5 * MEGABYTE
    assert len(Tags(whole).table("better", "worse")) == 2996
    assert "pairs; all are in" not in whole
    assert "770 of 3,080 pairs; all are in comparison.csv." in render_report([repeated(110)], "")
    many = chapter(frames.experiment(initializer=THREE, depth=list(range(1, 31)), seeds=2, epochs=4))
    assert len(render_report([many], "").encode()) < 5 * MEGABYTE


def test_a_report_is_the_same_bytes_each_time(eight, of_eight):
    assert render_report([eight], "a") == of_eight


def test_vendored_files_are_those_that_their_notes_name():
    notes = list((REPORT / "vendor").glob("*/ORIGIN.md"))
    assert len(notes) == 2
    for note in notes:
        assert (note.parent / "LICENSE").is_file()
        sums = re.findall(r"`([\w.]+)`.*?`([0-9a-f]{64})`", note.read_text(encoding="utf-8"))
        for name, known in sums:
            assert hashlib.sha256((note.parent / name).read_bytes()).hexdigest() == known
        kept = {path.name for path in note.parent.iterdir()} - {"ORIGIN.md", "LICENSE"}
        assert kept == {name for name, _ in sums}
