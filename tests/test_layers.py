"""No circle between files. That folders import downwards only is for `lint-imports` to say."""

import graphlib

import pytest

grimp = pytest.importorskip("grimp", reason="comes with the extra `lint`")


def test_no_files_import_each_other_in_a_circle():
    """Packages and what is in them among them, and imports for types."""
    graph = grimp.build_graph("kqcodec", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    for name in ("compiled", "compiled_palette"):
        # The C extension is no file that grimp sees: it takes the package for it.
        imports[f"kqcodec.kernels.{name}"] -= {"kqcodec.kernels"}
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle
