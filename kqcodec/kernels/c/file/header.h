/* The start of a file: its header, or what stands for it in the short form (spec/kq.md, sections 2
 * and 12).
 */
#ifndef KQ_FILE_HEADER_H
#define KQ_FILE_HEADER_H

#include "file/parts.h"

enum { KQ_CODER_PACKED, KQ_CODER_DENSE, KQ_CODER_CONTEXT, KQ_CODER_TOKENS, KQ_CODERS };
enum { KQ_FLAG_ALPHA = 1, KQ_FLAG_CODED = 2, KQ_FLAG_SECTIONS = 4, KQ_FLAG_LABELS = 8 };
#define KQ_MAJOR 1
#define KQ_MOST_TILE_LABELS ((uint32_t)1 << 26)
#define KQ_MOST_SHORT 4096 /* bytes of a file in the short form */

/* A header, and where the bytes behind it stand. */
typedef struct {
    kq_info info;
    uint8_t bytes[KQ_HEADER_SIZE];
    int flags;
    uint32_t tiles_across, tiles_down;
    kq_cursor rest; /* in the short form without the checksum of all */
} kq_header;

static uint32_t kq_least32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* What the 20 bytes say, behind the signature. */
static kq_result kq_header_parse(kq_header *h)
{
    kq_info *info = &h->info;
    const uint8_t *bytes = h->bytes;
    if (KQ_DIFFERS(kq_crc16(bytes, 18, 0xFFFF), kq_big16(bytes + 18)))
        return KQ_CHECKSUM;
    h->flags = bytes[6] & 31;
    info->coder = bytes[6] >> 5;
    if (bytes[5] >> 4 != KQ_MAJOR || info->coder >= KQ_CODERS || h->flags & 16)
        return KQ_UNSUPPORTED;
    info->label_map = (h->flags & KQ_FLAG_LABELS) != 0;
    info->alpha = h->flags & KQ_FLAG_ALPHA;
    if ((info->label_map && h->flags & (KQ_FLAG_ALPHA | KQ_FLAG_CODED)) ||
        (h->flags & KQ_FLAG_CODED && info->coder < KQ_CODER_CONTEXT))
        return KQ_INVALID;
    info->width = kq_big32(bytes + 8);
    info->height = kq_big32(bytes + 12);
    info->colors = kq_big16(bytes + 16) + 1;
    if (!info->width || !info->height)
        return KQ_INVALID;
    const int x = bytes[7] >> 4, y = bytes[7] & 15;
    info->tile_width = x ? kq_least32(info->width, (uint32_t)1 << (x + 3)) : info->width;
    info->tile_height = y ? kq_least32(info->height, (uint32_t)1 << (y + 3)) : info->height;
    if ((uint64_t)info->tile_width * info->tile_height > KQ_MOST_TILE_LABELS)
        return KQ_INVALID;
    h->tiles_across = (info->width - 1) / info->tile_width + 1;
    h->tiles_down = (info->height - 1) / info->tile_height + 1;
    const uint64_t tiles = (uint64_t)h->tiles_across * h->tiles_down;
    info->tiles = tiles > UINT32_MAX ? UINT32_MAX : (uint32_t)tiles;
    return KQ_OK;
}

/* The header that a file in the short form would have. */
static kq_result kq_header_expand(kq_header *h, const uint8_t *data, size_t size)
{
    uint32_t sides[3];
    kq_result result;
    if (size > KQ_MOST_SHORT)
        return KQ_INVALID;
    /* A checksum of all that is there, which needs no table. */
    uint32_t crc = UINT32_MAX;
    const size_t body = size < KQ_CHECKSUM_SIZE ? 0 : size - KQ_CHECKSUM_SIZE;
    for (size_t i = 0; i < body; i++)
        crc = kq_crc32_byte(crc ^ data[i]);
    if (body < 2 || KQ_DIFFERS(~crc, kq_big32(data + body)))
        return KQ_CHECKSUM;
    kq_cursor c = {data, body, 2};
    const uint8_t *coder_and_flags = kq_take(&c, 1);
    if (!coder_and_flags)
        return KQ_TRUNCATED;
    for (int i = 0; i < 3; i++)
        if ((result = kq_take_length(&c, 4, sides + i)) != KQ_OK)
            return result;
    if (sides[2] > 65535)
        return KQ_INVALID;
    uint8_t *bytes = h->bytes;
    bytes[5] = KQ_MAJOR << 4;
    bytes[6] = *coder_and_flags;
    bytes[7] = 0;
    for (int i = 0; i < 4; i++) {
        bytes[8 + i] = (uint8_t)((sides[0] + 1) >> (24 - 8 * i));
        bytes[12 + i] = (uint8_t)((sides[1] + 1) >> (24 - 8 * i));
    }
    bytes[16] = (uint8_t)(sides[2] >> 8);
    bytes[17] = (uint8_t)sides[2];
    const uint32_t crc16 = kq_crc16(bytes, 18, 0xFFFF);
    bytes[18] = (uint8_t)(crc16 >> 8);
    bytes[19] = (uint8_t)crc16;
    if ((result = kq_header_parse(h)) != KQ_OK)
        return result;
    h->info.short_form = 1;
    h->rest = c;
    if (h->info.coder < KQ_CODER_CONTEXT || h->flags & KQ_FLAG_SECTIONS)
        return KQ_INVALID;
    /* Palette and payload are all there is. */
    uint32_t length = (h->info.alpha ? 4 : 3) * h->info.colors;
    if (h->flags & (KQ_FLAG_CODED | KQ_FLAG_LABELS) &&
        (result = kq_take_length(&c, 4, &length)) != KQ_OK)
        return result;
    if (!kq_take(&c, length))
        return KQ_TRUNCATED;
    if ((result = kq_take_length(&c, 4, &length)) != KQ_OK)
        return result;
    if (!kq_take(&c, length))
        return KQ_TRUNCATED;
    return c.at == c.size ? KQ_OK : KQ_INVALID;
}

static kq_result kq_header_read(kq_header *h, const uint8_t *data, size_t size)
{
    static const uint8_t signature[5] = {0xCB, 0x51, 0x0D, 0x0A, 0x0A}, brief[2] = {0xCB, 0x6B};
    memset(h, 0, sizeof *h);
    memcpy(h->bytes, signature, sizeof signature);
    if (size >= 2 && !memcmp(data, brief, 2))
        return kq_header_expand(h, data, size);
    if (!size || memcmp(data, signature, size < 5 ? size : 5) != 0)
        return KQ_SIGNATURE;
    if (size < KQ_HEADER_SIZE)
        return KQ_TRUNCATED;
    memcpy(h->bytes, data, KQ_HEADER_SIZE);
    h->rest.data = data;
    h->rest.size = size;
    h->rest.at = KQ_HEADER_SIZE;
    return kq_header_parse(h);
}

/* The box of a tile. */
static kq_box kq_header_box(const kq_header *h, uint32_t tile)
{
    kq_box box;
    box.x = tile % h->tiles_across * h->info.tile_width;
    box.y = tile / h->tiles_across * h->info.tile_height;
    box.width = kq_least32(h->info.tile_width, h->info.width - box.x);
    box.height = kq_least32(h->info.tile_height, h->info.height - box.y);
    return box;
}

#endif
