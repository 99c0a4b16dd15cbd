"""Where things stand in the repository."""

from pathlib import Path

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
SPEC = ROOT / "spec"
VECTORS = SPEC / "vectors"
C_HEADERS = ROOT / "kqcodec" / "kernels" / "c"
PORTABLE = ROOT / "kqcodec" / "portable"
