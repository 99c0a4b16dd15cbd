/* Extension sections (spec/kq.md, section 5). */
#ifndef KQ_FILE_SECTIONS_H
#define KQ_FILE_SECTIONS_H

#include "file/state.h"

#define KQ_SECTION_HEAD 10
#define KQ_MOST_SECTIONS 254

static int kq_is_letter(uint8_t c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static int kq_is_kind(const uint8_t *kind)
{
    for (int i = 1; i < 4; i++)
        if (!kq_is_letter(kind[i]) && kind[i] != ' ' && (kind[i] < '0' || kind[i] > '9'))
            return 0;
    return kq_is_letter(kind[0]);
}

/* Checks all sections. Of a sequence `frames` becomes the data of its section, and stays what it is
 * otherwise. */
static kq_result kq_sections_read(kq_file *f, kq_span *frames)
{
    kq_cursor *c = &f->rest;
    uint64_t total = 0;
    f->sections = c->at;
    for (uint32_t i = 0; f->header.flags & KQ_FLAG_SECTIONS; i++) {
        const uint8_t *head = kq_take(c, KQ_SECTION_HEAD);
        if (!head)
            return KQ_TRUNCATED;
        if (KQ_DIFFERS(kq_crc16(head, 8, 0xFFFF), kq_big16(head + 8)))
            return KQ_CHECKSUM;
        const uint32_t length = kq_big32(head + 4);
        const int end = !memcmp(head, "END ", 4);
        if (!kq_is_kind(head) || length >> 28 || (end && length) || (!end && i == KQ_MOST_SECTIONS))
            return KQ_INVALID;
        const uint8_t *data = kq_take(c, length);
        if (!data)
            return KQ_TRUNCATED;
        if ((total += length) > f->limits.metadata)
            return KQ_LIMIT;
        const kq_result result = kq_check_seal(&f->sealer, c, (const char *)head, i, data, length);
        if (result != KQ_OK)
            return result;
        if (end)
            break;
        if (head[0] & 32)
            continue;
        if (memcmp(head, "FRAM", 4) != 0)
            return KQ_UNSUPPORTED;
        if (i)
            return KQ_INVALID;
        frames->bytes = data;
        frames->size = length;
    }
    return KQ_OK;
}

/* The data of the first section of a kind, of those that were checked; NULL if there is none. */
static const uint8_t *kq_section_find(const kq_file *f, const char *kind, size_t *size)
{
    size_t at = f->sections;
    while (f->header.flags & KQ_FLAG_SECTIONS && at < f->rest.at) {
        const uint8_t *head = f->header.rest.data + at;
        if (!memcmp(head, "END ", 4))
            break;
        *size = kq_big32(head + 4);
        if (!memcmp(head, kind, 4))
            return head + KQ_SECTION_HEAD;
        at += KQ_SECTION_HEAD + *size + KQ_CHECKSUM_SIZE;
    }
    *size = 0;
    return NULL;
}

#endif
