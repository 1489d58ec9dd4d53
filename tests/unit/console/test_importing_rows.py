"""Every row becomes a document, is part of one, is skipped with a reason, or is refused."""

import json
from pathlib import Path
from typing import Any

from console.applying import Applier
from console.import_report import ImportReport, tally
from console.importing import Prepared, prepare, report
from console.session import system_clock

MAP = """\
title: Plans
documents:
  - {kind: Person, id: olga, name: Olga, roles: [owner]}
  - {kind: Node, id: acme, level: organization, name: Acme}
  - {kind: Node, id: retail, level: portfolio, parent: acme, name: Retail}
  - {kind: Node, id: growth, level: program, parent: retail, name: Growth}
  - {kind: Node, id: web, level: project, parent: growth, name: Web}
inputs:
  packages:
    file: packages.csv
    key: code
    documents:
      - kind: Node
        fields: {id: "{code}", level: package, parent: web, name: "{name}"}
  plans:
    file: plans.csv
    key: id
    joins: {package: {input: packages, by: package}}
    where:
      - {column: status, not_in: [dropped], reason: the plan was dropped}
    ignore: {remark: for the meeting only}
    documents:
      - kind: Measure
        when: [{column: status, not_in: [idea]}]
        fields:
          id: {column: id, slug: true}
          title: "{title}"
          description: {text: "Part of {package.name}", optional: true}
          type: {column: type, choices: {Campaign: campaign, Service: service}, default: other}
          package: "{package}"
          owner: {column: owner, empty: [n/a], optional: true}
          finance:
            fields:
              currency: EUR
              plan: {fields: {cost: {column: cost, number: {thousands: ","}, optional: true}}}
          milestones:
            - fields:
                id: done
                title: Done
                due:
                  column: starts
                  date: {format: "%d.%m.%Y"}
                  plus: [{column: lasts, number: {unit: [days], whole: true}}]
                  not_after: 2031-12-31
                  note: reckoned
                  optional: true
          kpis: {each: {rows: kpis, by: plan, item: {fields: {id: "{kpi}", title: "{title}"}}},
                 optional: true}
  kpis:
    file: kpis.csv
"""
PACKAGES = "code,name\nw1,Web one\nw2,\n"
PLAN = 'A-1,First,Campaign,w1,olga,"1,200",01.03.2031,10 days,open,,x\n'
HEAD = "id,title,type,package,owner,cost,starts,lasts,status,remark,extra\n"
KPIS = "plan,kpi,title\nA-1,churn,Churn\n"


def prepared(folder: Path, plans: str, kpis: str = KPIS, packages: str = PACKAGES) -> Prepared:
    """Prepares an import of these rows."""
    (folder / "map.yaml").write_text(MAP, encoding="utf-8")
    tables = {"packages": packages, "plans": HEAD + plans, "kpis": kpis}
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return prepare(folder / "map.yaml", [folder / f"{name}.csv" for name in tables])


def told(folder: Path, plans: str, kpis: str = KPIS, packages: str = PACKAGES) -> ImportReport:
    """Returns the report of a dry run over these rows."""
    found = prepared(folder, plans, kpis, packages)
    results = Applier(None, None, system_clock).check(found.documents)
    return report(found, results, 0, dry_run=True)


def fates(report: ImportReport, table: str) -> dict[int, str]:
    """Returns per line of a table its outcome and every finding in words."""
    return {
        row.line: " | ".join([row.outcome, row.reason, *map(str, row.findings)]).replace(
            " |  | ", " | "
        )
        for row in report.rows
        if row.input == table
    }


def measure(found: Prepared) -> dict[str, Any]:
    """Returns the only measure, as somebody would write it."""
    (plan,) = found.measures
    content: dict[str, Any] = json.loads(plan.model_dump_json(exclude_unset=True))
    return content


def test_a_row_becomes_a_document_with_everything_the_map_says(tmp_path: Path) -> None:
    """Converters, joins, lists of other tables' rows and day arithmetic together."""
    assert measure(prepared(tmp_path, PLAN)) == {
        "kind": "Measure",
        "id": "a-1",
        "title": "First",
        "description": "Part of Web one",
        "type": "campaign",
        "package": "w1",
        "owner": "olga",
        "finance": {"currency": "EUR", "plan": {"cost": 1200}},
        "milestones": [{"id": "done", "title": "Done", "due": "2031-03-11"}],
        "kpis": [{"id": "churn", "title": "Churn"}],
    }


def test_rows_and_columns_are_all_accounted_for(tmp_path: Path) -> None:
    """Counts add up, ignored columns have their reason, forgotten ones are named."""
    found = told(
        tmp_path,
        PLAN + "A-2,Second,Service,w1,olga,,,,dropped,,\nA-3,Third,Service,w1,olga,,,,idea,,\n\n",
        packages="code,name\nw1,Web one\n",
    )
    plans = next(file for file in found.files if file.input == "plans")
    assert (plans.rows, plans.imported, plans.skipped, plans.refused) == (4, 1, 3, 0)
    assert plans.ignored == {"remark": "for the meeting only"}
    assert plans.unused == ("extra",)
    assert fates(found, "plans")[3] == "skipped | the plan was dropped"
    assert fates(found, "plans")[4] == "skipped | no document of the map is meant for it (when)"
    assert fates(found, "plans")[5] == "skipped | the line is empty"
    assert fates(found, "kpis") == {2: "imported | "}
    assert not found.refused


def test_what_is_left_out_stands_in_or_is_derived_is_reported(tmp_path: Path) -> None:
    """The value, its field, why, and where the trail ends in another table."""
    found = told(
        tmp_path,
        "A-1,First,,w2,n/a,,01.12.2031,40 days,open,,\n",
        kpis="plan,kpi,title\n",
        packages="code,name\nw1,x\nw2,y\n",
    )
    (fate,) = fates(found, "plans").values()
    assert "defaulted type; type: plans.type is empty; 'other' stands in" in fate
    assert "left-out owner; owner: owner says 'n/a'" in fate
    assert "left-out finance.plan.cost; cost: plans.cost is empty" in fate
    assert "a day after 2031-12-31; it would be 2032-01-10" in fate
    assert "left-out kpis; id: kpis has no row for this plans.id" in fate
    assert fate.startswith("imported")
    assert {t.what for t in tally(found.rows)} == {"defaulted", "left-out"}


def test_a_derived_value_is_reported_with_its_note(tmp_path: Path) -> None:
    """Whoever reads the report can tell what was reckoned from what was written."""
    (fate,) = fates(told(tmp_path, PLAN), "plans").values()
    assert "derived milestones.0.due; starts '01.03.2031': reckoned" in fate


def test_a_missing_value_in_a_joined_row_names_that_row(tmp_path: Path) -> None:
    """The package has no name, so the text that needs it is left out."""
    found = told(tmp_path, PLAN.replace("w1", "w2"))
    fate = fates(found, "plans")[2]
    assert "left-out description; package.name: packages.name is empty" in fate
    assert fate.count(f"see {tmp_path / 'packages.csv'}:3") == 1


def test_every_fault_of_a_row_is_told_in_one_go(tmp_path: Path) -> None:
    """Column, value, what was expected and a suggestion, for each cell that cannot be read."""
    found = told(tmp_path, "A-1,,Campain,w1,olga,NaN,2031-03-01,2 weeks,open,,\n")
    fate = fates(found, "plans")[2]
    assert fate.startswith("refused")
    assert "refused title; title: plans.title is empty; fill the cell" in fate
    assert "type 'Campain': this cannot be read; expected one of Campaign, Service;" in fate
    assert "did you mean 'Campaign'?" in fate
    assert "cost 'NaN': this cannot be read; expected a number like 1,234.5; leave" in fate
    assert "starts '2031-03-01': this cannot be read; expected a day like 02.03.2031" in fate
    assert fates(found, "kpis")[2].startswith("refused | it belongs to ")
    assert found.refused


def test_what_the_document_refuses_is_told_of_the_cell(tmp_path: Path) -> None:
    """Limits of documents hold for cells: huge titles, hidden characters, wrong names."""
    found = told(
        tmp_path,
        f"A-1,{'x' * 501},Campaign,w1,olga,,,,open,,\n"
        "A-2,be\u202eware,Campaign,w1,olga,,,,open,,\n"
        "A-3,Third,Campaign,w1,Olga!,,,,open,,\n",
    )
    fate = fates(found, "plans")
    assert "title 'xxxx" in fate[2]
    assert "longer than 500" in fate[2]
    assert "direction overrides" in fate[3]
    assert "owner 'Olga!': 'owner': a name has small letters" in fate[4]
    assert all(said.startswith("refused") for said in fate.values())


def test_a_reference_that_leads_nowhere_refuses_the_row(tmp_path: Path) -> None:
    """The check that `sluice apply` makes, told of the cell it came from."""
    packages = "code,name\nw1,Web one\nw2,Web two\n"
    found = told(tmp_path, PLAN.replace("w1", "w3"), packages=packages)
    fate = fates(found, "plans")[2]
    assert "there is no package 'w3'; known: w1, w2" in fate
    assert "package 'w3'" in fate
    assert fates(found, "kpis")[2] == "refused | refused; what it is part of was refused"


def test_two_rows_that_become_the_same_document_are_one_too_many(tmp_path: Path) -> None:
    """Different keys can give the same name; the second row is refused and names the first."""
    found = told(tmp_path, PLAN + PLAN.replace("A-1", "a 1"))
    fate = fates(found, "plans")
    assert fate[2].startswith("imported")
    assert f"Measure a-1 is already there at {tmp_path / 'plans.csv'}:2" in fate[3]


def test_a_bad_item_is_refused_and_its_document_goes_on(tmp_path: Path) -> None:
    """A KPI that cannot be one, and a KPI of no plan, are refused as rows of their own."""
    kpis = "plan,kpi,title\nA-1,churn,Churn\nA-1,Not a name,Bad\nA-1,empty,\nB-9,lost,Lost\n,x,X\n"
    found = prepared(tmp_path, PLAN, kpis)
    assert [kpi["id"] for kpi in measure(found)["kpis"]] == ["churn"]
    fate = fates(told(tmp_path, PLAN, kpis), "kpis")
    assert fate[2].startswith("imported")
    assert fate[3].startswith("refused")
    assert "kpi 'Not a name': 'id': a name has small letters" in fate[3]
    assert fate[4].startswith("refused | refused kpis.title; title: kpis.title is empty")
    assert fate[5] == "refused | plans has no row whose id is 'B-9'"
    assert fate[6] == "refused | its plan is empty, so nothing says where it belongs"


def test_double_items_refuse_their_document(tmp_path: Path) -> None:
    """Two KPIs of one name cannot both be right, and nobody here knows which is."""
    found = told(tmp_path, PLAN, KPIS + "A-1,churn,Churn again\n")
    assert "kpis: churn is there twice" in fates(found, "plans")[2]
    assert [fate.split(" |")[0] for fate in fates(found, "kpis").values()] == ["refused"] * 2


def test_formulas_stay_text_all_the_way(tmp_path: Path) -> None:
    """A title that a spreadsheet would run is a title."""
    found = prepared(tmp_path, PLAN.replace("First", '"=HYPERLINK(""http://x"")"'))
    assert measure(found)["title"] == '=HYPERLINK("http://x")'


def test_braces_in_cells_are_not_filled_in(tmp_path: Path) -> None:
    """Only the map's texts are templates, never what a table holds."""
    assert measure(prepared(tmp_path, PLAN.replace("First", "{owner}")))["title"] == "{owner}"
