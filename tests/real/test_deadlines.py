"""Real records: every one gives its deadlines without a fault, and the record shows a law for as many as it does to a reader."""

from __future__ import annotations

import datetime
import json
import lzma
from collections import Counter
from pathlib import Path

from registry_sync.sources.ctgov_oversight import oversight_from
from registry_sync.sources.ctgov_record import record_from
from registry_sync.trials.binding import standing
from registry_sync.trials.dates import last_day
from registry_sync.trials.deadlines import BY_RULE, owed


def test_real_records_have_deadlines_with_a_source_and_no_fault(shared_data: Path) -> None:
    bound: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    trials = 0
    with lzma.open(shared_data / "ctgov-records.jsonl.xz") as lines:
        for line in lines:
            trials += 1
            record, oversight = record_from(line), oversight_from(line)
            interventional = json.loads(line)["protocolSection"]["designModule"]["studyType"] == "INTERVENTIONAL"
            bound[standing("us", record, oversight, {}).bound] += interventional
            update = record.last_update_post_date
            posted = last_day(update.date if update else None) or datetime.date(2025, 1, 1)
            for today in (posted, datetime.date(2026, 2, 3), datetime.date(2030, 1, 1)):
                for row in owed(record, oversight, today=today):
                    assert row.source == BY_RULE[row.rule].source
                    assert row.by is not None or row.state in ("contradiction", "overdue")
                    assert row.state != "overdue" or row.bound == "applies"
                    rules[row.rule] += today == posted
    assert trials > 900
    assert bound["applies"] == 126  # of 684: what the registry's own elements show
    # on the day on which an entry was posted it hardly speaks against itself
    against = {rule for rule in rules if BY_RULE[rule].law == "registry" and rule != "unknown"}
    assert sum(rules[rule] for rule in against) < trials * 0.05
