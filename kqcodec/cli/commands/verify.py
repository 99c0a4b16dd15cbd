"""`kq verify`: decode everything, account for every byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.driver import Batch, BatchOptions, read_options
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import REFUSED, Failure, display_name
from kqcodec.cli.screen.inputs import reading_kq
from kqcodec.cli.screen.text import number, table

if TYPE_CHECKING:
    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.coding.size_report import SizeReport


@click.command(
    "verify",
    epilog="\b\nExamples:\n  kq verify photo.kq\n  kq verify photo.kq pictures/one.kq --json\n"
    "  kq verify -r pictures/ -q\n  kq verify --manifest done.jsonl",
)
@click.argument("inputs", nargs=-1, metavar="FILE...", shell_complete=common.complete_files)
@click.option(
    "--manifest",
    metavar="MANIFEST",
    help="Check what kq encode --manifest has noted: that each result is there, has the bytes "
    "that were written, and decodes.",
)
@common.threads_option
@common.max_pixels_option
@read_options
def command(
    *,
    inputs: tuple[str, ...],
    manifest: str | None,
    threads: int | None,
    max_pixels: int,
    **given: Any,
) -> int:
    """Check every checksum, decode every pixel, and prove the size of .kq files.

    The table gives bits, and their ratio to the raw picture and to the formula.
    By the coders packed and dense, the size that the header predicts must be the
    file's, to the byte, that of a frame times their number; by any, the parts must add up
    to it. A FILE is a .kq file, a folder of them with -r, or - for standard input. Frames
    and tiles are checked one by one, so that all together may be larger than memory, and
    than --max-pixels, unless that is given, where they have no more than 4,096 pixels for
    each byte of the file.
    """
    options = BatchOptions.taken_from(given)
    if manifest is not None:
        if inputs or options.recursive:
            raise click.UsageError("--manifest names the files; give no others.")
        from kqcodec.cli.batch.verify_manifest import verify

        return verify(manifest, options, threads, max_pixels)
    if not inputs:
        raise click.UsageError("Missing argument 'FILE...'.")

    def work(name: str, _: Outputs, each: int) -> dict[str, Any]:
        from kqcodec.coding.kq_file import KqFile

        shown = display_name(name)
        with (
            reading_kq(name) as source,
            KqFile(source, threads=each, max_pixels=max_pixels) as file,
        ):
            report = file.size_report()
        text = report_text(shown, report)
        if not report.proven:
            why = f"{shown}: {_contradiction(report)}; get an undamaged copy"
            raise Failure(REFUSED, why, text)
        return {"input": name, **report.to_dict(), "text": text}

    return Batch.plan(inputs, options, ".kq".__eq__).run(work, threads)


def report_text(name: str, report: SizeReport) -> str:
    """The report as a table under the file's name, and the proof in words."""
    rows = [("", "bits", "of raw", "of theory")]
    for row in report.rows():
        rows.append((row.name, number(row.bits), f"{row.to_raw:.4f}", f"{row.to_theory:.4f}"))
    tiles = "1 tile" if report.tiles == 1 else f"{report.tiles:,} tiles"
    frames = "" if report.frames == 1 else f"{report.frames:,} frames, "
    lines = [
        f"{name}: {report.width:,} x {report.height:,}, {frames}N = {report.pixels:,}, "
        f"K = {report.k:,}, {report.coder}, {tiles}",
        table(rows),
    ]
    if report.proven:
        lines.append(f"  Every checksum matches and every pixel decodes. {_proof(report)}")
    return "\n".join(lines)


def _proof(report: SizeReport) -> str:
    size = f"{report.file_bytes:,} bytes"
    if report.predicted_bytes is not None:
        frames = "" if report.frames == 1 else f" for {report.frames:,} frames"
        return f"The file is\n  {size}, exactly as its header predicts{frames}."
    ratio = 8 * report.file_bytes / report.theory_bits
    side = "below" if ratio < 1 else "above"
    return (
        f"The parts add up to\n  the file's {size}, {ratio:.4f} of theory and so {side} it: how\n"
        f"  many the coder {report.coder} needs depends on the picture, and no header tells it\n"
        "  beforehand."
    )


def _contradiction(report: SizeReport) -> str:
    if report.predicted_bytes is None:
        return f"the file is {report.file_bytes:,} bytes, but its parts don't add up to that"
    return (
        f"the file is {report.file_bytes:,} bytes, but its header predicts "
        f"{report.predicted_bytes:,}"
    )
