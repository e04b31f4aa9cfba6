"""A record on paper: its sections and rows, amounts in words in Chinese, nothing that its reader may not see."""

import re

from server.features.records import service as records
from tests.admin_ui.conftest import Site


def test_a_record_prints_with_amounts_in_words(site: Site) -> None:
    with site.work(write=True) as work:
        work_record = records.get(work, "customer", 1)
        records.update(work, "customer", 1, {"registered_capital": "1234567.50"}, work_record.version)
    client = site.client("li")
    page = client.get("/o/customer/1/print").text
    assert "Fogbridge Precision" in page and "1,234,567.50" in page and "大写" not in page
    assert "6222020200112233" not in page and "****2233" in page  # masked on paper too
    client.post("/locale", data={"locale": "zh_CN", "back": "/"})
    page = client.get("/o/customer/1/print").text
    assert "大写：壹佰贰拾叁万肆仟伍佰陆拾柒元伍角整" in page
    assert not re.search(r"大写：[^<]*</span>[^<]*大写：</span>", page)


def test_only_who_may_read_it_prints_it(site: Site) -> None:
    assert site.client("wang").get("/o/customer/1/print").status_code == 404
    assert site.client().get("/o/customer/1/print").status_code == 303
