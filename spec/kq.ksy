# The container of the .kq format for Kaitai Struct, https://kaitai.io: whoever writes
# a reader in one of its languages gets the parts of a file from here, by the names of
# kq.md, whose rules stand beside them. Kaitai computes no checksums; they are given
# for the reader to compare (rules 2.8 and 3.2). Payloads are left to the coders. This is
# the long form: a file in the short one is to be expanded first (section 12).
meta:
  id: kq
  title: KQ palette image
  file-extension: kq
  xref:
    mime: image/x-kq
  endian: be
  bit-endian: be
  license: MIT
  ks-version: '0.10'
doc: |
  A picture of K colours: a palette, and one label a pixel, in tiles that can be
  decoded alone; or a label map, with a table of ids in place of a palette; or frames of
  either.
doc-ref: kq.md
seq:
  - id: header
    type: header
    size: 20
    doc: Section 2.
  - id: palette
    type: palette
    if: not header.is_label_map
    doc: Section 4.
  - id: ids
    type: ids
    if: header.is_label_map
    doc: Rule 4.6, in the palette's place.
  - id: sections
    type: section
    repeat: until
    repeat-until: _.kind == "END "
    if: header.has_sections
    doc: Section 5; the last is END.
  - id: tiles
    type: tile
    repeat: expr
    repeat-expr: header.num_tiles
    if: not has_frames
    doc: Section 6, in the order of rule 6.1.
  - id: directory
    type: directory
    if: not has_frames and header.num_tiles > 1
    doc: Rule 6.8.
  - id: frames
    type: frame
    repeat: until
    repeat-until: not _.is_frame
    if: has_frames
    doc: Section 19; the last is the head of the end.
  - id: frame_directory
    type: frame_directory
    size: _io.size - _io.pos
    if: has_frames
    doc: Rule 19.9.
  - id: behind
    size-eos: true
    valid:
      expr: _.length == 0
    doc: Rule 6.9, nothing follows.
instances:
  has_frames:
    value: header.has_sections and sections[0].kind == "FRAM"
    doc: Rule 19.1.
enums:
  axis:
    0: time
    1: depth
  coder:
    0: packed
    1: dense
    2: context
    3: tokens
  dtype:
    0: bool
    1: int8
    2: uint8
    3: int16
    4: uint16
    5: int32
    6: uint32
    7: int64
    8: uint64
types:
  header:
    seq:
      - id: signature
        contents: [0xcb, 0x51, 0x0d, 0x0a, 0x0a]
        doc: Rule 2.2.
      - id: major
        type: b4
        valid: 1
        doc: Rule 2.3.
      - id: minor
        type: b4
      - id: coder
        type: b3
        enum: coder
        doc: Rule 2.4, as are the flags.
      - id: reserved
        type: b1
        valid: false
      - id: is_label_map
        type: b1
        doc: Rule 4.6; then has_coded_palette and has_alpha are false.
      - id: has_sections
        type: b1
      - id: has_coded_palette
        type: b1
      - id: has_alpha
        type: b1
      - id: tile_width_code
        type: b4
        doc: Rule 2.5.
      - id: tile_height_code
        type: b4
      - id: width
        type: u4
        valid:
          min: 1
        doc: Rule 2.6.
      - id: height
        type: u4
        valid:
          min: 1
      - id: last_entry
        type: u2
        doc: K - 1, rule 2.7.
      - id: crc16
        type: u2
        doc: Of bytes 0 to 17, rule 2.8.
    instances:
      k:
        value: last_entry + 1
      tile_width:
        value: 'tile_width_code == 0 or (1 << (tile_width_code + 3)) > width ? width : 1 << (tile_width_code + 3)'
      tile_height:
        value: 'tile_height_code == 0 or (1 << (tile_height_code + 3)) > height ? height : 1 << (tile_height_code + 3)'
      tiles_across:
        value: (width + tile_width - 1) / tile_width
      tiles_down:
        value: (height + tile_height - 1) / tile_height
      num_tiles:
        value: tiles_across * tiles_down
        doc: T, rule 6.1.
  color:
    seq:
      - id: red
        type: u1
      - id: green
        type: u1
      - id: blue
        type: u1
  palette:
    seq:
      - id: len_coded
        type: length
        if: _root.header.has_coded_palette
        doc: Rule 4.5.
      - id: coded
        size: len_coded.value
        if: _root.header.has_coded_palette
      - id: colors
        type: color
        repeat: expr
        repeat-expr: _root.header.k
        if: not _root.header.has_coded_palette
        doc: Rule 4.1.
      - id: alpha
        type: u1
        repeat: expr
        repeat-expr: _root.header.k
        if: _root.header.has_alpha and not _root.header.has_coded_palette
        doc: Rule 4.4, one for each colour.
      - id: crc32
        type: u4
  ids:
    seq:
      - id: len_table
        type: length
      - id: table
        type: id_table
        size: len_table.value
      - id: crc32
        type: u4
  id_table:
    doc: Rules 18.3 and 18.4.
    seq:
      - id: reserved
        type: b1
        valid: false
      - id: is_volume
        type: b1
        doc: The array's shape is (F, H, W), of a sequence.
      - id: is_mapped
        type: b1
      - id: is_column
        type: b1
        doc: The array's shape is (H, W, 1).
      - id: dtype
        type: b4
        enum: dtype
      - id: last_id
        type: length
        doc: U - 1, how many different ids there are.
      - id: last_entry
        type: length
        if: is_mapped
        doc: M - 1; where it is absent, M is U.
      - id: lists
        size-eos: true
        doc: Lists of numbers, rule 18.7.
  section:
    seq:
      - id: kind
        type: str
        size: 4
        encoding: ASCII
        doc: Rule 5.1; a capital first letter means that it must be understood.
      - id: len_data
        type: u4
        valid:
          max: 0xfffffff
        doc: Rule 5.2.
      - id: crc16
        type: u2
        doc: Of kind and length.
      - id: data
        size: len_data
        if: kind != "FRAM"
      - id: timing
        type: timing
        size: len_data
        if: kind == "FRAM"
      - id: crc32
        type: u4
  timing:
    doc: Rule 19.2.
    seq:
      - id: axis
        type: u1
        enum: axis
      - id: reserved
        contents: [0, 0, 0]
      - id: key_distance
        type: u4
        doc: D; if it is 0, frame 0 is the only key frame.
      - id: plays
        type: u4
        doc: 0 for ever.
      - id: numerator
        type: u4
        doc: Of the seconds that a duration of 1 lasts, or of the metres between slices.
      - id: denominator
        type: u4
        valid:
          min: 1
  frame:
    doc: Rules 19.4 to 19.7.
    seq:
      - id: reserved
        type: b5
        valid: 0
      - id: is_unchanged
        type: b1
      - id: has_duration
        type: b1
      - id: is_frame
        type: b1
        doc: Where it isn't, this is the head of the end.
      - id: duration
        type: duration
        if: has_duration
        doc: Where it is absent, that of the frame before, or 1.
      - id: lengths
        type: length
        repeat: expr
        repeat-expr: _root.header.num_tiles
        if: is_frame and not is_unchanged
      - id: crc16
        type: u2
      - id: tiles
        type: frame_tile(lengths[_index].value)
        repeat: expr
        repeat-expr: _root.header.num_tiles
        if: is_frame and not is_unchanged
  frame_tile:
    params:
      - id: len_payload
        type: u4
    seq:
      - id: payload
        size: len_payload
        doc: Empty where the tile is unchanged, without a checksum.
      - id: crc32
        type: u4
        if: len_payload > 0
  duration:
    doc: Groups of seven bits, the most significant group first, rule 19.5.
    seq:
      - id: groups
        type: group
        repeat: until
        repeat-until: not _.goes_on or _index == 4
    instances:
      last:
        value: groups.size - 1
      value:
        value: >-
          groups[last].bits
          + (last >= 1 ? groups[last - 1].bits << 7 : 0)
          + (last >= 2 ? groups[last - 2].bits << 14 : 0)
          + (last >= 3 ? groups[last - 3].bits << 21 : 0)
          + (last >= 4 ? groups[last - 4].bits << 28 : 0)
  frame_directory:
    seq:
      - id: lists
        size: _io.size - 12
        doc: Lists of numbers, rule 18.7, the bytes of the frames and their durations.
      - id: num_frames
        type: u4
        valid:
          min: 1
      - id: len_lists
        type: u4
        valid: _io.size - 12
      - id: crc32
        type: u4
  tile:
    seq:
      - id: len_payload
        type: length
      - id: payload
        size: len_payload.value
      - id: crc32
        type: u4
  length:
    doc: Groups of seven bits, the most significant group first, rule 6.4.
    seq:
      - id: groups
        type: group
        repeat: until
        repeat-until: not _.goes_on or _index == 3
    instances:
      last:
        value: groups.size - 1
      value:
        value: >-
          groups[last].bits
          + (last >= 1 ? groups[last - 1].bits << 7 : 0)
          + (last >= 2 ? groups[last - 2].bits << 14 : 0)
          + (last >= 3 ? groups[last - 3].bits << 21 : 0)
  group:
    seq:
      - id: goes_on
        type: b1
      - id: bits
        type: b7
  directory:
    seq:
      - id: lengths
        type: u4
        repeat: expr
        repeat-expr: _root.header.num_tiles
        doc: Of the payloads.
      - id: crc32
        type: u4
