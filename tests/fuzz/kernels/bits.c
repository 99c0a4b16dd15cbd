/* kernels/c/coding/range_coder.h by itself: payloads decode, and bits come back. */
#include "fuzz.h"
#include "coding/range_coder.h"

#define MOST 512

static void run(fuzz_input input)
{
    uint32_t count = next(&input, 2) % (MOST + 1), capacity = next(&input, 1), kind = next(&input, 1);
    uint32_t seed = next(&input, 2), state = seed;
    uint16_t p[MOST];
    uint8_t bits[MOST], found[MOST];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = mixed(&state);
        p[i] = (uint16_t)(kind & 1 ? (value & 1 ? 1 : 65535) : kind & 2 ? seed : value);
        p[i] = p[i] ? p[i] : 1;
    }
    size_t size;
    uint8_t *payload = copied(&input, SIZE_MAX, &size);
    kq_range_decoder decoder;
    kq_range_decoder_init(&decoder, payload, size);
    for (uint32_t i = 0; i < count; i++)
        bits[i] = (uint8_t)kq_range_decode(&decoder, p[i]);
    int valid = kq_range_decoder_valid(&decoder);
    DEMAND(decoder.x1 <= decoder.x && decoder.x <= decoder.x2);

    /* Bits, valid or not, come back from a payload of their own, however little room
     * it was offered. */
    uint8_t *out = malloc(4 * MOST + 8);
    for (int large = 0; large < 2; large++) {
        size_t offered = large ? 4 * MOST + 8 : capacity, written = 0;
        uint8_t *exact = malloc(offered);
        kq_range_encoder encoder;
        kq_range_encoder_init(&encoder, exact, offered);
        for (uint32_t i = 0; i < count; i++)
            kq_range_encode(&encoder, bits[i], p[i]);
        int fits = kq_range_finish(&encoder, &written);
        DEMAND(fits || !large);
        DEMAND(written <= offered);
        if (fits) {
            DEMAND(!valid || written <= size);
            kq_range_decoder_init(&decoder, exact, written);
            for (uint32_t i = 0; i < count; i++)
                found[i] = (uint8_t)kq_range_decode(&decoder, p[i]);
            DEMAND(kq_range_decoder_valid(&decoder));
            DEMAND(memcmp(found, bits, count) == 0);
        }
        free(exact);
    }
    free(out);
    free(payload);
}
