"""Makes the records anew: `make records`."""

from __future__ import annotations

import asyncio
import datetime
import json
import platform
import subprocess
from pathlib import Path
from typing import Any

from emprops.broker import Broker, EmbeddedServer

from .scenarios import SCENARIOS, play

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "source" / "_records"


def _revision() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


async def _provenance(revision: str) -> dict[str, Any]:
    with EmbeddedServer() as server:
        async with Broker(url=server.url) as broker:
            info = await broker.connection.info("server")
    version = info.get("valkey_version") or info["redis_version"]
    return {
        "revision": revision,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "server": f"{'Valkey' if 'valkey_version' in info else 'Redis'} {version}",
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "command": "make records",
    }


async def main(revision: str) -> None:
    """Play every scenario and write its record, made from the given revision."""
    made = await _provenance(revision)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for scenario in SCENARIOS:
        record = {**await play(scenario), "made": made}
        path = FOLDER / f"{scenario.name}.json"
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {len(record['steps'])} steps, {len(record['events'])} events")


if __name__ == "__main__":
    asyncio.run(main(_revision()))
