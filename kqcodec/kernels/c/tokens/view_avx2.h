/* What view.h has, for labels of one byte, by AVX2: the candidates are a word, which is
 * compared with its own bytes, and of which a token picks one by a shift. */

typedef struct {
    uint64_t word; /* W, WW, NW, N, NE, NN, from the lowest byte on; 0 for an escape */
} KQ_NAME(view);

KQ_FUNCTION void KQ_NAME(look)(KQ_NAME(view) *v, uint32_t before, const KQ_LABEL *near)
{
    uint32_t above;
    memcpy(&above, near, sizeof above);
    v->word = (before & 0xFFFF) | (uint64_t)above << 16;
}

KQ_FUNCTION uint32_t KQ_NAME(beside)(const KQ_NAME(view) *v)
{
    const __m128i all = _mm_cvtsi64_si128((long long)v->word);
    const __m128i w = _mm_shuffle_epi8(all, _mm_setzero_si128());
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(all, w)) & 31;
}

KQ_FUNCTION uint32_t KQ_NAME(pattern)(const KQ_NAME(view) *v)
{
    const __m128i all = _mm_cvtsi64_si128((long long)v->word);
    const __m128i n = _mm_shuffle_epi8(all, _mm_set1_epi8(KQ_TOKEN_N));
    const uint32_t same = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(all, n));
    return KQ_NAME(beside)(v) | (same & 4) << 3 | (same & 48) << 2;
}

KQ_FUNCTION uint32_t KQ_NAME(neighbor)(const KQ_NAME(view) *v, uint32_t token8)
{
    return (uint32_t)(v->word >> (token8 & 63)) & 255;
}

KQ_FUNCTION size_t KQ_NAME(flat)(const KQ_LABEL *above, KQ_LABEL *out, KQ_LABEL label, size_t most)
{
    const __m256i value = _mm256_set1_epi8((char)label);
    for (size_t length = 0; length < most; length += 32) {
        const __m256i same = _mm256_cmpeq_epi8(
            _mm256_loadu_si256((const __m256i *)(const void *)(above + length)), value);
        _mm256_storeu_si256((__m256i *)(void *)(out + length), value);
        const uint32_t other = ~(uint32_t)_mm256_movemask_epi8(same);
        if (other) {
            length += KQ_TRAILING_ZEROS(other);
            return length < most ? length : most;
        }
    }
    return most;
}
