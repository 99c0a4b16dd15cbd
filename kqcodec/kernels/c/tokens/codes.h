/* Prefix codes and the bits of a stream (spec/kq.md, section 17). */
#ifndef KQ_TOKENS_CODES_H
#define KQ_TOKENS_CODES_H

#include <stdint.h>

#include "tokens/front.h"

/* The codes of symbols by their lengths, as everywhere: shorter ones first, then by symbol.
 * They are written from their highest bit, and the bits of a stream begin with the lowest, so
 * codes stand there turned round. A single symbol, and the symbol 0 where there is none, take
 * no bits. */
typedef struct {
    uint16_t code; /* turned round */
    uint8_t length;
} kq_code;

/* Returns 0 unless the code is complete: what it isn't, a decoder refuses. */
static int kq_codes_of(const uint8_t *lengths, uint32_t symbols, int most, kq_code *codes)
{
    uint32_t count[17] = {0}, next[17] = {0}, used = 0, total = 0, last = 0;
    for (uint32_t s = 0; s < symbols; s++) {
        if (lengths[s] > most)
            return 0;
        count[lengths[s]]++;
        if (lengths[s]) {
            total++;
            last = s;
        }
        codes[s].code = codes[s].length = 0;
    }
    if (total < 2)
        return total == 0 || lengths[last] == 1;
    for (int length = 1; length <= most; length++) {
        next[length] = used;
        used = (used + count[length]) << 1;
    }
    if (used != 2u << most)
        return 0;
    for (uint32_t s = 0; s < symbols; s++) {
        uint32_t code = lengths[s] ? next[lengths[s]]++ : 0, turned = 0;
        for (int i = 0; i < lengths[s]; i++)
            turned = turned << 1 | (code >> i & 1);
        codes[s].code = (uint16_t)turned;
        codes[s].length = lengths[s];
    }
    return 1;
}

/* The table by which a code is decoded: by the next `most` bits, length << 8 | symbol, or what
 * `names` has for it. */
static int kq_code_table(const uint8_t *lengths, uint32_t symbols, int most, const uint8_t *names,
                         uint16_t *table)
{
    kq_code codes[KQ_SYMBOLS];
    uint32_t only = 0;
    if (!kq_codes_of(lengths, symbols, most, codes))
        return 0;
    for (uint32_t s = 0; s < symbols; s++) {
        if (lengths[s] == 0)
            continue;
        only = s;
        const uint16_t entry = (uint16_t)((uint32_t)codes[s].length << 8 | (names ? names[s] : s));
        if (codes[s].length)
            for (uint32_t at = codes[s].code; at < 1u << most; at += 1u << codes[s].length)
                table[at] = entry;
    }
    if (codes[only].length == 0)
        for (uint32_t at = 0; at < 1u << most; at++)
            table[at] = names ? names[only] : (uint16_t)only;
    return 1;
}

/* --- lengths and displacements ---------------------------------------------------- */

/* Of a value's symbol the bits that follow it, and the least value: two symbols an octave. */
static inline int kq_value_extra(uint32_t symbol)
{
    return symbol < 4 ? 0 : (int)(symbol >> 1) - 1;
}
static inline uint32_t kq_value_least(uint32_t symbol)
{
    return symbol < 4 ? symbol : (2 | (symbol & 1)) << kq_value_extra(symbol);
}

#endif
