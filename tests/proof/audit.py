"""What a Postgres journal went through, told by the database itself: every change, and by which program."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Engine, create_engine, text

_BOOK: Final = """
CREATE TABLE audit (
    n bigserial PRIMARY KEY, at double precision, program text, id text,
    old_fence int, fence int, old_holder text, holder text, old_lease double precision,
    old_state text, state text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit (at, program, id, old_fence, fence, old_holder, holder, old_lease, old_state, state)
    SELECT extract(epoch FROM clock_timestamp()), current_setting('application_name'), NEW.id,
        before.fence, NEW.fence, before.holder, NEW.holder,
        greatest(before.lease, (SELECT lease FROM holders WHERE name = before.holder)),
        before.state, NEW.state
    FROM (SELECT 1) AS one LEFT JOIN (SELECT (OLD).*) AS before ON TG_OP = 'UPDATE';
    RETURN NEW;
END $$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE ON videos FOR EACH ROW EXECUTE FUNCTION note();
"""


class Audit:
    """Notes every change of the `videos` of a journal that exists; programs are told apart by PGAPPNAME."""

    def __init__(self, url: str) -> None:
        self.database: Engine = create_engine(url)
        with self.database.begin() as db:
            db.execute(text(_BOOK))

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.database.connect() as db:
            return [dict(row._mapping) for row in db.execute(text(query))]

    def faults(self, killed: Mapping[str, float]) -> list[str]:
        """Return where two programs worked on one video, or a step was made twice.

        A video may be claimed when its lease has run out, was given back, or when its program was `killed`
        before.
        """
        found: list[str] = []
        owners: dict[tuple[str, int], str] = {}
        steps: defaultdict[tuple[str, str], int] = defaultdict(int)
        for note in self.rows("SELECT * FROM audit ORDER BY n"):
            here, program = (note["id"], note["fence"]), note["program"]
            if note["fence"] != note["old_fence"]:
                if here in owners:
                    found.append(f"fence {here} was given to {owners[here]} and to {program}")
                former = owners.get((note["id"], note["old_fence"]), "")
                alive = killed.get(former, math.inf) > note["at"]
                if note["old_holder"] is not None and note["old_lease"] >= note["at"] and alive:
                    found.append(f"{program} claimed {here} while {former} lived and its lease was good")
                owners[here] = program
            elif owners[here] != program:
                found.append(f"{program} wrote {here}, which {owners[here]} had claimed")
            if note["state"] != note["old_state"]:
                steps[note["id"], note["state"]] += 1
        for (id, state), times in steps.items():
            if times > 1:
                found.append(f"{id} became {state} {times} times")
        return found

    def claims(self) -> dict[str, int]:
        """Return how often each video was claimed."""
        return {
            note["id"]: note["fence"]
            for note in self.rows("SELECT id, max(fence) AS fence FROM audit GROUP BY id")
        }

    def close(self) -> None:
        self.database.dispose()
