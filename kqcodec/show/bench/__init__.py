"""`kq bench`: .kq beside other formats, on the very same indexed images.

``subject`` is what is coded, ``codec`` what a coding is, ``peers`` and
``general`` are the others, ``ours`` is the .kq files; ``measure`` codes, decodes,
compares and times, ``summary`` adds up, ``chart`` draws.
"""
