/* The encoder of `tokens`: decode.h says what the coder is, way.h how tokens are found; here
 * they become bytes. Streams are decoded forwards, so they are encoded from their end: the
 * bits of each token are kept, and written in the end.
 */
#ifndef KQ_TOKENS_ENCODE_H
#define KQ_TOKENS_ENCODE_H

#include "tokens/decode.h"
#include "tokens/way.h"

#ifndef KQ_DECODE_ONLY

/* The tables turned round, to encode by, and the bits so far. */
typedef struct {
    const kq_front *front;
    uint32_t state;
    /* Of a token in a table: what tells how many bits a state gives away, and where its states
     * are; as in FSE. */
    struct {
        uint32_t bits;
        int32_t first;
    } tokens[KQ_TOKEN_TABLES][KQ_TOKENS];
    uint16_t next[KQ_TOKEN_TABLES][1 << KQ_MOST_STATE_BITS];
    kq_code escapes[KQ_ESCAPE_TABLES][KQ_SYMBOLS];
    kq_code values[KQ_VALUE_CODES][KQ_SYMBOLS];
    uint64_t *kept; /* count << 56 | bits */
    size_t kept_count;
} kq_emitter;

static void kq_emitter_prepare(kq_emitter *e, const kq_front *f)
{
    const uint32_t states = 1u << f->state_bits;
    e->front = f;
    for (int table = 0; table < f->tables; table++) {
        uint8_t token_of[1 << KQ_MOST_STATE_BITS];
        uint32_t place[KQ_TOKENS], sum = 0;
        kq_spread_states(f->counts[table], f->state_bits, token_of);
        for (int token = 0; token < KQ_TOKENS; token++) {
            const uint32_t count = f->counts[table][token];
            place[token] = sum;
            if (count) {
                const uint32_t most =
                    (uint32_t)f->state_bits - (count > 1 ? kq_log(count - 1) - 1 : 0);
                e->tokens[table][token].bits = count > 1 ? (most << 16) - (count << most)
                                                         : ((uint32_t)f->state_bits << 16) - states;
                e->tokens[table][token].first = (int32_t)sum - (int32_t)count;
            }
            sum += count;
        }
        for (uint32_t state = 0; state < states; state++)
            e->next[table][place[token_of[state]]++] = (uint16_t)(states + state);
    }
    for (int table = 0; table < f->escape_tables; table++)
        kq_codes_of(f->lengths[table], f->symbols, f->escape_bits, e->escapes[table]);
    for (int code = 0; code < KQ_VALUE_CODES; code++)
        kq_codes_of(f->values[code], KQ_VALUES, KQ_VALUE_BITS, e->values[code]);
}

KQ_INLINE void kq_keep(kq_emitter *e, uint32_t bits, uint32_t count)
{
    e->kept[e->kept_count++] = (uint64_t)count << 56 | bits;
}

static void kq_keep_value(kq_emitter *e, int code, uint32_t value)
{
    const uint32_t symbol = kq_value_symbol(value);
    const kq_code c = e->values[code][symbol];
    kq_keep(e, (value - kq_value_least(symbol)) << c.length | c.code,
            (uint32_t)kq_value_extra(symbol) + c.length);
}

/* A plain token, or the part that all tokens have, for a label at `at` in the order of
 * places. */
KQ_INLINE void kq_keep_token(kq_emitter *e, int kind, int pattern, int token, const uint16_t *at,
                             size_t stride, int low)
{
    const kq_front *f = e->front;
    const int table = f->map[kind][pattern];
    const uint32_t count = (e->state + e->tokens[table][token].bits) >> 16;
    uint32_t bits = e->state & ((1u << count) - 1), all = count;
    e->state = e->next[table][(int32_t)(e->state >> count) + e->tokens[table][token].first];
    if (token == KQ_TOKEN_ESCAPE) {
        const kq_code c =
            e->escapes[f->cells[f->interval[0][at[-1] >> low]]
                               [f->interval[1][at[-(ptrdiff_t)stride] >> low]]][at[0] >> low];
        bits |= (uint32_t)c.code << all;
        all += c.length;
        bits |= (at[0] & ((1u << low) - 1)) << all;
        all += (uint32_t)low;
    }
    kq_keep(e, bits, all);
}

/* Writes what is kept, the last first, then nothing is. Returns the bytes. */
static size_t kq_write_stream(kq_emitter *e, uint8_t *out)
{
    uint64_t held = 0;
    uint32_t fill = 0;
    size_t size = 0;
    kq_keep(e, e->state - (1u << e->front->state_bits), (uint32_t)e->front->state_bits);
    while (e->kept_count > 0) {
        const uint64_t one = e->kept[--e->kept_count];
        held |= (one & UINT32_MAX) << fill; /* 31 + 31 bits at most */
        fill += (uint32_t)(one >> 56);
        for (; fill >= 32; fill -= 32, held >>= 32)
            for (int i = 0; i < 4; i++)
                out[size++] = (uint8_t)(held >> 8 * i);
    }
    for (; fill > 0; fill = fill > 8 ? fill - 8 : 0, held >>= 8)
        out[size++] = (uint8_t)held;
    return size;
}

/* --- one stream, or bands ------------------------------------------------------------ */

static size_t kq_emit_stream(const kq_parse *p, kq_emitter *e, uint8_t *out)
{
    e->state = 1u << p->front.state_bits;
    for (size_t i = p->token_count; i-- > 0;) {
        const kq_token t = p->tokens[i];
        const uint16_t *at = p->plane + t.place;
        if (t.token == KQ_TOKEN_RUN_W || t.token == KQ_TOKEN_RUN_N)
            kq_keep_value(e, t.token - KQ_TOKEN_RUN_W, t.length - 1u);
        if (t.token >= KQ_TOKEN_COPY_ABOVE && t.token <= KQ_TOKEN_COPY)
            kq_keep_value(e, KQ_VALUE_COPY, t.length - 1u);
        if (t.token == KQ_TOKEN_COPY) {
            uint32_t rows, columns;
            kq_displacement(t.distance, p->width, &rows, &columns);
            kq_keep_value(e, KQ_VALUE_COLUMNS, columns);
            kq_keep_value(e, KQ_VALUE_ROWS, rows);
        }
        kq_keep_token(e, t.kind, p->pattern[t.place], t.token, at, p->stride, p->low_bits);
    }
    return kq_write_stream(e, out);
}

/* The planes of the bands, each behind a margin of its own. */
static void kq_split_bands(kq_parse *p, uint16_t **planes, size_t *labels)
{
    const size_t margin = 2 * p->stride + 8, rows = p->labels / p->width / KQ_BANDS;
    for (size_t i = KQ_BANDS; i-- > 0;) { /* they move upwards: the last one first */
        labels[i] = i + 1 < KQ_BANDS ? rows * p->width : p->labels - i * rows * p->width;
        planes[i] = p->plane + i * (rows * p->width + margin);
        memmove(planes[i], p->plane + i * rows * p->width, labels[i] * sizeof *p->plane);
        memset(planes[i] - margin, 0, margin * sizeof *p->plane);
    }
}

/* Looks at all bands, and makes their tables. Returns 0 without memory. */
static int kq_survey_bands(kq_parse *p, uint16_t *const *planes, const size_t *labels)
{
    const int low = p->low_bits;
    size_t place = 0;
    memset(p->counts, 0, sizeof p->counts);
    memset(p->value_counts, 0, sizeof p->value_counts);
    p->escape_count = 0;
    for (int band = 0; band < KQ_BANDS; band++)
        for (size_t i = 0; i < labels[band]; i++, place++) {
            const uint16_t *at = planes[band] + i;
            p->pattern[place] = (uint8_t)kq_pattern_at(at, p->stride);
            p->plain[place] = (uint8_t)kq_plain_token(at, p->stride);
            p->counts[p->pattern[place]][p->plain[place]]++;
            if (p->plain[place] == KQ_TOKEN_ESCAPE)
                p->escapes[p->escape_count++] = (kq_escape){
                    (uint8_t)(at[-1] >> low), (uint8_t)(at[-(ptrdiff_t)p->stride] >> low),
                    (uint8_t)(at[0] >> low)};
        }
    return kq_make_tables(p);
}

static size_t kq_emit_band(const kq_parse *p, kq_emitter *e, const uint16_t *plane, size_t first,
                           size_t labels, uint8_t *out)
{
    e->state = 1u << p->front.state_bits;
    for (size_t i = labels; i-- > 0;)
        kq_keep_token(e, 0, p->pattern[first + i], p->plain[first + i], plane + i, p->stride,
                      p->low_bits);
    return kq_write_stream(e, out);
}

#define KQ_BANDS_LABELS 16000 /* fewer aren't cut into bands */
#define KQ_BANDS_HEIGHT 32

#define KQ_SAMPLE 16 /* labels that are looked for again */

/* Whether a tile is noisy and doesn't repeat itself, so that plain tokens alone do: 40 % of
 * its labels lie outside runs of six, and of those where the next sixteen labels take over
 * 36 bits by plain tokens 1 in 64 or fewer are found again where their hash was last: of
 * photographs 1 in 100 or fewer are, of tile maps 1 in 8 or more. */
static int kq_suits_bands(const kq_parse *p)
{
    uint32_t *seen = (uint32_t *)p->best; /* which isn't in use yet */
    size_t outside = 0, dear = 0, again = 0;
    if (p->labels < KQ_BANDS_LABELS || p->labels / p->width < KQ_BANDS_HEIGHT)
        return 0;
    memset(seen, 0xFF, sizeof *seen << KQ_HASH_BITS);
    for (size_t i = 0; i + KQ_SAMPLE < p->labels; i++) {
        if (p->run_w[i] >= 6 || p->run_n[i] >= 6)
            continue;
        const uint32_t hash = kq_copy_hash(p->plane + i);
        outside++;
        if (p->plain_cost[i + KQ_SAMPLE] - p->plain_cost[i] > 36 * KQ_BIT) {
            dear++;
            again += seen[hash] != UINT32_MAX &&
                     memcmp(p->plane + seen[hash], p->plane + i, KQ_SAMPLE * sizeof *p->plane) == 0;
        }
        seen[hash] = (uint32_t)i;
    }
    return 64 * again < dear && 100 * outside > 40 * p->labels;
}

/* --- a tile to bytes ------------------------------------------------------------------ */

static size_t kq_put_length(uint8_t *out, size_t length)
{
    size_t size = 0;
    for (int shift = 21; shift >= 0; shift -= 7)
        if (length >> shift || shift == 0)
            out[size++] = (uint8_t)((length >> shift & 127) | (shift ? 128 : 0));
    return size;
}

#define KQ_FRONT_MOST 65536 /* bytes of a front, and of all lengths */

static void kq_parse_close(kq_parse *p)
{
    KQ_FREE(p->memory);
    KQ_FREE(p->pattern);
    KQ_FREE(p->plain);
    KQ_FREE(p->escape_bits);
    KQ_FREE(p->run_w);
    KQ_FREE(p->run_n);
    KQ_FREE(p->copy_length);
    KQ_FREE(p->copy_distance);
    KQ_FREE(p->plain_cost);
    KQ_FREE(p->best);
    KQ_FREE(p->kept);
    KQ_FREE(p->tokens);
    KQ_FREE(p->escapes);
    KQ_FREE(p);
}

static kq_parse *kq_parse_open(const kq_tokens_tile *tile)
{
    kq_parse *p = KQ_CALLOC(1, sizeof *p);
    if (!p)
        return NULL;
    const size_t n = tile->width * tile->height;
    p->k = tile->k;
    p->low_bits = tile->wide ? kq_tokens_low_bits(tile->k) : 0;
    p->width = tile->width;
    p->stride = tile->width < 2 ? 2 : tile->width;
    p->labels = n;
    p->front.labels = n;
    p->front.symbols = ((tile->k - 1) >> p->low_bits) + 1;
    p->front.state_bits = n > 20000 ? 8 : n > 2000 ? 7 : 6;
    const size_t margin = 2 * p->stride + 8, table = (size_t)1 << KQ_HASH_BITS;
    p->memory = KQ_CALLOC(n + KQ_BANDS * margin, sizeof *p->memory);
    p->pattern = KQ_MALLOC(n);
    p->plain = KQ_MALLOC(n);
    p->escape_bits = KQ_MALLOC(n);
    p->run_w = KQ_MALLOC(n * sizeof *p->run_w);
    p->run_n = KQ_MALLOC(n * sizeof *p->run_n);
    p->copy_length = KQ_MALLOC(n * sizeof *p->copy_length);
    p->copy_distance = KQ_MALLOC(n * sizeof *p->copy_distance);
    p->plain_cost = KQ_MALLOC((n + 1) * sizeof *p->plain_cost);
    /* Also the hash table of kq_suits_bands, the chains of copies, and the bits to be written. */
    p->best = KQ_MALLOC((n + 1 > table ? n + 1 : table) * sizeof *p->best);
    p->kept = KQ_MALLOC(((n >> 3) + 1) * sizeof *p->kept);
    p->tokens = KQ_MALLOC(n * sizeof *p->tokens);
    p->escapes = KQ_MALLOC(n * sizeof *p->escapes);
    if (!p->memory || !p->pattern || !p->plain || !p->escape_bits || !p->run_w || !p->run_n ||
        !p->copy_length || !p->copy_distance || !p->plain_cost || !p->best || !p->kept ||
        !p->tokens || !p->escapes) {
        kq_parse_close(p);
        return NULL;
    }
    p->plane = p->memory + margin;
    for (uint32_t i = 0; i < KQ_SMALL_COUNTS; i++)
        p->small[i] = (uint32_t)kq_self_information(i);
    return p;
}

/* Fills the plane: labels as places in the order. Returns 0 without memory. */
static int kq_fill_plane(kq_parse *p, const kq_tokens_tile *tile)
{
    uint16_t *places = KQ_CALLOC(tile->k, sizeof *places);
    for (uint32_t place = 0; places && place < tile->k; place++)
        places[kq_label_below(tile->k, tile->order, place, 1)] = (uint16_t)place;
    for (size_t i = 0; places && i < p->labels; i++)
        p->plane[i] = places[kq_label_below(tile->k, tile->labels, i, tile->wide)];
    KQ_FREE(places);
    return places != NULL;
}

/* Writes front and streams to `out`, of `capacity` bytes. Returns 1 and the size, 0 if it
 * doesn't fit, -1 without memory. */
static int kq_write_tile(kq_parse *p, uint16_t *const *planes, const size_t *labels, uint8_t *out,
                         size_t capacity, size_t *size)
{
    kq_emitter *e = KQ_MALLOC(sizeof *e);
    uint8_t *memory = KQ_MALLOC(KQ_FRONT_MOST + 4 * p->labels + 64);
    int done = -1;
    if (e && memory) {
        kq_range_encoder encoder;
        kq_bit_coder coder = {.encoder = &encoder};
        size_t front = 0, at = 0, lengths[KQ_BANDS] = {0}, streams = p->front.bands ? KQ_BANDS : 1;
        uint8_t head[16], *behind = memory + KQ_FRONT_MOST;
        kq_range_encoder_init(&encoder, memory, KQ_FRONT_MOST);
        kq_front_code(&coder, &p->front);
        done = kq_range_finish(&encoder, &front);
        kq_emitter_prepare(e, &p->front);
        e->kept = (uint64_t *)(void *)p->best;
        e->kept_count = 0;
        size_t all = 0, first = 0;
        for (size_t i = 0; i < streams; i++) {
            lengths[i] = p->front.bands
                             ? kq_emit_band(p, e, planes[i], first, labels[i], behind + all)
                             : kq_emit_stream(p, e, behind);
            all += lengths[i];
            first += p->front.bands ? labels[i] : 0;
        }
        head[at++] = p->front.bands ? KQ_TOKENS_BANDS : KQ_TOKENS_STREAM;
        at += kq_put_length(head + at, front);
        const size_t before = at;
        for (size_t i = 0; i + 1 < streams; i++)
            at += kq_put_length(head + at, lengths[i]);
        *size = at + front + all;
        done = done && *size <= capacity;
        if (done) {
            memcpy(out, head, before);
            memcpy(out + before, memory, front);
            memcpy(out + before + front, head + before, at - before);
            memcpy(out + at + front, behind, all);
        }
    }
    KQ_FREE(e);
    KQ_FREE(memory);
    return done;
}

/* Writes the payload of a tile to `out`. Returns 1 and its size, 0 if that is over `capacity`,
 * -1 without memory. */
static int kq_tokens_encode(const kq_tokens_tile *tile, uint8_t *out, size_t capacity, size_t *size)
{
    kq_parse *p = kq_parse_open(tile);
    uint16_t *planes[KQ_BANDS];
    size_t labels[KQ_BANDS];
    int done = p && kq_fill_plane(p, tile);
    if (done) {
        kq_survey_tile(p);
        kq_first_costs(p);
        p->front.bands = kq_suits_bands(p);
        if (p->front.bands) {
            kq_split_bands(p, planes, labels);
            done = kq_survey_bands(p, planes, labels);
        } else {
            done = kq_find_tokens(p);
        }
    }
    done = done ? kq_write_tile(p, planes, labels, out, capacity, size) : -1;
    if (p)
        kq_parse_close(p);
    return done;
}

#endif
#endif
