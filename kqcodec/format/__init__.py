"""The .kq format: header, sections, tiles, sizes and limits."""
