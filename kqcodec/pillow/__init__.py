"""The Pillow plugin: importing this module teaches Pillow the .kq format.

    >>> import io
    >>> from PIL import Image
    >>> import kqcodec.pillow
    >>> file = io.BytesIO()
    >>> Image.linear_gradient("L").save(file, "KQ", k=10, coder="packed")
    >>> image = Image.open(file)
    >>> image.mode, image.size, image.info["k"]
    ('P', (256, 256), 10)

Reading. ``Image.open`` reads and checks the header, the palette and the length
of the file; the pixels are decoded by ``load``, as always in Pillow. The mode is P,
with the file's palette and indices, where K is at most 256, and RGB otherwise. Where
there is alpha, ``info`` has "transparency", a byte for each entry, or the mode is
RGBA. ``info`` also has "coder", "k", "file_bytes" (where the file can seek),
"theory_bits" and, of what the file carries, "icc_profile", "exif" and "xmp".
``verify`` checks and decodes every tile.

Of a file of several frames ``n_frames`` says how many, ``seek`` goes to one, decoding what it
needs and not before ``load``, and ``ImageSequence`` goes through all. ``info`` has "loop", how
often an animation is to be played, 0 for ever, and for the frame "duration" in milliseconds, a
whole number where it is one.

A label map opens as its ids, never as their colours: in mode P, with a palette of 256, where
all of them are 0 to 255, in I;16 where they are up to 65,535, and in I where 32 bits with a
sign hold them. Others are refused: ``kqcodec.decode_labels`` gives them. ``info`` then has
"label_map", true, "names", by id, and "nodata", if there is one; "k" is how many ids there are.
A volume of labels has its slices as frames.

A damaged or unsupported .kq file raises
OSError, which is what programs that use Pillow catch, with the FormatError as its
cause. Pillow's own limit on pixels, ``Image.MAX_IMAGE_PIXELS``, applies, and raises those
of ``kqcodec.format.limits`` on metadata and work; None lifts them.

Writing. ``image.save("x.kq", ...)`` takes these options, all of ``kqcodec.write``:

    k           colours to keep. Without it an image of mode P is stored as it is,
                palette, transparency and indices unchanged, one of mode L or 1
                exactly, and others in at most 256 colours.
    coder       "context", "tokens", "dense" or "packed".
    effort      "fast", "default" or "best": of the search for colours and of the coder.
    palette, pins, sort, dither, dither_kind
    tile, space, seed, restarts, threads, background
    icc_profile, exif, xmp
                to store with it, as bytes. Without icc_profile the image's own
                is stored, as by Pillow's other formats; None stores none.
                The colours are those of the profile, and aren't converted.

With ``save_all=True``, as for GIF, PNG and WebP, all frames of the image are stored and those of

    append_images
                more images, each with all of its frames; they imply ``save_all``.
    duration    milliseconds, of all frames or a list with those of each. Without it a frame's
                own ``info["duration"]`` counts, and 100 where it has none.
    loop        how often they are to be played, 0 for ever. Without it the first image's own
                counts, and 0 where it has none.
    key_distance
                as for ``kqcodec.encode_frames``.

Frames have one palette. Without ``k`` those of GIF and of mode P, if all are, keep all of their
colours, up to 65,536.

Wrong options raise TypeError or ValueError, before anything is written.
"""

from __future__ import annotations

from PIL import Image

from kqcodec.format.header import SIGNATURES
from kqcodec.pillow.reading import FORMAT, KqDecoder, KqImageFile
from kqcodec.pillow.writing import save, save_all


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(SIGNATURES)


Image.register_open(FORMAT, KqImageFile, _accept)
Image.register_decoder("kq", KqDecoder)
Image.register_save(FORMAT, save)
Image.register_save_all(FORMAT, save_all)
Image.register_extension(FORMAT, ".kq")
Image.register_mime(FORMAT, "image/x-kq")
