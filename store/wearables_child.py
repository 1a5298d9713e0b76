"""Reads a wearable's file in a process of its own: on damaged bytes its Rust library may end the process.

python -m store.wearables_child FILE OUT.npz
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["REFUSED", "main"]

REFUSED = 3
"""exit status when the library said what was wrong; its words are on standard error"""


def main(source: Path, target: Path) -> int:
    """Write the samples of a file, as whole as they can be read, as a NumPy archive."""
    import actfast

    try:
        read = actfast.read(source, lenient=True)
    except (ValueError, OSError) as error:
        sys.stderr.write(str(error))
        return REFUSED
    tables = [t for t in read["timeseries"].values() if "acceleration" in t]
    if not tables:
        sys.stderr.write("no acceleration in it")
        return REFUSED
    table = tables[0]
    arrays: dict[str, NDArray[Any]] = {
        "datetime": table["datetime"],
        "acceleration": table["acceleration"],
        "warnings": np.array(read["warnings"], dtype=str),
    }
    if "gyroscope" in table:
        arrays["gyroscope"] = table["gyroscope"]
    np.savez(target, allow_pickle=False, **arrays)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
