/* The parts of a file (spec/kq.md, sections 3 and 6): bytes that are read one after the other, and
 * their checksums.
 */
#ifndef KQ_FILE_PARTS_H
#define KQ_FILE_PARTS_H

#include <string.h>

#include "compiler.h"
#include "file/api.h"

#define KQ_HEADER_SIZE 20
#define KQ_CHECKSUM_SIZE 4

#ifdef KQ_FUZZ /* for tests that change files at random: all checksums match */
#define KQ_DIFFERS(found, expected) ((void)(found), (void)(expected), 0)
#else
#define KQ_DIFFERS(found, expected) ((found) != (expected))
#endif

/* Where the next byte is read; `at` is at most `size`. */
typedef struct {
    const uint8_t *data;
    size_t size, at;
} kq_cursor;

typedef struct {
    const uint8_t *bytes;
    size_t size;
} kq_span;

static uint32_t kq_big32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t kq_big16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* So many bytes, NULL if there aren't. */
static const uint8_t *kq_take(kq_cursor *c, size_t size)
{
    if (c->size - c->at < size)
        return NULL;
    c->at += size;
    return c->data + c->at - size;
}

/* A length of at most so many bytes (rule 6.4). */
static kq_result kq_take_length(kq_cursor *c, int most, uint32_t *length)
{
    uint64_t value = 0;
    for (int i = 0; i < most; i++) {
        const uint8_t *byte = kq_take(c, 1);
        if (!byte)
            return KQ_TRUNCATED;
        if (i == 0 && *byte == 0x80)
            return KQ_INVALID;
        value = value << 7 | (*byte & 127);
        if (*byte < 128) {
            *length = (uint32_t)value;
            return value > UINT32_MAX ? KQ_INVALID : KQ_OK;
        }
    }
    return KQ_INVALID;
}

/* Rule 2.8. */
static uint32_t kq_crc16(const uint8_t *bytes, size_t size, uint32_t crc)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t)bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    return crc & 0xFFFF;
}

/* What a byte makes of a CRC-32 (rule 3.1), of which it is the lowest by now. */
static uint32_t kq_crc32_byte(uint32_t crc)
{
    for (int bit = 0; bit < 8; bit++)
        crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    return crc;
}

/* The CRC-32s of the parts of one file (rule 3.2). */
typedef struct {
    uint32_t table[8][256]; /* of a byte, and of one with up to seven behind it */
    uint32_t header;        /* of the header, which all begin with */
} kq_sealer;

static uint32_t kq_crc32(const kq_sealer *s, const uint8_t *bytes, size_t size, uint32_t crc)
{
    /* Eight bytes at a time: M. E. Kounavis, F. L. Berry, "Novel Table Lookup-Based Algorithms for
     * High-Performance CRC Generation", IEEE Transactions on Computers 57 (2008). */
    for (; size >= 8; bytes += 8, size -= 8) {
        crc ^= (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 |
               bytes[0];
        crc = s->table[7][crc & 255] ^ s->table[6][crc >> 8 & 255] ^ s->table[5][crc >> 16 & 255] ^
              s->table[4][crc >> 24] ^ s->table[3][bytes[4]] ^ s->table[2][bytes[5]] ^
              s->table[1][bytes[6]] ^ s->table[0][bytes[7]];
    }
    while (size-- > 0)
        crc = s->table[0][(crc ^ *bytes++) & 255] ^ crc >> 8;
    return crc;
}

static void kq_sealer_init(kq_sealer *s, const uint8_t *header)
{
    for (uint32_t i = 0; i < 256; i++)
        s->table[0][i] = kq_crc32_byte(i);
    for (int more = 1; more < 8; more++)
        for (uint32_t i = 0; i < 256; i++) {
            const uint32_t crc = s->table[more - 1][i];
            s->table[more][i] = s->table[0][crc & 255] ^ crc >> 8;
        }
    s->header = kq_crc32(s, header, KQ_HEADER_SIZE, UINT32_MAX);
}

/* That of a part; a kind has four characters. */
static uint32_t kq_seal(const kq_sealer *s, const char *kind, uint64_t ordinal, const uint8_t *body,
                        size_t size)
{
    uint8_t head[12];
    memcpy(head, kind, 4);
    for (int i = 0; i < 8; i++)
        head[4 + i] = (uint8_t)(ordinal >> (56 - 8 * i));
    return ~kq_crc32(s, body, size, kq_crc32(s, head, sizeof head, s->header));
}

/* Reads the CRC-32 behind a part and compares it. */
static kq_result kq_check_seal(const kq_sealer *s, kq_cursor *c, const char *kind, uint64_t ordinal,
                               const uint8_t *body, size_t size)
{
    const uint8_t *seal = kq_take(c, KQ_CHECKSUM_SIZE);
    if (!seal)
        return KQ_TRUNCATED;
    return KQ_DIFFERS(kq_big32(seal), kq_seal(s, kind, ordinal, body, size)) ? KQ_CHECKSUM : KQ_OK;
}

#endif
